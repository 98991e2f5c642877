"""Which parts of results and arguments the decisions of a project look at."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from selinon_core.diagnostics.location import Place
from selinon_core.plan import Computed, ComputedText, Condition, Expression, FlowPlan, Leaf, Plan, Template, Test
from selinon_core.plan.expression_uses import expressions_of, paths_of
from selinon_core.plan.functions import leaves_of
from selinon_core.plan.model import ForeachItems
from selinon_core.worlds.candidates import path_of
from selinon_core.worlds.leaves import LeafKind, kind_of

Path = tuple[str | int, ...]
#: How often what is looked at may be copied on its way: a flow that calls itself would never end.
_MOST_STEPS = 5
#: Predicates that look at whether a field is there, or at its type, and not at its value.
_FORM_ONLY = ("Exist", "Bool", "Int", "Float", "Str", "List", "Dict", "None")


class Read(NamedTuple):
    """A place that is looked at: ``path`` in the result of the node ``node``, or for None in the arguments.

    ``of_value``: what is decided depends on the value there, not only on its type or on whether it is there.
    """

    node: str | None
    path: Path
    place: Place
    of_value: bool = True


class Reads:
    """What the conditions, foreach expressions and templates of a plan look at."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def of_condition(self, condition: Condition | None) -> Iterator[Read]:
        """The places that the shipped predicates and the expressions of a condition look at."""
        for leaf in leaves_of(condition):
            if isinstance(leaf, Test):
                yield from self.of_expression(leaf.expression)
            else:
                yield from self._of_leaf(leaf)

    def _of_leaf(self, leaf: Leaf) -> Iterator[Read]:
        kind = kind_of(leaf)
        if kind not in (LeafKind.RESULT, LeafKind.ARGUMENTS):
            return
        node = None if kind is LeafKind.ARGUMENTS else leaf.node[-1] if leaf.node else None
        if kind is LeafKind.RESULT and node is None:
            return
        name = leaf.function.name
        of_value = not (name.endswith(_FORM_ONLY) and name not in ("isNone", "fieldNone"))
        yield Read(node, path_of(leaf) or (), leaf.place, of_value)

    def of_expression(self, expression: Expression, item_name: str = "item") -> Iterator[Read]:
        """The places that an expression looks at."""
        for used in paths_of(expression.text, item_name):
            kind, name = used.use.kind, used.use.name
            keys: list[str | int] = []
            for key in used.keys:
                if key is None:
                    break
                keys.append(key)
            if kind == "args":
                yield Read(None, tuple(keys), expression.place)
            elif kind in ("node", "last"):
                yield Read(name, tuple(keys), expression.place)
            elif kind == "all":
                yield Read(name, (), expression.place)

    def _deciding(self, flow: FlowPlan) -> Iterator[Read]:
        for edge in flow.edges:
            yield from self.of_condition(edge.condition)
            if isinstance(edge.foreach, ForeachItems):
                yield from self.of_expression(edge.foreach.expression)
        for entry in flow.failures:
            yield from self.of_condition(entry.condition)

    def _copied(self, flow: FlowPlan) -> Iterator[Read]:
        for template in (*_args_of(flow), flow.output):
            for expression in expressions_of(template):
                yield from self.of_expression(expression)

    @cached_property
    def _all_deciding(self) -> frozenset[tuple[str | None, Path]]:
        """The places that decisions look at, and those from which what they look at is copied."""
        flows = self._plan.flows.values()
        found = {(read.node, read.path) for flow in flows for read in self._deciding(flow)}
        templates: list[tuple[str | None, Template]] = [(None, args) for flow in flows for args in _args_of(flow)]
        templates += [(flow.name, flow.output) for flow in flows if flow.output is not None]
        copies = [(target, at, read) for target, template in templates for at, read in self._copies(template)]
        for _ in range(_MOST_STEPS):
            new = {
                (read.node, _behind(at, read.path, path))
                for target, at, read in copies
                for node, path in found
                if node == target and _overlap(at, path)
            }
            if new <= found:
                break
            found |= new
        return frozenset(found)

    def _copies(self, template: Template) -> Iterator[tuple[Path, Read]]:
        """What is copied to which place of a template."""
        for at, expression in computed_in(template.value):
            for read in self.of_expression(expression):
                yield at, read

    @cached_property
    def deciding_results(self) -> dict[str, frozenset[Path]]:
        """By node: the places of its results that decisions look at."""
        found: dict[str, set[Path]] = {}
        for node, path in self._all_deciding:
            if node is not None:
                found.setdefault(node, set()).add(path)
        return {name: frozenset(paths) for name, paths in found.items()}

    @cached_property
    def deciding_args(self) -> frozenset[Path]:
        """The places of arguments, of whichever flow, that decisions look at."""
        return frozenset(path for node, path in self._all_deciding if node is None)

    @cached_property
    def copied_results(self) -> dict[str, frozenset[Path]]:
        """By task: the places of its results that are put into arguments and outputs; they have to be there."""
        found: dict[str, set[Path]] = {}
        for flow in self._plan.flows.values():
            for read in self._copied(flow):
                if read.node is not None:
                    found.setdefault(read.node, set()).add(read.path)
        return {name: frozenset(paths) for name, paths in found.items()}

    @cached_property
    def first_tasks(self) -> frozenset[str]:
        """Tasks whose result becomes the arguments of a flow."""
        return frozenset(
            name
            for flow in self._plan.flows.values()
            if flow.node_args_from_first
            for edge in flow.edges
            if not edge.sources
            for name in edge.destinations
        )


def _args_of(flow: FlowPlan) -> list[Template]:
    """The arguments that the edges and the failures entries of a flow give."""
    given = [*(edge.args for edge in flow.edges), *(entry.args for entry in flow.failures)]
    return [template for template in given if template is not None]


def computed_in(part: Any, at: Path = ()) -> Iterator[tuple[Path, Expression]]:
    """The expressions of a template, each with the place of its value."""
    if isinstance(part, Computed):
        yield at, part.expression
    elif isinstance(part, ComputedText):
        yield from ((at, piece) for piece in part.parts if isinstance(piece, Expression))
    elif isinstance(part, dict):
        for key, inner in part.items():
            yield from computed_in(inner, (*at, key))
    elif isinstance(part, list | tuple):
        for index, inner in enumerate(part):
            yield from computed_in(inner, (*at, index))


def _overlap(one: Path, other: Path) -> bool:
    return all(mine == others for mine, others in zip(one, other, strict=False))


def _behind(at: Path, source: Path, wanted: Path) -> Path:
    """The place in the source of what is wanted from a copy of it at ``at``."""
    return (*source, *wanted[len(at) :])


def needs_answer(condition: Condition | None) -> bool:
    """Whether a condition asks what a test cannot: functions of the project, servers, the environment."""
    for leaf in leaves_of(condition):
        if isinstance(leaf, Test):
            if any(used.use.kind in ("env", "flow") for used in paths_of(leaf.text)):
                return True
        elif kind_of(leaf) in (LeafKind.UNKNOWN, LeafKind.ENVIRONMENT):
            return True
    return False
