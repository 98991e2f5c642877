"""Flow runs as a table that fits the terminal."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TextIO

from selinon_cli.render.columns import table
from selinon_cli.render.visible import cells, visible, width

#: Characters of an id where the terminal is narrow: commands take the beginning of an id.
_SHORT_ID = 8
#: A column that is narrower is left out.
_NARROWEST = 8

Json = Mapping[str, Any]


def width_of(out: TextIO) -> int | None:
    """The columns of the terminal; None where output goes to a file or a program: nothing is cut for these."""
    if out.isatty() or os.environ.get("COLUMNS"):
        return shutil.get_terminal_size().columns
    return None


def run_table(rows: Sequence[Json], columns: int | None, *, color: bool = False) -> str:
    """Runs, a line each; a sentence where there are none."""
    if not rows:
        return "no flow run fits\n"
    header = ["id", "flow", "status", "created", "took", "done", "labels", "reason"]
    lines = [_cells(row) for row in rows]
    if columns is not None:
        widest = [max(width(line[at]) for line in [header, *lines]) for at in range(len(header))]
        if sum(widest) + 2 * (len(header) - 1) > columns:
            for line in lines:
                line[0] = line[0][:_SHORT_ID]
                line[3] = line[3][5:16]
            widest = [max(width(line[at]) for line in [header, *lines]) for at in range(len(header))]
            _fit(header, lines, widest, columns)
    used = [at for at in range(len(header)) if any(line[at] for line in lines)]
    return table([header[at] for at in used], [[line[at] for at in used] for line in lines], color=color)


def _cells(row: Json) -> list[str]:
    progress = row["progress"]
    return [
        row["id"],
        row["flow"],
        row["status"],
        datetime.fromtimestamp(row["created"]).strftime("%Y-%m-%d %H:%M:%S"),
        _took(row["seconds"]),
        "" if progress is None else f"{progress['done']}/{progress['started']}",
        " ".join(f"{name}={value}" for name, value in row["labels"].items()),
        visible(row["reason"] or ""),
    ]


def _took(seconds: float) -> str:
    """Seconds in a form that is as short as a minute needs: ``4.2 s``, ``12 m``, ``3.5 h``, ``2.1 d``."""
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (600.0, "m")):
        if seconds >= size:
            return f"{seconds / (60 if unit == 'm' else size):.1f} {unit}"
    return f"{seconds:.1f} s"


def _fit(header: Sequence[str], lines: Sequence[list[str]], widest: Sequence[int], columns: int) -> None:
    """Cut labels and reasons, the last columns, to what is left; a column that has no room is emptied."""
    left = columns - sum(widest[:6]) - 2 * 5
    for at in (6, 7):
        room = left - 2
        if at == 6 and any(line[7] for line in lines):  # half for each, unless labels need less
            room = min(room, max(room // 2, room - 2 - widest[7]))
        if not any(line[at] for line in lines):
            continue
        for line in lines:
            line[at] = _cut(line[at], room) if room >= _NARROWEST else ""
        if room >= _NARROWEST:
            left -= 2 + max(len(header[at]), *(width(line[at]) for line in lines))


def _cut(text: str, room: int) -> str:
    """The beginning of a text that fits; a cut is marked."""
    if width(text) <= room:
        return text
    kept, taken = [], 0
    for character, size in cells(text):
        if taken + size > room - 1:
            break
        kept.append(character)
        taken += size
    return "".join(kept) + "…"
