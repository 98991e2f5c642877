"""The facts in the tooltip of a node, an edge or a flow: short lines. Defaults are left out."""

from __future__ import annotations

from collections.abc import Iterable

from selinon_core.graph.build.overlay import seconds_text
from selinon_core.plan import (
    EdgePlan,
    FailurePlan,
    FlowPlan,
    Foreach,
    ForeachItems,
    Selective,
    StoragePlan,
    TaskPlan,
    Template,
    Wait,
)
from selinon_core.plan.condition_text import condition_text, value_text
from selinon_core.plan.text_wrap import printable, truncate

#: Every arrow of a join lists its sources: n sources need n arrows, so without a limit the text grows with n².
LONGEST = 500


def brief(facts: Iterable[str]) -> tuple[str, ...]:
    """Return facts short enough to be repeated at every arrow."""
    return tuple(truncate(fact, LONGEST) for fact in facts)


def task_facts(task: TaskPlan) -> tuple[str, ...]:
    """Describe a task: its class, queue, storage, retries, limits and place."""
    if task.wait is None:
        facts = [f"class {task.function}", f"queue {task.queue}"]
    else:
        facts = _wait_facts(task.wait)
    if task.storage:
        facts.append(f"storage {task.storage}" + (" (read only)" if task.storage_readonly else ""))
        if task.storage_task_name != task.name:
            facts.append(f"stored as {task.storage_task_name}")
    facts.extend(_retries(task.max_retry, task.retry_countdown))
    facts.extend(_limits(task.timeout, task.throttling))
    if task.output_schema:
        facts.append(f"output schema {task.output_schema if isinstance(task.output_schema, str) else 'in place'}")
    if task.limit is not None:
        from selinon_core.plan.expression_uses import template_data

        facts.append(f"at most {task.limit.max} at once under the key {template_data(task.limit.key)}")
    facts.extend(_tags(task.tags))
    if task.selective_run_function:
        facts.append(f"selective run function {task.selective_run_function}")
    return _clean([*facts, str(task.place)])


def _tags(tags: tuple[str, ...]) -> list[str]:
    return [f"tags {', '.join(tags)}"] if tags else []


def _wait_facts(wait: Wait) -> list[str]:
    facts = ["waits for a signal"]
    if wait.title is not None:
        from selinon_core.plan.expression_uses import template_data

        facts.append(f"title {template_data(wait.title)}")
    if wait.timeout is not None:
        facts.append(f"fails after {seconds_text(wait.timeout)} without a signal")
    return facts


def flow_facts(flow: FlowPlan) -> tuple[str, ...]:
    """Describe a flow: queue, retries, limits, what it propagates, and its place."""
    facts = [f"queue {flow.queue}"]
    facts.extend(_retries(flow.max_retry, flow.retry_countdown))
    facts.extend(_limits(flow.timeout, flow.throttling))
    if flow.node_args_from_first:
        facts.append("arguments from the first task's result")
    for key in (
        "propagate_node_args",
        "propagate_parent",
        "propagate_finished",
        "propagate_compound_finished",
        "propagate_failures",
        "propagate_compound_failures",
        "propagate_parent_failures",
    ):
        names = getattr(flow, key)
        if names:
            facts.append(f"{key}: {', '.join(sorted(names))}")
    facts.extend(_tags(flow.tags))
    return _clean([*facts, str(flow.place)])


def flow_notes(flow: FlowPlan) -> tuple[str, ...]:
    """Return the one line under a flow's name, or nothing."""
    parts = [f"queue {flow.queue}"]
    parts.extend(_retries(flow.max_retry, flow.retry_countdown))
    parts.extend(_limits(flow.timeout, flow.throttling))
    if flow.node_args_from_first:
        parts.append("arguments from the first task")
    return (" · ".join(_clean(parts)),)


def storage_facts(storage: StoragePlan) -> tuple[str, ...]:
    """Describe a storage by its class and place; its configuration may hold secrets and is not shown."""
    facts = [f"class {storage.function}"]
    if storage.cache:
        facts.append(f"cache {storage.cache.function}")
    return _clean([*facts, str(storage.place)])


def passes_items(edge: EdgePlan) -> bool:
    """Whether an item itself is the argument of what an edge starts: ``args`` replace it."""
    return edge.foreach is not None and edge.foreach.propagate_result and edge.args is None


def edge_facts(edge: EdgePlan) -> tuple[str, ...]:
    """Describe an edge by its ends, decision and place."""
    facts = [f"{' + '.join(edge.sources) or 'start'} → {', '.join(edge.destinations)}"]
    if edge.name:
        facts.insert(0, edge.name)
    if edge.condition is not None:
        facts.append(f"if {condition_text(edge.condition, edge.sources)}")
    if edge.foreach:
        facts.append(foreach_text(edge.foreach))
        if passes_items(edge):
            facts.append("each item is the argument of what it starts")
    if edge.selective:
        facts.append(selective_text(edge.selective))
    return _clean([*facts, *args_facts(edge.args), str(edge.place)])


def failure_facts(entry: FailurePlan) -> tuple[str, ...]:
    """Describe a failures entry."""
    facts = [f"when {' and '.join(entry.nodes)} failed"]
    if entry.condition is not None:
        facts.append(f"if {condition_text(entry.condition)}")
    facts.append(
        f"start {', '.join(entry.fallback)}" if entry.fallback else "start nothing: the failure is accepted"
    )
    if entry.propagate_failure:
        facts.append("the flow fails afterwards")
    return _clean([*facts, *args_facts(entry.args), str(entry.place)])


def args_facts(args: Template | None) -> list[str]:
    """Describe arguments: a line for each, ``number = Load.number``."""
    if args is None:
        return []
    from selinon_core.plan.expression_uses import template_data

    value = template_data(args)
    if not isinstance(value, dict):
        return [f"args = {value_text(value, LONGEST)}"]
    return [f"{key} = {value_text(part, LONGEST)}" for key, part in value.items()]


def foreach_text(foreach: Foreach | ForeachItems) -> str:
    """Return ``for each item of iter_guests()``, or ``for each line of Load.lines``."""
    if isinstance(foreach, ForeachItems):
        return f"for each {foreach.item_name} of {printable(foreach.text)}"
    return f"for each item of {printable(foreach.function.name)}()"


def selective_text(selective: Selective) -> str:
    """Return ``only A, B`` and what else is run."""
    text = f"only {', '.join(selective.tasks)}"
    if selective.follow_subflows:
        text += ", following sub-flows"
    if isinstance(selective.run_subsequent, tuple):
        text += f", and what follows in {', '.join(selective.run_subsequent)}"
    elif selective.run_subsequent:
        text += ", and what follows"
    return printable(text)


def failed_text(nodes: tuple[str, ...]) -> str:
    """Return ``A, B and C failed``."""
    *most, last = nodes
    return printable(f"{', '.join(most)} and {last} failed" if most else f"{last} failed")


def _retries(count: int, countdown: float) -> list[str]:
    if not count:
        return []
    after = f" after {seconds_text(countdown)}" if countdown else ""
    return [f"{count} {'retry' if count == 1 else 'retries'}{after}"]


def _limits(timeout: float | None, throttling: float | None) -> list[str]:
    facts = []
    if timeout is not None:
        facts.append(f"timeout {seconds_text(timeout)}")
    if throttling is not None:
        facts.append(f"at most one start in {seconds_text(throttling)}")
    return facts


def _clean(facts: list[str]) -> tuple[str, ...]:
    return tuple(printable(fact) for fact in facts)
