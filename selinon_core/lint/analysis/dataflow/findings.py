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
    TaskDef,
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
from selinon_core.expressions.checking.narrowing import NOTHING, Facts, with_facts
from selinon_core.expressions.types import ANY, NULL, NULL_TYPE, OBJECT, Type, object_of, union
from selinon_core.lint.analysis.dataflow.node_types import NodeTypes, type_of_template
from selinon_core.lint.analysis.dataflow.places import FlowScope, Part
from selinon_core.lint.analysis.dataflow.schema_types import SchemaTypes, Typed
from selinon_core.lint.analysis.dataflow.scopes import Scope
from selinon_core.lint.analysis.dataflow.task_scope import TaskScope

if TYPE_CHECKING:
    from selinon_core.config.model import ProjectModel
    from selinon_core.lint.analysis.facts import FlowGraph


class Found(NamedTuple):
    """A finding, the text that it is about, and what the text is a part of."""

    finding: Finding
    expression: ExpressionDef
    part: Part


class Given(NamedTuple):
    """What a node is given: the type of its arguments, and where they are written.

    ``template`` are the ``args``; without them the node, named at ``ref``, gets the items of the foreach, the
    arguments of ``flow``, or nothing (``flow`` is None).
    """

    node: str
    type: Type
    takes: Typed
    entry: EdgeDef | FailureDef
    template: TemplateDef | None
    ref: NameRef
    flow: FlowDef | None = None


class WithoutArgs(NamedTuple):
    """What a node gets where nothing is written: the arguments of ``flow``, or null where that is None."""

    type: Type
    flow: FlowDef | None


class Output(NamedTuple):
    """The output of a flow: its type as it is worked out, and that of its ``output_schema``."""

    flow: FlowDef
    type: Type
    declared: Typed


