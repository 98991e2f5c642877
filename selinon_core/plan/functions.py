"""The functions of the project that a plan names, by what they are for."""

from __future__ import annotations

from collections.abc import Iterator

from selinon_core.plan.model import Condition, Foreach, ImportRef, Leaf, Not, Plan, Test


def leaves_of(condition: Condition | None) -> Iterator[Leaf | Test]:
    """The predicate calls and the expressions of a condition, in reading order."""
    if condition is None:
        return
    if isinstance(condition, Leaf | Test):
        yield condition
    elif isinstance(condition, Not):
        yield from leaves_of(condition.operand)
    else:
        for operand in condition.operands:
            yield from leaves_of(operand)


def predicates_of(condition: Condition | None) -> Iterator[Leaf]:
    """The predicate calls of a condition, in reading order."""
    return (leaf for leaf in leaves_of(condition) if isinstance(leaf, Leaf))


def expression_leaves(condition: Condition | None) -> Iterator[Test]:
    """The expressions of a condition, in reading order."""
    return (leaf for leaf in leaves_of(condition) if isinstance(leaf, Test))


def foreach_functions(plan: Plan) -> set[str]:
    """The foreach functions, as ``module.name``: those that return lists."""
    edges = (edge for flow in plan.flows.values() for edge in flow.edges)
    return {str(edge.foreach.function) for edge in edges if isinstance(edge.foreach, Foreach)}


def functions_of(plan: Plan) -> set[str]:
    """All functions that can be mocked, as ``module.name``: no tasks, no storages, no sinks."""
    refs: list[ImportRef] = [
        task.selective_run_function for task in plan.tasks.values() if task.selective_run_function is not None
    ]
    for flow in plan.flows.values():
        refs.append(flow.sampling.function)
        refs += [edge.foreach.function for edge in flow.edges if isinstance(edge.foreach, Foreach)]
        conditions = [*(edge.condition for edge in flow.edges), *(entry.condition for entry in flow.failures)]
        refs += [leaf.function for condition in conditions for leaf in predicates_of(condition)]
    return {str(ref) for ref in refs}
