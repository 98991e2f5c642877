"""The mistakes that are put into flows. ``OPERATORS`` lists the functions that make them.

Indexes of edges and of failures entries stay what they are, because cases refer to them: an edge that is dropped
is one whose condition is never true. Mistakes that no project could have (a flow that does not start at all, a
condition that reads a result that is not there) are not made, nor are mistakes in settings that are not written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from selinon_core.mutating import conditions, data_flow
from selinon_core.mutating.mutant import Mutant, edge_mutant, failure_mutant, flow_mutant, replace_task
from selinon_core.plan import (
    EdgePlan,
    FlowPlan,
    Foreach,
    ForeachItems,
    ImportRef,
    Leaf,
    Plan,
    TaskPlan,
)

_NEVER = ImportRef("selinon_core.predicates", "alwaysFalse")
_SETS = (
    ("propagate_node_args", "gets the arguments of the flow"),
    ("propagate_parent", "gets the results of its parents"),
    ("propagate_finished", "passes the results of its tasks on"),
    ("propagate_compound_finished", "passes the results of its tasks on, with those of its sub-flows"),
    ("propagate_failures", "passes its failed tasks on to fallbacks"),
    ("propagate_compound_failures", "passes its failed tasks on to fallbacks, with those of its sub-flows"),
    ("propagate_parent_failures", "gets the failures that fallbacks of the flow see"),
)


class Operator(NamedTuple):
    """``names``: of the operators whose mutants the function makes. ``of_task``: it changes tasks, not flows."""

    names: tuple[str, ...]
    make: Callable[[Plan, FlowPlan], Iterator[Mutant]] | Callable[[Plan, TaskPlan], Iterator[Mutant]]
    of_task: bool = False


# -- edges ------------------------------------------------------------------------------------------------------


def _drop_edge(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    starting = sum(not edge.sources for edge in flow.edges)
    for edge in flow.edges:
        if edge.sources or starting > 1:
            dropped = edge._replace(condition=Leaf(_NEVER, None, {}, None, edge.place))
            yield edge_mutant(plan, flow, edge, "edge-drop", "", "is gone", dropped)


def _duplicate_destination(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    for edge in flow.edges:
        if flow.node_args_from_first and not edge.sources:
            continue  # its result becomes the arguments: there is one run of it
        for name in dict.fromkeys(edge.destinations):
            twice = edge._replace(destinations=(*edge.destinations, name))
            yield edge_mutant(plan, flow, edge, "destination-duplicate", name, f"starts {name} once more", twice)


def _drop_destination(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    for edge in flow.edges:
        if len(edge.destinations) < 2:
            continue
        for index, name in enumerate(edge.destinations):
            if name not in edge.destinations[:index]:
                fewer = edge._replace(destinations=_without(edge.destinations, index))
                yield edge_mutant(plan, flow, edge, "destination-drop", name, f"does not start {name}", fewer)


def _edge_conditions(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    for edge in flow.edges:
        if edge.condition is None:
            continue
        for made in conditions.mutations(edge.condition, edge.sources):
            changed = edge._replace(condition=made.condition)
            mutant = edge_mutant(plan, flow, edge, made.operator, made.key, made.text, changed)
            yield mutant if made.place is None else mutant._replace(place=made.place)


def _drop_source(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    for edge in flow.edges:
        if len(edge.sources) < 2:
            continue
        needed = reads(edge)
        for index, name in enumerate(edge.sources):
            if name not in needed:
                fewer = edge._replace(sources=_without(edge.sources, index))
                yield edge_mutant(plan, flow, edge, "join-source-drop", name, f"no longer waits for {name}", fewer)


def _lose_source(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    """The edge takes the place of the one before it: it fires when that fires, beside its own source."""
    for edge in flow.edges:
        if len(edge.sources) != 1 or reads(edge):
            continue
        (name,) = edge.sources
        before = [other for other in flow.edges if name in other.destinations]
        if len(before) != 1 or before[0] is edge or before[0].condition or before[0].foreach:
            continue
        if flow.node_args_from_first and not before[0].sources:
            continue  # there is one start
        early = edge._replace(sources=before[0].sources)
        yield edge_mutant(plan, flow, edge, "source-lost", "", f"does not wait for {name}", early)


def _split_join(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    for edge in flow.edges:
        if len(edge.sources) < 2 or reads(edge):
            continue
        first, *others = (edge._replace(sources=(name,)) for name in edge.sources)
        added = (each._replace(index=len(flow.edges) + at) for at, each in enumerate(others))
        yield edge_mutant(
            plan, flow, edge, "join-split", "", "fires for each of its sources by itself", first, *added
        )


def _foreach(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    for edge in flow.edges:
        foreach = edge.foreach
        if foreach is None:
            continue
        name = foreach.function.name if isinstance(foreach, Foreach) else foreach.text
        first = edge._replace(foreach=foreach._replace(at_most=1))
        none = edge._replace(foreach=foreach._replace(at_most=0))
        made = [
            ("foreach-first", f"starts for the first item of {name} only", first),
            ("foreach-none", f"starts for no item of {name}", none),
        ]
        if edge.args is None:  # which may need the item
            once = edge._replace(foreach=None)
            made.insert(0, ("foreach-once", f"starts once, whatever {name} yields", once))
        if isinstance(foreach, Foreach):
            item = edge._replace(foreach=foreach._replace(propagate_result=not foreach.propagate_result))
            given = "no longer gives each run its item" if foreach.propagate_result else "gives each run its item"
            made.append(("propagate-result", given, item))
        for operator, text, changed in made:
            yield edge_mutant(plan, flow, edge, operator, "", text, changed)


def _selective(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    for edge in flow.edges:
        if edge.selective is not None:
            whole = edge._replace(selective=None)
            yield edge_mutant(plan, flow, edge, "selective-whole", "", "runs its sub-flow as a whole", whole)


# -- failures ---------------------------------------------------------------------------------------------------


def _failures(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    for entry in flow.failures:
        dropped = entry._replace(condition=Leaf(_NEVER, None, {}, None, entry.place))
        yield failure_mutant(plan, flow, entry, "failure-drop", "", "is gone", dropped)
        if len(entry.nodes) > 1:
            for index, name in enumerate(entry.nodes):
                fewer = entry._replace(nodes=_without(entry.nodes, index))
                text = f"applies without a failure of {name}"
                yield failure_mutant(plan, flow, entry, "failure-node-drop", name, text, fewer)
        if entry.fallback:
            text = "starts nothing: the failure just counts as handled"
            nothing = entry._replace(fallback=())
            yield failure_mutant(plan, flow, entry, "failure-true", "", text, nothing)
        if len(entry.fallback) > 1:
            for index, name in enumerate(entry.fallback):
                if name not in entry.fallback[:index]:
                    without = entry._replace(fallback=_without(entry.fallback, index))
                    text = f"does not start {name}"
                    yield failure_mutant(plan, flow, entry, "fallback-drop", name, text, without)
        text = "lets the flow succeed" if entry.propagate_failure else "makes the flow fail in the end"
        flipped = entry._replace(propagate_failure=not entry.propagate_failure)
        yield failure_mutant(plan, flow, entry, "propagate-failure", "", text, flipped)


def _failure_conditions(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    for entry in flow.failures:
        if entry.condition is None:
            continue
        for made in conditions.mutations(entry.condition, ()):
            changed = entry._replace(condition=made.condition)
            mutant = failure_mutant(plan, flow, entry, made.operator, made.key, made.text, changed)
            yield mutant if made.place is None else mutant._replace(place=made.place)


# -- flows and tasks --------------------------------------------------------------------------------------------


def _flow_sets(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    for name in sorted(flow.nowait):
        fewer = flow._replace(nowait=flow.nowait - {name})
        yield flow_mutant(plan, flow, "nowait-drop", name, f"the flow waits for {name}", fewer)
    for name in sorted(flow.eager_failures):
        fewer = flow._replace(eager_failures=flow.eager_failures - {name})
        yield flow_mutant(
            plan, flow, "eager-drop", name, f"the flow does not fail at once when {name} fails", fewer
        )
    for attribute, text in _SETS:
        names: frozenset[str] = getattr(flow, attribute)
        for name in sorted(names):
            fewer_names: dict[str, Any] = {attribute: names - {name}}
            changed = flow._replace(**fewer_names)
            key = f"{attribute.removeprefix('propagate_')}:{name}"
            yield flow_mutant(plan, flow, "propagate-drop", key, f"{name} no longer {text}", changed)


def _flow_settings(plan: Plan, flow: FlowPlan) -> Iterator[Mutant]:
    if flow.node_args_from_first:
        first = flow._replace(node_args_from_first=False)
        text = "the result of the first task no longer becomes the arguments of the flow"
        yield flow_mutant(plan, flow, "node-args-from-first", "", text, first)
    for more in _retries(flow.max_retry):
        changed = flow._replace(max_retry=more)
        yield flow_mutant(plan, flow, "flow-retry", f"{more}", f"the flow {_tried_again(more)}", changed)
    if flow.timeout is not None:
        changed = flow._replace(timeout=None)
        yield flow_mutant(plan, flow, "flow-timeout", "", "the flow has no timeout", changed)


def _task_settings(plan: Plan, task: TaskPlan) -> Iterator[Mutant]:
    def mutant(operator: str, key: str, text: str, changed: TaskPlan) -> Mutant:
        element = f"task:{task.name}"
        id = f"{element}/{operator}{':' + key if key else ''}"
        return Mutant(id, operator, element, None, f"{task.name} {text}", task.place, replace_task(plan, changed))

    for more in _retries(task.max_retry):
        changed = task._replace(max_retry=more)
        yield mutant("task-retry", f"{more}", _tried_again(more), changed)
    if task.max_retry and task.retry_countdown:
        changed = task._replace(retry_countdown=0.0)
        yield mutant("task-countdown", "", "is tried again without a pause", changed)
    if task.timeout is not None:
        yield mutant("task-timeout", "", "has no timeout", task._replace(timeout=None))
    if task.wait is not None and task.wait.timeout is not None:
        waits_for_ever = task._replace(wait=task.wait._replace(timeout=None))
        yield mutant("task-timeout", "", "waits without a timeout", waits_for_ever)
    if task.output_schema is not None:
        yield mutant("task-schema", "", "has no output_schema", task._replace(output_schema=None))
    if task.throttling is not None:
        yield mutant("task-throttling", "", "is not throttled", task._replace(throttling=None))


#: What the operators do, by their names.
MISTAKES: dict[str, str] = {
    "edge-drop": "The edge never fires.",
    "destination-duplicate": "The edge starts a destination once more.",
    "destination-drop": "The edge does not start one of its destinations.",
    "condition-negate": "The condition holds when it should not, and the other way round.",
    "condition-always": "The condition is not asked.",
    "operand-drop": "An operand of `and` or `or` is not looked at.",
    "and-or": "`and` is `or`, or the other way round.",
    "leaf-negate": "One predicate of several says the opposite.",
    "boundary": "A comparison differs at its boundary: `>` is `>=`, `==` is `!=`.",
    "constant": "The number that is compared with is one more or one less.",
    "key-drop": "The last part of a path of keys is missing.",
    "quantifier": "`any`, `all` and `none` are mistaken for one another.",
    "source-lost": "An edge with one source fires beside it, when what leads to the source has finished.",
    "join-source-drop": "A join does not wait for one of its sources.",
    "join-split": "A join fires for each of its sources by itself.",
    "foreach-once": "The destinations are started once, whatever the function yields.",
    "foreach-first": "Only the first item counts.",
    "foreach-none": "No item counts.",
    "template-drop": "A key of `args` or of an `output` is missing.",
    "template-swap": "Two keys of `args` or of an `output` have each other's values.",
    "template-path": "A value comes from another field of the same type.",
    "template-constant": "A value is a constant, whatever the results are.",
    "default-drop": "A `default` is missing: what is not there, or null, has no other value.",
    "arithmetic": "`+` is `-`, `*` is `/`, or the other way round.",
    "propagate-result": "Runs get the arguments of the flow instead of their items, or the other way round.",
    "selective-whole": "The sub-flow runs as a whole instead of selectively.",
    "failure-drop": "The failures entry never applies.",
    "failure-node-drop": "The failures entry applies without the failure of one of its nodes.",
    "failure-true": "The failure counts as handled, and no fallback is started.",
    "fallback-drop": "One of several fallbacks is not started.",
    "propagate-failure": "`propagate_failure` is the opposite.",
    "nowait-drop": "The flow waits for a node of `nowait`.",
    "eager-drop": "A node of `eager_failures` does not fail the flow at once.",
    "propagate-drop": "One sub-flow is missing in a `propagate_*` list.",
    "node-args-from-first": "The result of the first task does not become the arguments of the flow.",
    "flow-retry": "`max_retry` of the flow is one more or one less.",
    "flow-timeout": "The flow has no `timeout`.",
    "task-retry": "`max_retry` of the task is one more or one less.",
    "task-countdown": "The task is tried again without a pause.",
    "task-timeout": "The task has no `timeout`.",
    "task-schema": "The task has no `output_schema`.",
    "task-throttling": "The task is not throttled.",
}

_OF_CONDITIONS = (
    "condition-negate",
    "condition-always",
    "operand-drop",
    "and-or",
    "leaf-negate",
    "boundary",
    "constant",
    "key-drop",
    "quantifier",
    *data_flow.OF_EXPRESSIONS,
)

OPERATORS: tuple[Operator, ...] = (
    Operator(("edge-drop",), _drop_edge),
    Operator(("destination-duplicate",), _duplicate_destination),
    Operator(("destination-drop",), _drop_destination),
    Operator(_OF_CONDITIONS, _edge_conditions),
    Operator(("source-lost",), _lose_source),
    Operator(("join-source-drop",), _drop_source),
    Operator(("join-split",), _split_join),
    Operator(("foreach-once", "foreach-first", "foreach-none", "propagate-result"), _foreach),
    Operator(("selective-whole",), _selective),
    Operator(
        ("failure-drop", "failure-node-drop", "failure-true", "fallback-drop", "propagate-failure"), _failures
    ),
    Operator(_OF_CONDITIONS, _failure_conditions),
    Operator(data_flow.OF_LISTS, data_flow.foreach_mutants),
    Operator(data_flow.OF_TEMPLATES, data_flow.args_mutants),
    Operator(data_flow.OF_TEMPLATES, data_flow.fallback_args_mutants),
    Operator(data_flow.OF_TEMPLATES, data_flow.output_mutants),
    Operator(("nowait-drop", "eager-drop", "propagate-drop"), _flow_sets),
    Operator(("node-args-from-first", "flow-retry", "flow-timeout"), _flow_settings),
    Operator(
        ("task-retry", "task-countdown", "task-timeout", "task-schema", "task-throttling"),
        _task_settings,
        of_task=True,
    ),
)

#: The names of all operators, as ``--operators`` and ``# selinon: ignore[mutate-...]`` take them.
OPERATOR_NAMES: tuple[str, ...] = tuple(MISTAKES)


def mutants(
    plan: Plan, flows: Iterable[str] | None = None, operators: Iterable[str] | None = None
) -> list[Mutant]:
    """All mutants of a plan, flow by flow, then task by task, in the order of the files.

    ``flows``: only those of these flows and of the tasks they start. ``operators``: only those of these operators.
    """
    wanted_flows = set(plan.flows) if flows is None else set(flows)
    wanted = set(OPERATOR_NAMES) if operators is None else set(operators)
    tasks = _tasks_of(plan, wanted_flows)
    found: list[Mutant] = []
    for of_task, definitions in (
        (False, [flow for name, flow in plan.flows.items() if name in wanted_flows]),
        (True, [task for name, task in plan.tasks.items() if name in tasks]),
    ):
        for definition in definitions:
            for operator in OPERATORS:
                if operator.of_task is of_task and not wanted.isdisjoint(operator.names):
                    made = operator.make(plan, definition)  # type: ignore[arg-type]  # the table says which it takes
                    found += [mutant for mutant in made if mutant.operator in wanted]
    return found


def _tasks_of(plan: Plan, flows: set[str]) -> set[str]:
    return {
        name
        for flow in plan.flows.values()
        if flow.name in flows
        for group in (*(e.destinations for e in flow.edges), *(f.fallback for f in flow.failures))
        for name in group
        if name in plan.tasks
    }


def _retries(retries: int) -> tuple[int, ...]:
    """Other numbers of retries; none where no retries are configured: mistakes are made in what is written."""
    return (retries + 1, retries - 1) if retries else ()


def _tried_again(retries: int) -> str:
    if not retries:
        return "is not tried again"
    return f"is tried again at most {'once' if retries == 1 else f'{retries} times'}"


def reads(edge: EdgePlan) -> frozenset[str]:
    """The nodes whose results the condition, the foreach and the arguments of an edge read; functions apart."""
    found = conditions.reads(edge.condition)
    if edge.args is not None or isinstance(edge.foreach, ForeachItems):
        from selinon_core.plan.expression_uses import expressions_of, nodes_read

        listed, item_name = expressions_of(edge.args), "item"
        if isinstance(edge.foreach, ForeachItems):
            listed.append(edge.foreach.expression)
            item_name = edge.foreach.item_name
        found = found.union(*(nodes_read(expression, item_name) for expression in listed))
    return found


def _without(names: tuple[str, ...], index: int) -> tuple[str, ...]:
    return (*names[:index], *names[index + 1 :])
