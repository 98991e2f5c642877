"""A flow run that failed goes on: what ``events.Reopened`` does to a machine.

Rules
-----
1. *What failed runs again.* The named node runs are active once more, under their numbers and ids; ``serial``
   counts how often. What succeeded stays, and so does what fallbacks have taken over.
2. *What could not be decided is asked again*: the question that failed, and those that were open when the attempt
   ended. The fallback step and the end of the flow ask theirs again by themselves.
3. *What still ran is waited for again.* What ended since then counts now, as if it ended at this moment.
4. The attempt of the flow goes on. It is not a new one: if it fails again, the flow fails, or is retried as ever.
   A run that ended while it waited for its next attempt begins that one.

So a run that failed, was mended and was reopened has the node runs of one that never failed.
"""

from __future__ import annotations

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.dispatch.rules import completion
from selinon_core.dispatch.rules.arguments import ask_args_again
from selinon_core.dispatch.rules.edges import ask_first_result, begin_attempt, follow_edges
from selinon_core.dispatch.rules.questions_again import ask_again
from selinon_core.dispatch.rules.starts import launch_again
from selinon_core.dispatch.state import RunState
from selinon_core.errors import UnexpectedEvent


def retryable(flow_run: RunState) -> tuple[NodeRun, ...]:
    """The failed node runs that ``Reopened`` may name, oldest first."""
    if flow_run.between_attempts:
        return ()
    late = [node for node in flow_run.left_at_end if node.status == "failure"]
    failed = [node for nodes in flow_run.current.unhandled.values() for node in nodes]
    return tuple(sorted((*failed, *late), key=lambda node: node.number))


def retried_by_default(flow_run: RunState) -> tuple[NodeRun, ...]:
    """The failed node runs that run again when none are named: all, unless their fallback could not be decided."""
    if any(isinstance(question, do.AskFallbackCondition) for question in flow_run.dropped_at_end):
        return ()
    return retryable(flow_run)


def why_not_reopened(flow_run: RunState) -> str | None:
    """Why the run cannot go on, as the end of a sentence; None when it can."""
    outcome = flow_run.outcome
    if flow_run.phase != "ended" or outcome is None:
        return "it has not ended"
    if outcome.succeeded:
        return "it succeeded"
    if flow_run.start.refused is not None:
        return f"its arguments are refused ({flow_run.start.refused}): start it again with others"
    if flow_run.ended_for_good:
        return f"it was ended by a migration ({outcome.reason})"
    if (
        flow_run.between_attempts
        or retryable(flow_run)
        or flow_run.dropped_at_end
        or flow_run.left_at_end
        or outcome.timed_out
    ):
        return None
    handled = flow_run.current.handled_for_failure
    if handled:
        names = ", ".join(sorted({node.name for node in handled}))
        return f"its failures are handled, by fallbacks with propagate_failure: those of {names}"
    if outcome.unreached:
        return f"nothing of it failed, but nodes were never reached: {', '.join(outcome.unreached)}"
    return None if outcome.cancelled else "nothing of it failed"


def reopen(flow_run: RunState, event: on.Reopened) -> None:
    """Let a failed run go on; raises ``UnexpectedEvent`` if it cannot, and for node runs that did not fail."""
    reason = why_not_reopened(flow_run)
    if reason is not None:
        raise UnexpectedEvent(f"the flow run cannot go on: {reason}")
    current, left, questions = flow_run.current, flow_run.left_at_end, flow_run.dropped_at_end
    named = {node.number: node for node in (*retryable(flow_run), *left) if node.status != "success"}
    unknown = [number for number in event.numbers if number not in named]
    if unknown:
        raise UnexpectedEvent(f"node run {unknown[0]} did not fail, or is handled")
    again = [named[number] for number in event.numbers]
    current.finished = {name: list(nodes) for name, nodes in current.finished.items()}  # others are the outcome's
    flow_run.phase, flow_run.outcome = "running", None
    flow_run.left_at_end = flow_run.dropped_at_end = ()
    retried = [{"name": node.name, "id": node.id} for node in again]
    flow_run.note("RUN_RETRIED", {"retried": retried, "by": event.by})
    if flow_run.between_attempts:
        flow_run.between_attempts = False
        begin_attempt(flow_run)
        return
    for node in left:
        if node.status == "active":
            current.active[node.number] = flow_run.detached.pop(node.number, node)
    for node in again:
        _run_again(flow_run, node)
    ask_again(flow_run, (), questions)
    for node in left:
        if node.status == "success":
            _take_success(flow_run, node)
    completion.nodes_failed(flow_run, [node for node in left if node.status == "failure" and node not in again])
    if flow_run.phase == "running":
        completion.fail_if_eager(flow_run, [node for nodes in current.unhandled.values() for node in nodes])


def _run_again(flow_run: RunState, node: NodeRun) -> None:
    current = flow_run.current
    failed = current.unhandled.get(node.name, [])
    if node in failed:
        failed.remove(node)
        if not failed:
            del current.unhandled[node.name]
    if node.refused is not None:
        ask_args_again(flow_run, node)
        return
    node.serial += 1
    node.status, node.outcome = "active", None
    current.active[node.number] = node
    start = launch_again(flow_run, node)
    selective = start.selective if isinstance(start, do.StartFlow) else None
    flow_run.effects.append(do.StartAgain(node, start.parent, selective))


def _take_success(flow_run: RunState, node: NodeRun) -> None:
    if flow_run.current.awaits_args and node.number == flow_run.current.first_number:
        ask_first_result(flow_run, node)
    else:
        follow_edges(flow_run, node)
