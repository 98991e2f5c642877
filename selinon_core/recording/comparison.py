"""What a replay did differently from the run that was recorded, the cause before what follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from selinon_core.cases.matchers import equal
from selinon_core.explaining.words import shown
from selinon_core.recording.rows import COMPARED, Row
from selinon_core.recording.unknown import UNKNOWN


class Difference(NamedTuple):
    """A node run that differs, in a sentence; ``follows``: one that it depends on differs too."""

    node: str
    text: str
    follows: bool = False

    def __str__(self) -> str:
        return f"{self.text} (follows)" if self.follows else self.text


def differences(recorded: Sequence[Row], replayed: Sequence[Row], statuses: tuple[str, str]) -> list[Difference]:
    """How two runs differ, causes first; ``statuses`` are those of the flow in both."""
    pairs = _paired(recorded, replayed)
    paired = {now.key for _, now in pairs if now is not None}
    wrong: set[str] = set()
    causes: list[Difference] = []
    following: list[Difference] = []
    new: list[tuple[Row | None, Row]] = [(None, row) for row in replayed if row.key not in paired]
    for before, now in (*pairs, *new):
        row = before or now
        assert row is not None
        texts = [f"{row.label} ran, which is new"] if before is None else list(_of_node(before, now))
        if texts:
            wrong.add(row.key)
            follows = any(key in wrong for key in row.above)
            (following if follows else causes).extend(Difference(row.label, text, follows) for text in texts)
    if statuses[0] != statuses[1]:
        text = f"the flow ended with {statuses[1]} instead of {statuses[0]}"
        (following if causes else causes).append(Difference("", text, bool(causes)))
    return [*causes, *following]


def _paired(recorded: Sequence[Row], replayed: Sequence[Row]) -> list[tuple[Row, Row | None]]:
    """Each recorded row with that of the replay: of the same lineage, else of the same label.

    A trace does not name the runs of a sub-flow that another node was started for, so lineages may be incomplete.
    """
    by_key = {row.key: row for row in replayed}
    known = {row.key for row in recorded}
    by_label = {row.label: row for row in replayed if row.key not in known}
    return [(row, by_key.get(row.key) or by_label.get(row.label)) for row in recorded]


def _of_node(row: Row, now: Row | None) -> Iterator[str]:
    if now is None:
        yield f"{row.label} did not run"
        return
    for key, words in COMPARED.items():
        before, after = getattr(row, key), getattr(now, key)
        if before is not UNKNOWN and after is not UNKNOWN and not _same(before, after):
            verb = "are" if words.endswith("s") and key != "status" else "is"
            yield f"{words} of {row.label} {verb} {shown(after)} instead of {shown(before)}"


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return " ".join(one.split()) == " ".join(other.split())
    return equal(one, other)
