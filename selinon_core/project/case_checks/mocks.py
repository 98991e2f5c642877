"""Mocks of what the plan does not have (SEL801), that do not fit (SEL803), or that nothing can use (SEL804)."""

from __future__ import annotations

from typing import Any

from selinon_core.cases.matchers import Anything, Matcher
from selinon_core.cases.model import UNGIVEN, Mocks, NodeMock, Outcome, Rule, When
from selinon_core.cases.references import edge_text, edges_called, fallback_text, fallbacks_called
from selinon_core.config.case_reader import CaseFileRead, CaseRead
from selinon_core.config.schema.case_mocks import FLOW_KINDS, TASK_KINDS
from selinon_core.config.schema.case_mocks_section import MocksRead, NamedEntry
from selinon_core.diagnostics import Related, kinds
from selinon_core.diagnostics.kinds import Collector, shorten
from selinon_core.diagnostics.location import FixedLocation, Place, SourceLocation, Span
from selinon_core.errors import ConfigurationError, SchemaMismatchError
from selinon_core.plan import Plan, TaskPlan
from selinon_core.plan.functions import functions_of
from selinon_core.plan.started import flows_below, nodes_of
from selinon_core.project.case_checks.names import unknown_name, where_reached
from selinon_core.project.result_schemas import ResultSchemas


def check_shared_mocks(found: CaseFileRead, plan: Plan, collector: Collector, results: ResultSchemas) -> None:
    """Report what is wrong with the mocks of the file, but for conditions: those belong to the flow of a case."""
    _check_nodes(found.mocks, plan, collector, results)
    _check_functions(found.mocks, plan, collector)


def check_case_mocks(read: CaseRead, plan: Plan, collector: Collector, results: ResultSchemas) -> None:
    """Report what is wrong with the mocks of a case."""
    own, flow = read.own_mocks, read.case.flow
    _check_nodes(own, plan, collector, results)
    _check_functions(own, plan, collector)
    for entry in read.mocks.conditions:
        _check_condition(entry, flow, plan, collector)
    if read.case.driver == "production":
        _check_production(read, plan, collector)
    _check_signals(read, plan, collector, results)
    for entry in own.nodes:
        is_known = entry.name in plan.tasks or entry.name in plan.flows
        if is_known and where_reached(plan, flow, entry.name) is None:
            collector.add(
                kinds.CASE_UNUSED,
                entry.location,
                f'the mock of "{shorten(entry.name)}" is never used',
                note=f'neither "{flow}" nor a flow that it starts has this node',
                help="remove it",
            )


def _check_signals(read: CaseRead, plan: Plan, collector: Collector, results: ResultSchemas) -> None:
    """Report signals for tasks that do not wait, and values that do not fit their schema."""
    for _, event in read.case.at:
        if isinstance(event, str) or event.node not in plan.tasks:
            continue
        task, location = plan.tasks[event.node], _at(event.place, None, event.node)
        if task.wait is None:
            collector.add(
                kinds.CASE_MOCK,
                location,
                f'task "{event.node}" does not wait for a signal',
                note='it has no "wait"',
                help="give its result as a mock",
            )
        elif event.reject is None:
            _check_result(location, task, event.value, "signal", collector, results)


def _check_production(read: CaseRead, plan: Plan, collector: Collector) -> None:
    """Report mocks of whole flows: the code of the workers starts every flow run itself."""
    below = set(flows_below(plan, read.case.flow))
    for entry in read.mocks.nodes:
        if entry.name in below:
            collector.add(
                kinds.CASE_MOCK,
                entry.location,
                f'"{shorten(entry.name)}" is mocked as a whole in a case with driver: production',
                note="the code of the workers runs sub-flows itself",
                help=f'mock its tasks ({", ".join(nodes_of(plan.flows[entry.name]))}), or take "driver" away',
            )


def _check_nodes(mocks: MocksRead, plan: Plan, collector: Collector, results: ResultSchemas) -> None:
    for entry in mocks.nodes:
        name = entry.name
        task = plan.tasks.get(name)
        if task is None and name not in plan.flows:
            _report_unknown(entry, plan, collector)
            continue
        if not isinstance(entry.value, NodeMock):
            continue
        for rule in entry.value.rules:
            for outcome in rule.script.outcomes:
                _check_outcome(entry, task, outcome, plan, collector, results)
        _check_rules(entry.value, collector)


def _report_unknown(entry: NamedEntry, plan: Plan, collector: Collector) -> None:
    flow, slash, node = entry.name.rpartition("/")
    if not slash or flow not in plan.flows or not (node in plan.tasks or node in plan.flows):
        unknown_name(collector, entry.location, "task or flow", entry.name, [*plan.tasks, *plan.flows])
        return
    collector.add(
        kinds.CASE_UNKNOWN_NAME,
        entry.location,
        f'a mock of "{shorten(node)}" is for its runs in all flows',
        note="the name of a task or flow alone",
        help=f'write {node}: [{{when: {{flow: {flow}}}, then: {{...}}}}] for those in "{flow}"',
    )


