"""The environment variables that the conditions and expressions of a plan read."""

from __future__ import annotations

from collections.abc import Iterator

from selinon_core.plan.expression_uses import expressions_of, uses_of
from selinon_core.plan.functions import expression_leaves, leaves_of
from selinon_core.plan.model import Condition, Expression, FlowPlan, ForeachItems, Leaf, Plan, TaskPlan, Template
from selinon_core.plan.started import flows_below, nodes_of
from selinon_core.plan.variables import reads_variable


def declared_variables(plan: Plan) -> dict[str, None]:
    """Those listed under ``global.env``, and those that predicates name."""
    conditions = (condition for flow in plan.flows.values() for condition in _conditions(flow))
    read = (name for condition in conditions for name in _in_predicates(condition))
    return dict.fromkeys([*plan.settings.environment, *read])


def variables_read(plan: Plan, flow: str, *, conditions: bool = True) -> set[str]:
    """The variables that a flow and the flows below it read, with those that only conditions read or without."""
    found: set[str] = set()
    for name in flows_below(plan, flow):
        inner = plan.flows[name]
        tests: list[Expression] = []
        for condition in _conditions(inner) if conditions else ():
            found.update(_in_predicates(condition))
            tests += [leaf.expression for leaf in expression_leaves(condition)]
        tasks = (plan.tasks[node] for node in nodes_of(inner) if node in plan.tasks)
        expressions = [*tests, *_expressions(inner), *(one for task in tasks for one in _of_task(task))]
        for expression in expressions:
            found.update(use.name for use in uses_of(expression.text) if use.kind == "env")
    return found


def _conditions(flow: FlowPlan) -> Iterator[Condition | None]:
    yield from (edge.condition for edge in flow.edges)
    yield from (entry.condition for entry in flow.failures)


def _in_predicates(condition: Condition | None) -> Iterator[str]:
    for leaf in leaves_of(condition):
        if isinstance(leaf, Leaf) and reads_variable(leaf.function) and isinstance(leaf.args.get("env"), str):
            yield leaf.args["env"]


def _expressions(flow: FlowPlan) -> Iterator[Expression]:
    yield from (edge.foreach.expression for edge in flow.edges if isinstance(edge.foreach, ForeachItems))
    templates: list[Template | None] = [edge.args for edge in flow.edges]
    templates += [entry.args for entry in flow.failures]
    templates += [flow.output, flow.labels, None if flow.limit is None else flow.limit.key]
    for template in templates:
        yield from expressions_of(template)


def _of_task(task: TaskPlan) -> Iterator[Expression]:
    if task.wait is not None:
        yield from expressions_of(task.wait.title)
    if task.limit is not None:
        yield from expressions_of(task.limit.key)
