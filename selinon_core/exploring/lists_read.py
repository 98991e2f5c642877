"""The lists that expressions of foreach read, as parts of results: a case that shows a run has to give them.

How many items such a list has was chosen when the edge fired. Where the expression is a path into the result of a
source, or into the arguments of the flow, the value is made to have a list of that length there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from selinon_core.plan import FlowPlan, ForeachItems
from selinon_core.worlds.assembly import Builder, assembled
from selinon_core.worlds.candidates import Candidate, Path

if TYPE_CHECKING:
    from selinon_core.schemas.check import ResultSchema

#: A node run: its node and its visit.
_Visit = tuple[str, int]
#: place in a value -> the number of items there
Lists = dict[Path, int]


class ListsRead:
    """``items`` is that of the environment of a run. ``unknown``: expressions that are no such path."""

    def __init__(self, flow: FlowPlan, items: Mapping[Any, int]) -> None:
        self.of_arguments: Lists = {}
        self.unknown: list[str] = []
        self._by_visit: dict[_Visit, Lists] = {}
        over_items = {edge.foreach.text for edge in flow.edges if isinstance(edge.foreach, ForeachItems)}
        for (text, sources), count in items.items():
            if text in over_items and isinstance(sources, tuple):
                self._take(text, dict(sources), count)

    def of(self, visit: _Visit) -> Lists:
        """The lists in the result of a node run."""
        return self._by_visit.get(visit, {})

    def _take(self, text: str, sources: Mapping[str, int], count: int) -> None:
        from selinon_core.plan.expression_uses import paths_of

        paths = paths_of(text)
        path = paths[0] if len(paths) == 1 else None
        if path is None or path.start != 0 or path.end != len(text) or None in path.keys:
            self.unknown.append(text)
            return
        place = tuple(key for key in path.keys if key is not None)
        if path.use.kind == "args":
            self.of_arguments[place] = count
        elif path.use.kind == "node" and path.use.name in sources:
            self._by_visit.setdefault((path.use.name, sources[path.use.name]), {})[place] = count
        else:
            self.unknown.append(text)


def with_lists(value: Any, lists: Lists, schema: ResultSchema | None = None) -> Any:
    """A value that has these lists; one that fits the schema, where there is one and one is found."""
    chosen = {
        place: Candidate(
            [f"item {number}" for number in range(1, count + 1)],
            {"type": "array", "minItems": count, "maxItems": count},
        )
        for place, count in lists.items()
    }
    plain = assembled(value, {place: candidate.value for place, candidate in chosen.items()})
    if value is None:
        first = next(iter(chosen))
        plain = Builder(schema, first).build(chosen)[1]
        return plain if plain is not None else Builder(None, first).build(chosen)[1]
    return plain