def _check_outcome(
    entry: NamedEntry,
    task: TaskPlan | None,
    outcome: Outcome,
    plan: Plan,
    collector: Collector,
    results: ResultSchemas,
) -> None:
    location = _at(outcome.place, entry.location, entry.name)
    possible = FLOW_KINDS if task is None else TASK_KINDS
    if outcome.kind not in possible and outcome.value is not UNGIVEN:
        collector.add(
            kinds.CASE_MOCK,
            location,
            f'the mock of "{entry.name}" has "{outcome.kind}", but {entry.name} is '
            + ("a flow" if task is None else "a task"),
            note="expected one of " + ", ".join(possible),
        )
        return
    if task is not None:
        if outcome.kind == "result" and outcome.value is not UNGIVEN:
            _check_result(location, task, outcome.value, outcome.check, collector, results)
        return
    if outcome.kind == "output" and plan.flows[entry.name].output is None:
        collector.add(
            kinds.CASE_MOCK,
            location,
            f'the mock of "{entry.name}" has an output, but {entry.name} declares none',
            note="finished: {...} gives the results of its tasks",
        )
    if outcome.kind not in ("finished", "failed") or not isinstance(outcome.value, dict):
        return
    nodes = nodes_of(plan.flows[entry.name])
    for name, values in outcome.value.items():
        if name not in nodes:
            collector.add(
                kinds.CASE_MOCK,
                location,
                f'the mock of "{entry.name}" has results of "{shorten(name)}", which is not a node of it',
                note="nodes: " + ", ".join(nodes),
            )
        elif outcome.kind == "finished" and name in plan.tasks:
            for value in values:
                _check_result(location, plan.tasks[name], value, outcome.check, collector, results)


def _check_result(
    location: SourceLocation, task: TaskPlan, value: Any, check: str, collector: Collector, results: ResultSchemas
) -> None:
    if check == "none":
        return
    try:
        schema = results.of(task)
        if schema is not None:
            schema.check(value, check == "present")
    except SchemaMismatchError as error:
        named = task.output_schema if isinstance(task.output_schema, str) else "its output_schema"
        if task.output_schema is None:
            named = "the annotation of run"
        is_signal = check == "signal"
        collector.add(
            kinds.CASE_MOCK,
            location,
            f'the {"signal for" if is_signal else "mock of"} "{task.name}" does not fit {named}: {error}',
            note="it would be refused" if is_signal else "no run of the task can return it",
            help=""
            if is_signal
            else "check: present takes a result in which keys are missing, check: none takes any",
        )
    except ConfigurationError:
        return  # the schema itself is wrong, which is reported where it is named


def check_annotated(mocks: Mocks, plan: Plan, collector: Collector, results: ResultSchemas) -> None:
    """Report mocked results of tasks without ``output_schema`` that do not fit the annotation of ``run``."""
    for name, mock in mocks.nodes.items():
        task = plan.tasks.get(name)
        if task is None or task.output_schema is not None:
            continue
        for outcome in (outcome for rule in mock.rules for outcome in rule.script.outcomes):
            if outcome.kind == "result" and outcome.value is not UNGIVEN and outcome.place is not None:
                location = _at(outcome.place, None, name)
                _check_result(location, task, outcome.value, outcome.check, collector, results)


def _check_rules(mock: NodeMock, collector: Collector) -> None:
    """Report rules that never count, because a rule above takes all they could."""
    for index, rule in enumerate(mock.rules):
        for above in mock.rules[:index]:
            if _is_wider(above, rule):
                collector.add(
                    kinds.CASE_UNUSED,
                    _at(rule.place, None, "rule"),
                    "the rule is never used",
                    note="a rule above takes every attempt that it is for",
                    related=(Related(_at(above.place, None, "rule").span, "this one"),) if above.place else (),
                    help="put the narrower rule first",
                )
                break


def _is_wider(above: Rule, below: Rule) -> bool:
    if above.when is None:
        return True
    if below.when is None:
        return _takes_all(above.when)
    one, other = above.when, below.when
    pairs: list[tuple[Matcher | None, Matcher | None]] = [
        (one.args, other.args),
        (one.visit, other.visit),
        (one.attempt, other.attempt),
        *((matcher, other.parent.get(name)) for name, matcher in one.parent.items()),
    ]
    if one.flow is not None and one.flow != other.flow:
        return False
    return all(mine is None or mine == others or isinstance(mine, Anything) for mine, others in pairs)


def _takes_all(when: When) -> bool:
    matchers = [when.args, when.visit, when.attempt]
    return (
        when.flow is None
        and not when.parent
        and all(matcher is None or isinstance(matcher, Anything) for matcher in matchers)
    )


def _check_functions(mocks: MocksRead, plan: Plan, collector: Collector) -> None:
    known = functions_of(plan) if mocks.functions else set()
    for entry in mocks.functions:
        if entry.name not in known:
            unknown_name(collector, entry.location, "function of the project", entry.name, sorted(known))


def _check_condition(entry: NamedEntry, flow: str, plan: Plan, collector: Collector) -> None:
    edges = edges_called(plan, flow, entry.name)
    fallbacks = fallbacks_called(plan, flow, entry.name)
    conditions = [edge.condition for _, edge in edges] + [one.condition for _, one in fallbacks]
    if not conditions:
        below = [plan.flows[name] for name in flows_below(plan, flow)]
        known = [edge_text(edge) for one in below for edge in one.edges if edge.condition is not None]
        known += [fallback_text(e) for one in below for e in one.failures if e.condition is not None]
        unknown_name(collector, entry.location, "edge with a condition", entry.name, known)
    elif all(condition is None for condition in conditions):
        collector.add(
            kinds.CASE_MOCK,
            entry.location,
            f'"{shorten(entry.name)}" has no condition that could be mocked',
            note="it fires always",
            help="remove it",
        )


def _at(place: Place | None, otherwise: SourceLocation | None, text: str) -> SourceLocation:
    """Where something stands; ``text`` is what the place is about."""
    if place is None or (otherwise is not None and otherwise.place == place):
        assert otherwise is not None
        return otherwise
    return FixedLocation(Span(place.file, place.line, place.column, place.line, place.column + 1))
