"""What the expressions of a flow read, as parts of made-up results: a case that shows a run has to give them.

How many items the list of a foreach has was chosen when the edge fired. Where its expression is a path into the
result of a source, or into the arguments of the flow, the value is made to have a list of that length there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from selinon_core.errors import ConfigurationError
from selinon_core.plan import EdgePlan, FailurePlan, FlowPlan, ForeachItems
from selinon_core.plan.functions import expression_leaves
from selinon_core.plan.model import Computed, ComputedText, Expression, Template
from selinon_core.worlds.assembly import Builder, assembled
from selinon_core.worlds.candidates import Candidate, Path

if TYPE_CHECKING:
    from selinon_core.exploring.shapes import Shape, Shapes
    from selinon_core.schemas.check import ResultSchema

#: A node run: its node and its visit.
_Visit = tuple[str, int]
#: arguments that a node takes
Examples = Callable[[str], Any]
#: place in a value -> the number of items there
Lists = dict[Path, int]


class ValuesRead:
    """``items`` is that of the environment of a run. ``unknown``: expressions of foreach that are not such paths.

    ``example`` gives arguments that a node takes, None where that is not known.
    """

    def __init__(self, flow: FlowPlan, items: Mapping[Any, int], example: Examples = lambda node: None) -> None:
        self.unknown: list[str] = []
        self._of_arguments: Lists = {}
        self._by_visit: dict[_Visit, Lists] = {}
        self._shapes = _shapes_of(flow, example)
        over_items = {edge.foreach.text for edge in flow.edges if isinstance(edge.foreach, ForeachItems)}
        for (text, sources), count in items.items():
            if text in over_items and isinstance(sources, tuple):
                self._take(text, dict(sources), count)

    def is_read(self, node: str) -> bool:
        """Whether an expression reads the result of a node."""
        return self._shapes is not None and node in self._shapes.nodes

    def arguments(self, value: Any, schema: ResultSchema | None) -> Any:
        """The arguments of the flow with all that is read of them; ``value`` has what is decided already.

        ``schema`` is the ``input_schema`` of the flow.
        """
        shape = None if self._shapes is None else self._shapes.args
        if schema is None and (shape is None or not (shape.fields or self._of_arguments)):
            return value
        return self._filled(value, self._of_arguments, shape, schema)

    def result(self, visit: _Visit, value: Any, schema: ResultSchema | None) -> Any:
        """The result of a node run with all that is read of it; ``value`` None: nothing is decided yet."""
        if self._shapes is None or visit[0] not in self._shapes.nodes:
            return value
        return self._filled(value, self._by_visit.get(visit, {}), self._shapes.nodes[visit[0]], schema)

    def _filled(self, value: Any, lists: Lists, wanted: Shape | None, schema: ResultSchema | None) -> Any:
        """A value that fits the schema, and has what is read of it if one that fits can have that."""
        made = self._made(value, lists, wanted, schema)
        if schema is None:
            return made
        try:
            if schema.fits(made):
                return made
            return value if value is not None and schema.fits(value) else schema.minimal_value()
        except ConfigurationError:
            return made

    def _made(self, value: Any, lists: Lists, wanted: Shape | None, schema: ResultSchema | None) -> Any:
        if value is None and schema is not None:
            # The types are guessed from expressions, so a schema may have no value of them.
            for has_types in (True, False):
                overlay = {} if wanted is None else wanted.schema(has_types=has_types)
                for place, count in lists.items():
                    _set_length(overlay, place, count)
                try:
                    return schema.value_within(overlay)
                except ConfigurationError:
                    pass
            value = schema.minimal_value()
        if wanted is None:
            return value
        shape = wanted.value()
        for place, count in lists.items():
            items = [_at(shape, place)] * count
            if value is None:
                bounds = {"type": "array", "minItems": count, "maxItems": count}
                value = Builder(schema, place).build({place: Candidate(items, bounds)})[1]
            value = assembled(value, {place: items})
        return _merged(value, shape)

    def _take(self, text: str, sources: Mapping[str, int], count: int) -> None:
        from selinon_core.plan.expression_uses import paths_of

        paths = paths_of(text)
        path = paths[0] if len(paths) == 1 else None
        if path is None or path.start != 0 or path.end != len(text) or None in path.keys:
            self.unknown.append(text)
            return
        place = tuple(key for key in path.keys if key is not None)
        if path.use.kind == "args":
            self._of_arguments[place] = count
        elif path.use.kind == "node" and path.use.name in sources:
            self._by_visit.setdefault((path.use.name, sources[path.use.name]), {})[place] = count
        else:
            self.unknown.append(text)


def _shapes_of(flow: FlowPlan, example: Examples) -> Shapes | None:
    """The shapes of what a flow reads; None where nothing in it is an expression."""
    entries: tuple[EdgePlan | FailurePlan, ...] = (*flow.edges, *flow.failures)
    if (
        flow.output is None
        and not any(entry.args is not None or any(expression_leaves(entry.condition)) for entry in entries)
        and not any(isinstance(edge.foreach, ForeachItems) for edge in flow.edges)
    ):
        return None
    from selinon_core.exploring.shapes import Shape, Shapes
    from selinon_core.plan.expression_uses import expressions_of, tree_of

    found = Shapes()
    for entry in entries:
        for leaf in expression_leaves(entry.condition):
            found.read(tree_of(leaf.text), True)
    variables: dict[int, dict[str, Shape]] = {}
    for edge in flow.edges:
        if isinstance(edge.foreach, ForeachItems):
            items = found.read(tree_of(edge.foreach.text), [])
            item = Shape() if items is None else items.item()
            variables[edge.index] = {edge.foreach.item_name: item, "index": Shape()}
    for edge in flow.edges:
        for text, wanted in _wanted_by(edge.args, edge.destinations, example):
            found.read(tree_of(text), wanted, variables.get(edge.index))
    for entry in flow.failures:
        for text, wanted in _wanted_by(entry.args, entry.fallback, example):
            found.read(tree_of(text), wanted)
    for expression in expressions_of(flow.output):
        found.read(tree_of(expression.text), None)
    return found


def _wanted_by(args: Template | None, nodes: Sequence[str], example: Examples) -> Iterator[tuple[str, Any]]:
    """Yield the expressions of ``args``, each with what one of the nodes takes in its place, if that is known."""
    if args is None:
        return
    taken = next((found for node in nodes if (found := example(node)) is not None), None)
    todo: list[tuple[Any, Any]] = [(args.value, taken)]
    while todo:
        part, wanted = todo.pop()
        if isinstance(part, Computed):
            yield part.expression.text, wanted
        elif isinstance(part, ComputedText):
            yield from ((piece.text, None) for piece in part.parts if isinstance(piece, Expression))
        elif isinstance(part, dict):
            inner = wanted if isinstance(wanted, dict) else {}
            todo += [(value, inner.get(key)) for key, value in reversed(part.items())]
        elif isinstance(part, list | tuple):
            todo += [(value, None) for value in reversed(part)]


def _set_length(schema: dict[str, Any], place: Path, count: int) -> None:
    """Bound the length of the list at a place of the values of a schema that ``Shape.schema`` made."""
    for step in place:
        inner = schema.get("properties", {}).get(step) if isinstance(step, str) else schema.get("items")
        if inner is None:
            return
        schema = inner
    schema.update({"type": "array", "minItems": count, "maxItems": count})


def _at(shape: Any, place: Path) -> Any:
    """The item of the list that a shape has at a place, a text where it has none."""
    for step in place:
        try:
            shape = shape[step]
        except (KeyError, IndexError, TypeError):
            return "x"
    return shape[0] if isinstance(shape, list) and shape else "x"


def _merged(value: Any, shape: Any) -> Any:
    """``value`` with what it lacks of ``shape``."""
    if value is None:
        return shape
    if isinstance(value, dict) and isinstance(shape, dict):
        return {**value, **{key: _merged(value.get(key), inner) for key, inner in shape.items()}}
    if isinstance(value, list) and isinstance(shape, list) and shape:
        item = shape[0]
        # A list may have been made for its length alone.
        is_filled = isinstance(item, dict | list)
        return [item if is_filled and not isinstance(one, type(item)) else _merged(one, item) for one in value]
    return value
