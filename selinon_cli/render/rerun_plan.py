"""The preview of a rerun for people: what runs again, what then, what is reused, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selinon_core.rerunning.preview import Preview
    from selinon_core.rerunning.rows import Row

#: Longer lists of nodes are not aligned with.
_WIDEST = 40


def rerun_plan(preview: Preview) -> str:
    """A line for each node or group of nodes, the kinds in the order in which things happen."""
    from selinon_core.rerunning.preview import AGAIN, ENTER, GIVEN, NOT_AGAIN, REUSE, THEN
    from selinon_core.rerunning.rows import Rows

    found = Rows(preview)
    then = "then" if not preview.request.if_changed else "if changed"
    lines = [
        *_lines("run again", found.rows(AGAIN)),
        *_lines("go on in", found.rows(ENTER)),
        *_lines("given", found.rows(GIVEN)),
        *_lines(then, [*found.rows(THEN), *found.never_ran()]),
        *_reused(found.rows(REUSE), found.inside_counts()),
        *_lines("not again", found.rows(NOT_AGAIN)),
    ]
    kinds = max((len(kind) for kind, _, _ in lines), default=0)
    names = min(max((len(names) for _, names, _ in lines), default=0), _WIDEST)
    return "".join(f"{kind:<{kinds}}  {nodes:<{names}}  {why}".rstrip() + "\n" for kind, nodes, why in lines)


_Line = tuple[str, str, str]


def _lines(kind: str, rows: Iterable[Row]) -> list[_Line]:
    """Runs of one node for one reason are one line."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        groups.setdefault((row.name, row.why), []).append(row.node)
    return [
        (kind, nodes[0] if len(nodes) == 1 else f"{len(nodes)} x {name}", why)
        for (name, why), nodes in groups.items()
    ]


def _reused(rows: Iterable[Row], inside: Mapping[str, Mapping[str, int]]) -> list[_Line]:
    """All that is reused for one reason is one line; sub-flows have in brackets what is in them."""
    groups: dict[str, dict[str, int]] = {}
    for row in rows:
        counts = groups.setdefault(row.why, {})
        counts[row.name] = counts.get(row.name, 0) + 1
    found = []
    for why, counts in groups.items():
        texts = []
        for name, number in counts.items():
            within = ", ".join(f"{many} {one}" if many > 1 else one for one, many in inside.get(name, {}).items())
            times = f"{number} x " if number > 1 else ""
            texts.append(f"{times}{name}" + (f" ({within})" if within else ""))
        found.append(("reuse", ", ".join(texts), why))
    return found