class Dataflow:
    """The checks of a project's expressions, made when they are first asked for."""

    def __init__(self, model: ProjectModel, graph: Callable[[FlowDef], FlowGraph], schemas: SchemaTypes) -> None:
        self._model = model
        self._graph = graph
        self._scopes: dict[int, FlowScope] = {}
        self.types = NodeTypes(model, schemas, self._names_of_output)
        self.found: list[Found] = []
        self.given: list[Given] = []
        self.outputs: list[Output] = []
        #: The types of expressions in templates and of the items of foreach, by identity of the expression.
        self.types_found: dict[int, Type] = {}
        #: What is known where an edge or an entry of failures is followed, by identity; see ``facts_of``.
        self._facts: dict[int, Facts] = {}
        for flow in model.flows:
            self._flow(flow)
        for task in model.tasks:
            if task.wait is not None and task.wait.title is not None:
                self._template(task.wait.title, TaskScope(model, Part.TITLE), Part.TITLE, NOTHING)
            if task.limit is not None and task.limit.key is not None:
                self._template(task.limit.key, TaskScope(model, Part.TASK_LIMIT), Part.TASK_LIMIT, NOTHING)

    def scope(self, flow: FlowDef) -> FlowScope:
        """What the places of a flow share."""
        if id(flow) not in self._scopes:
            self._scopes[id(flow)] = FlowScope(self._model, flow, self._graph(flow), self.types)
        return self._scopes[id(flow)]

    def _names_of_output(self, flow: FlowDef) -> Names:
        return Scope(self.scope(flow), Part.OUTPUT)

    def _flow(self, flow: FlowDef) -> None:
        for edge in flow.edges:
            self._edge(self.scope(flow), edge)
        for failure in flow.failures:
            scope = self.scope(flow)
            facts = self._condition(scope, failure)
            if failure.args is not None:
                self._args(scope, failure, failure.args, facts, ANY)
            elif not failure.has_value("args"):
                self._without_args(flow, failure, facts)
        if flow.labels is not None:
            self._template(flow.labels, Scope(self.scope(flow), Part.LABELS), Part.LABELS, NOTHING)
        if flow.limit is not None and flow.limit.key is not None:
            self._template(flow.limit.key, Scope(self.scope(flow), Part.LIMIT), Part.LIMIT, NOTHING)
        if flow.output is not None:
            types = self._template(flow.output, self._names_of_output(flow), Part.OUTPUT, NOTHING)
            if flow.output_schema is not None:
                type_ = type_of_template(flow.output, lambda part: types[id(part)])
                self.outputs.append(Output(flow, type_, self.types.result(flow.name.name)))

    def _edge(self, scope: FlowScope, edge: EdgeDef) -> None:
        facts = self._condition(scope, edge)
        item = ANY
        foreach = edge.foreach
        if isinstance(foreach, ForeachItemsDef) and foreach.expression is not None:
            expression = foreach.expression
            names = Scope(scope, Part.FOREACH, edge)
            checked = check_items(expression.tree, expression.text, names, facts)
            self._take(checked, expression, Part.FOREACH)
            item = self.types_found[id(expression)] = checked.type
        if edge.args is not None:
            self._args(scope, edge, edge.args, facts, item)
        elif edge.has_value("args"):
            return  # broken
        elif isinstance(foreach, ForeachItemsDef):
            for ref in self._checked(edge):
                self._give(ref, item, edge, None)
        elif foreach is None or not foreach.propagate_result:
            self._without_args(scope.flow, edge, facts)

    def _args(
        self, scope: FlowScope, entry: EdgeDef | FailureDef, args: TemplateDef, facts: Facts, item: Type
    ) -> None:
        types = self._template(args, Scope(scope, Part.ARGS, entry, item), Part.ARGS, facts)
        checked = self._checked(entry)
        if checked:
            type_ = type_of_template(args, lambda part: types[id(part)])
            for ref in checked:
                self._give(ref, type_, entry, args)

    def _without_args(self, flow: FlowDef, entry: EdgeDef | FailureDef, facts: Facts) -> None:
        """Tasks get the arguments of the flow, and so do the sub-flows that the flow says; others get nothing."""
        for ref in self._checked(entry):
            given = self.without_args(flow, entry, ref.name, facts)
            self._give(ref, given.type, entry, None, given.flow)

    def without_args(self, flow: FlowDef, entry: EdgeDef | FailureDef, name: str, facts: Facts) -> WithoutArgs:
        """What an edge or an entry of failures gives a node that gets neither ``args`` nor an item."""
        if not (isinstance(self._model.node(name), TaskDef) or flow.propagate_node_args.covers(name)):
            return WithoutArgs(NULL_TYPE, None)
        if flow.node_args_from_first and not (isinstance(entry, EdgeDef) and entry.is_start):
            return WithoutArgs(ANY, flow)
        return WithoutArgs(with_facts(self.types.arguments(flow).type, ("args",), facts), flow)

    def facts_of(self, entry: EdgeDef | FailureDef) -> Facts:
        """What is known where an edge or an entry of failures is followed; as far as something is given there."""
        return self._facts.get(id(entry), NOTHING)

    def _checked(self, entry: EdgeDef | FailureDef) -> list[NameRef]:
        """The nodes that an edge or an entry of failures starts and that say what they take, each once."""
        started = entry.destinations if isinstance(entry, EdgeDef) else entry.fallback
        found: dict[str, NameRef] = {}
        for ref in started or ():
            if self.types.are_declared(self._model.node(ref.name)):
                found.setdefault(ref.name, ref)
        return list(found.values())

    def _give(
        self,
        ref: NameRef,
        type_: Type,
        entry: EdgeDef | FailureDef,
        template: TemplateDef | None,
        flow: FlowDef | None = None,
    ) -> None:
        node = self._model.node(ref.name)
        assert node is not None
        takes = self.types.arguments(node)
        self.given.append(Given(ref.name, _taken(type_, takes.type), takes, entry, template, ref, flow))

    def _template(self, template: TemplateDef, names: Names, part: Part, facts: Facts) -> dict[int, Type]:
        """Check the expressions of a template; return their types by identity."""
        types: dict[int, Type] = {}
        for _, expression, in_text in template.expressions():
            checked = (check_part_of_text if in_text else check)(expression.tree, expression.text, names, facts)
            self._take(checked, expression, part)
            types[id(expression)] = checked.type
        self.types_found.update(types)
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
        has_foreach = isinstance(entry, EdgeDef) and entry.foreach is not None
        needed = entry.args is not None or has_foreach or bool(self._checked(entry))
        if needed:
            self._facts[id(entry)] = behind.facts(entry.condition, True, NOTHING)
        return self.facts_of(entry)

    def _take(self, checked: Checked, expression: ExpressionDef, part: Part) -> None:
        self.found.extend(Found(finding, expression, part) for finding in checked.findings)


def _taken(given: Type, takes: Type) -> Type:
    """What arguments count as: null is ``{}`` where only an object can fit."""
    only_objects = OBJECT in takes.kinds() and NULL not in takes.kinds() and not takes.loose
    if not only_objects or NULL not in given.kinds():
        return given
    return union((given.without(NULL), object_of({})))


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
