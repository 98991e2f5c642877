"""What is wrong with the expressions of a project: each text is checked once, with the names of its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from selinon_core.config.model import (
    AndDef,
    ConditionDef,
    EdgeDef,
    ExpressionDef,
    FailureDef,
    FlowDef,
    ForeachItemsDef,
    NameRef,
    NotDef,
    OrDef,
    TemplateDef,
    TestDef,
)
from selinon_core.expressions.check import (
    Checked,
    check,
    check_condition,
    check_items,
    check_part_of_text,
    facts_behind,
)
from selinon_core.expressions.checking.findings import Finding
from selinon_core.expressions.checking.known_names import Names
from selinon_core.expressions.checking.narrowing import NOTHING, Facts
from selinon_core.expressions.types import ANY, Type
from selinon_core.lint.analysis.dataflow.node_types import NodeTypes, type_of_template
from selinon_core.lint.analysis.dataflow.places import FlowScope, Part
from selinon_core.lint.analysis.dataflow.schema_types import SchemaTypes, Typed
from selinon_core.lint.analysis.dataflow.scopes import Scope

if TYPE_CHECKING:
    from selinon_core.config.model import ProjectModel
    from selinon_core.lint.analysis.facts import FlowGraph


class Found(NamedTuple):
    """A finding, the text that it is about, and what the text is a part of."""

    finding: Finding
    expression: ExpressionDef
    part: Part


class Given(NamedTuple):
    """What a node is given: the type of its arguments, and where they are written."""

    node: str
    type: Type
    takes: Typed
    entry: EdgeDef | FailureDef
    template: TemplateDef | None


class Dataflow:
    """The checks of a project's expressions, made when they are first asked for."""

    def __init__(self, model: ProjectModel, graph: Callable[[FlowDef], FlowGraph], schemas: SchemaTypes) -> None:
        self._model = model
        self._graph = graph
        self._scopes: dict[int, FlowScope] = {}
        self.types = NodeTypes(model, schemas, self._names_of_output)
        self.found: list[Found] = []
        self.given: list[Given] = []
        for flow in model.flows:
            self._flow(flow)

    def _scope(self, flow: FlowDef) -> FlowScope:
        if id(flow) not in self._scopes:
            self._scopes[id(flow)] = FlowScope(self._model, flow, self._graph(flow), self.types)
        return self._scopes[id(flow)]

    def _names_of_output(self, flow: FlowDef) -> Names:
        return Scope(self._scope(flow), Part.OUTPUT)

    def _flow(self, flow: FlowDef) -> None:
        for edge in flow.edges:
            self._edge(self._scope(flow), edge)
        for failure in flow.failures:
            scope = self._scope(flow)
            facts = self._condition(scope, failure)
            self._args(scope, failure, failure.fallback or (), facts, ANY)
        if flow.output is not None:
            self._template(flow.output, self._names_of_output(flow), Part.OUTPUT, NOTHING)

    def _edge(self, scope: FlowScope, edge: EdgeDef) -> None:
        facts = self._condition(scope, edge)
        item = ANY
        if isinstance(edge.foreach, ForeachItemsDef) and edge.foreach.expression is not None:
            expression = edge.foreach.expression
            names = Scope(scope, Part.FOREACH, edge)
            checked = check_items(expression.tree, expression.text, names, facts)
            self._take(checked, expression, Part.FOREACH)
            item = checked.type
        self._args(scope, edge, edge.destinations or (), facts, item)
        if edge.args is None and isinstance(edge.foreach, ForeachItemsDef):
            for name in dict.fromkeys(ref.name for ref in edge.destinations or ()):
                if self._checks_arguments(name):
                    self._give(name, item, edge, None)

    def _args(
        self, scope: FlowScope, entry: EdgeDef | FailureDef, nodes: tuple[NameRef, ...], facts: Facts, item: Type
    ) -> None:
        if entry.args is None:
            return
        names = Scope(scope, Part.ARGS, entry, item)
        types = self._template(entry.args, names, Part.ARGS, facts)
        checked = [name for name in dict.fromkeys(ref.name for ref in nodes) if self._checks_arguments(name)]
        if checked:
            type_ = type_of_template(entry.args, lambda part: types[id(part)])
            for name in checked:
                self._give(name, type_, entry, entry.args)

    def _checks_arguments(self, name: str) -> bool:
        node = self._model.node(name)
        return node is not None and node.input_schema is not None

    def _give(self, name: str, type_: Type, entry: EdgeDef | FailureDef, template: TemplateDef | None) -> None:
        node = self._model.node(name)
        assert node is not None
        self.given.append(Given(name, type_, self.types.arguments(node), entry, template))

    def _template(self, template: TemplateDef, names: Names, part: Part, facts: Facts) -> dict[int, Type]:
        """Check the expressions of a template; return their types by identity."""
        types: dict[int, Type] = {}
        for _, expression, in_text in template.expressions():
            checked = (check_part_of_text if in_text else check)(expression.tree, expression.text, names, facts)
            self._take(checked, expression, part)
            types[id(expression)] = checked.type
        return types

    def _condition(self, scope: FlowScope, entry: EdgeDef | FailureDef) -> Facts:
        """Check a condition; return what is known where it holds."""
        if entry.condition is None:
            return NOTHING
        names = Scope(scope, Part.CONDITION, entry)
        told: set[tuple[int, str]] = set()
        behind = _Behind(names)
        for test, facts in behind.tests(entry.condition, True, NOTHING):
            checked = check_condition(test.tree, test.expression.text, names, facts)
            for finding in checked.findings:
                key = (id(test.expression), finding.message)
                if key not in told:
                    told.add(key)
                    self.found.append(Found(finding, test.expression, Part.CONDITION))
        needed = entry.args is not None or (isinstance(entry, EdgeDef) and entry.foreach is not None)
        return behind.facts(entry.condition, True, NOTHING) if needed else NOTHING

    def _take(self, checked: Checked, expression: ExpressionDef, part: Part) -> None:
        self.found.extend(Found(finding, expression, part) for finding in checked.findings)


