"""What moves in a project, written out: what each flow takes and gives, and what its edges give their nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from selinon_core.config.model import (
    EdgeDef,
    ExpressionDef,
    FailureDef,
    FlowDef,
    ForeachDef,
    ForeachItemsDef,
    ProjectModel,
    TemplateDef,
    expression_leaves,
    texts,
)
from selinon_core.expressions.check import check
from selinon_core.expressions.checking.narrowing import NOTHING
from selinon_core.expressions.names import paths_used
from selinon_core.expressions.parser import parse
from selinon_core.expressions.type_notation import notation
from selinon_core.expressions.types import ANY, Type
from selinon_core.lint.analysis.dataflow.findings import Dataflow
from selinon_core.lint.analysis.dataflow.node_types import type_of_template
from selinon_core.lint.analysis.dataflow.places import Part
from selinon_core.lint.analysis.dataflow.scopes import Scope


class Value(NamedTuple):
    """An expression and its type. ``key`` is where in ``args`` or ``output`` it stands, empty for a whole."""

    key: str
    text: str
    type: str
    place: str


class Given(NamedTuple):
    """What a node gets: ``how`` says from where, ``takes`` is the type of its ``input_schema``; empty without."""

    node: str
    type: str
    how: str
    takes: str


class Entry(NamedTuple):
    """An edge, or with ``is_fallback`` an entry of failures. ``reads`` are the paths of its condition."""

    is_fallback: bool
    number: int
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    place: str
    condition: tuple[str, ...]
    reads: tuple[Value, ...]
    foreach: Value | None
    args: tuple[Value, ...]
    given: tuple[Given, ...]


class Result(NamedTuple):
    """What a node of a flow gives; ``source`` is the file of the type, or the annotation."""

    node: str
    type: str
    source: str


class FlowTypes(NamedTuple):
    """The types of a flow. ``declared`` is the type of its ``output_schema``; empty without, as is ``output``."""

    name: str
    place: str
    args: str
    results: tuple[Result, ...]
    entries: tuple[Entry, ...]
    output: str
    values: tuple[Value, ...]
    declared: str


def types_of_flows(model: ProjectModel, dataflow: Dataflow) -> list[FlowTypes]:
    """The types of all flows, in the order of the files."""
    return [_Overview(model, dataflow, flow).made() for flow in model.flows]


class _Overview:
    def __init__(self, model: ProjectModel, dataflow: Dataflow, flow: FlowDef) -> None:
        self._model = model
        self._dataflow = dataflow
        self._flow = flow
        self._types = dataflow.types

    def made(self) -> FlowTypes:
        flow = self._flow
        written: tuple[EdgeDef | FailureDef, ...] = (*flow.edges, *flow.failures)
        entries = [self._entry(entry) for entry in written]
        names = dict.fromkeys(name for entry in entries for name in (*entry.sources, *entry.destinations))
        results = [
            Result(name, notation(found.type), found.source)
            for name in names
            if self._model.node(name) is not None and not (found := self._types.result(name)).type.is_any
        ]
        output, declared = "", ""
        values: tuple[Value, ...] = ()
        if flow.output is not None:
            output = notation(self._template(flow.output))
            values = tuple(self._values(flow.output))
            if flow.output_schema is not None:
                declared = notation(self._types.result(flow.name.name).type)
        return FlowTypes(
            flow.name.name,
            str(flow.name.location.place),
            notation(self._types.arguments(flow).type),
            tuple(results),
            tuple(entries),
            output,
            values,
            declared,
        )

    def _entry(self, entry: EdgeDef | FailureDef) -> Entry:
        is_edge = isinstance(entry, EdgeDef)
        sources = entry.sources if isinstance(entry, EdgeDef) else entry.nodes
        destinations = entry.destinations if isinstance(entry, EdgeDef) else entry.fallback
        nodes = tuple(ref.name for ref in destinations or ())
        foreach = entry.foreach if isinstance(entry, EdgeDef) else None
        items = None
        if isinstance(foreach, ForeachItemsDef) and foreach.expression is not None:
            items = self._value("", foreach.expression)
        return Entry(
            not is_edge,
            entry.index,
            tuple(ref.name for ref in sources or ()),
            nodes,
            str(entry.location.place),
            tuple(whole.text for whole in texts(entry.condition)),
            tuple(self._reads(entry)),
            items,
            () if entry.args is None else tuple(self._values(entry.args)),
            tuple(self._given(entry, name, foreach) for name in dict.fromkeys(nodes)),
        )

    def _reads(self, entry: EdgeDef | FailureDef) -> Iterator[Value]:
        """The paths that the expressions of a condition read, each once."""
        names = Scope(self._dataflow.scope(self._flow), Part.CONDITION, entry)
        seen = set()
        for leaf in expression_leaves(entry.condition):
            for path in paths_used(leaf.tree):
                if path.text not in seen:
                    seen.add(path.text)
                    type_ = check(parse(path.text).tree, path.text, names, NOTHING).type
                    place = str(leaf.expression.at(path.start, path.end).place)
                    yield Value("", path.text, notation(type_), place)

    def _given(
        self, entry: EdgeDef | FailureDef, name: str, foreach: ForeachDef | ForeachItemsDef | None
    ) -> Given:
        node = self._model.node(name)
        takes = "" if node is None or node.input_schema is None else notation(self._types.arguments(node).type)
        if entry.args is not None:
            return Given(name, notation(self._template(entry.args)), "args", takes)
        if foreach is not None and foreach.propagate_result:
            type_ = ANY
            if isinstance(foreach, ForeachItemsDef) and foreach.expression is not None:
                type_ = self._type(foreach.expression)
            return Given(name, notation(type_), "the item", takes)
        found = self._dataflow.without_args(self._flow, entry, name, self._dataflow.facts_of(entry))
        how = "no arguments" if found.flow is None else "the arguments of the flow"
        return Given(name, notation(found.type), how, takes)

    def _values(self, template: TemplateDef) -> Iterator[Value]:
        for path, expression, _ in template.expressions():
            key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
            yield self._value(key, expression)

    def _value(self, key: str, expression: ExpressionDef) -> Value:
        return Value(key, expression.text, notation(self._type(expression)), str(expression.location.place))

    def _type(self, expression: ExpressionDef) -> Type:
        return self._dataflow.types_found.get(id(expression), ANY)

    def _template(self, template: TemplateDef) -> Type:
        return type_of_template(template, self._type)