class _Behind:
    """What is known behind the parts of one condition; each part is looked at once."""

    def __init__(self, names: Names) -> None:
        self._names = names
        #: By part, result and what was known before; that is kept so that its identity stays its own.
        self._known: dict[tuple[int, bool, int], tuple[Facts, Facts]] = {}

    def tests(self, condition: ConditionDef, holds: bool, facts: Facts) -> Iterator[tuple[TestDef, Facts]]:
        """The expressions of a condition, each with what is known where it is worked out."""
        if isinstance(condition, TestDef):
            yield condition, facts
        elif isinstance(condition, NotDef):
            yield from self.tests(condition.operand, not holds, facts)
        elif isinstance(condition, AndDef | OrDef):
            for number, operand in enumerate(condition.operands):
                if number:
                    before = condition.operands[number - 1]
                    facts = self.facts(before, isinstance(condition, AndDef), facts)
                yield from self.tests(operand, holds, facts)

    def facts(self, condition: ConditionDef, holds: bool, before: Facts) -> Facts:
        """What is known once a condition gave ``holds``."""
        key = (id(condition), holds, id(before))
        if key not in self._known:
            self._known[key] = (before, self._work_out(condition, holds, before))
        return self._known[key][1]

    def _work_out(self, condition: ConditionDef, holds: bool, facts: Facts) -> Facts:
        if isinstance(condition, TestDef):
            return facts_behind(condition.tree, condition.expression.text, self._names, holds, facts)
        if isinstance(condition, NotDef):
            return self.facts(condition.operand, not holds, facts)
        if isinstance(condition, AndDef | OrDef) and isinstance(condition, AndDef) is holds:
            for operand in condition.operands:
                facts = self.facts(operand, holds, facts)
        return facts
