"""How an attempt ends, and whether the flow run ends with it: rules 6 and 7 of the machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selinon_core.dispatch import effects as do
from selinon_core.dispatch.ancestors import in_canonical_order
from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.dispatch.rules.unreached import unreached_nodes
from selinon_core.dispatch.state import RunState
from selinon_core.errors import UnexpectedEvent


def succeed(flow_run: RunState) -> None:
    """Nothing is active and nothing failed unhandled: the flow succeeds, unless ``propagate_failure`` or
    ``on_unreached`` makes it fail. An output that it declares is asked for before."""
    current = flow_run.current
    if current.handled_for_failure:
        fail_attempt(flow_run, "a fallback with propagate_failure was used")
        return
    unreached = _unreached(flow_run)
    if unreached and flow_run.on_unreached == "fail":
        _note_unreached(flow_run, unreached)
        fail_attempt(flow_run, f"nodes were never reached: {', '.join(unreached)}", unreached)
    elif flow_run.table.flow.output is not None:
        finished = in_canonical_order(current.finished)
        flow_run.ask(do.AskOutput(flow_run.questions.next_number(), finished, current.args))
    else:
        _note_unreached(flow_run, unreached)
        _end(flow_run, _outcome(flow_run, True, None, unreached=unreached))


def succeed_with(flow_run: RunState, output: Any) -> None:
    """The output of the flow is known, so the flow succeeds."""
    unreached = _unreached(flow_run)
    _note_unreached(flow_run, unreached)
    _end(flow_run, _outcome(flow_run, True, None, unreached=unreached).with_output(output))


def node_failed(flow_run: RunState, node: NodeRun) -> None:
    """Note the failure of a run that the flow has waited for; that of an eager node fails the attempt (rule 4)."""
    flow_run.current.unhandled.setdefault(node.name, []).append(node)
    if node.name in flow_run.table.flow.eager_failures:
        _fail_eagerly(flow_run, node)


def nodes_failed(flow_run: RunState, nodes: Sequence[NodeRun]) -> None:
    """Note runs that failed together; the first of an eager node fails the attempt (rule 4).

    Runs that the flow does not wait for are left out.
    """
    current = flow_run.current
    failed = [node for node in nodes if flow_run.detached.pop(node.number, None) is None]
    for node in failed:
        current.active.pop(node.number, None)
        current.unhandled.setdefault(node.name, []).append(node)
    fail_if_eager(flow_run, failed)


def fail_if_eager(flow_run: RunState, failed: Sequence[NodeRun]) -> None:
    """The first failed run of an eager node fails the attempt."""
    for node in failed:
        if node.name in flow_run.table.flow.eager_failures:
            _fail_eagerly(flow_run, node)
            return


def _fail_eagerly(flow_run: RunState, node: NodeRun) -> None:
    flow_run.note("EAGER_FAILURE", {"node_name": node.name, "node_id": node.id})
    fail_attempt(flow_run, f"{node.name} failed and is listed in eager_failures")


def fail_attempt(
    flow_run: RunState, reason: str, unreached: tuple[str, ...] = (), undecided: tuple[do.Question, ...] = ()
) -> None:
    """Wait for the next attempt if retries are left, else the flow fails. ``undecided``: a failed question."""
    outcome = _outcome(flow_run, False, reason, unreached=unreached)
    if flow_run.attempt - flow_run.free_attempts <= flow_run.table.flow.max_retry:
        _wait_for_retry(flow_run, outcome)
    else:
        _end(flow_run, outcome, undecided)


def fail_at_once(flow_run: RunState, reason: str) -> None:
    """The flow fails, whether or not retries are left (migrations)."""
    flow_run.ended_for_good = True
    _end(flow_run, _outcome(flow_run, False, reason))


def start_again(flow_run: RunState, reason: str) -> None:
    """Give this attempt up without counting it, and wait for the next (migrations)."""
    outcome = _outcome(flow_run, False, reason)
    flow_run.free_attempts += 1
    _wait_for_retry(flow_run, outcome)


def stop(flow_run: RunState, reason: str, *, timed_out: bool = False, cancelled: bool = False) -> None:
    """End without retries and cancel the sub-flows that still run, detached ones too."""
    if flow_run.phase == "ended":
        return
    if flow_run.phase == "new":
        raise UnexpectedEvent("the flow run was not started yet")
    flow_run.between_attempts = flow_run.phase == "waiting"
    running = {**flow_run.detached, **flow_run.current.active}
    subflows = tuple(node for node in running.values() if node.is_flow)
    if subflows:
        flow_run.effects.append(do.CancelFlows(subflows))
    _end(flow_run, _outcome(flow_run, False, reason, timed_out=timed_out, cancelled=cancelled))


def _unreached(flow_run: RunState) -> tuple[str, ...]:
    if flow_run.on_unreached == "ignore":
        return ()
    current = flow_run.current
    return unreached_nodes(flow_run.table, current.started, current.finished, current.left_out)


def _note_unreached(flow_run: RunState, unreached: tuple[str, ...]) -> None:
    for name in unreached:
        flow_run.note("NODE_UNREACHED", {"node_name": name})


def _wait_for_retry(flow_run: RunState, outcome: FlowOutcome) -> None:
    _abandon(flow_run)
    flow_run.phase = "waiting"
    flow_run.effects.append(do.ScheduleRetry(flow_run.table.flow.retry_countdown, outcome))


def _end(flow_run: RunState, outcome: FlowOutcome, undecided: tuple[do.Question, ...] = ()) -> None:
    flow_run.left_at_end = tuple(flow_run.current.active.values())
    flow_run.dropped_at_end = (*undecided, *flow_run.questions.open.values())
    _abandon(flow_run)
    flow_run.phase = "ended"
    flow_run.outcome = outcome
    flow_run.effects.append(do.FinishFlow(outcome))


def _abandon(flow_run: RunState) -> None:
    """Detach the active node runs and drop the open questions: the flow waits for neither.

    A node run of a rerun for which it is still asked whether it is to be started never will be.
    """
    flow_run.detached.update(flow_run.current.active)
    flow_run.current.active = {}
    for question in flow_run.questions.drop():
        if isinstance(question, do.AskRecorded):
            flow_run.detached.pop(question.node_run.number, None)


def _outcome(
    flow_run: RunState,
    succeeded: bool,
    reason: str | None,
    *,
    timed_out: bool = False,
    cancelled: bool = False,
    unreached: tuple[str, ...] = (),
) -> FlowOutcome:
    current = flow_run.current
    failed: dict[str, list[NodeRun]] = {}
    if not succeeded:
        for node in current.handled_for_failure:
            failed.setdefault(node.name, []).append(node)
        for name, nodes in current.unhandled.items():
            failed.setdefault(name, []).extend(nodes)
    subflows: dict[str, list[FlowOutcome]] = {}
    for nodes_by_name in (current.finished, failed):
        for name, nodes in nodes_by_name.items():
            if nodes[0].is_flow:
                ended = [node.outcome for node in nodes if node.outcome is not None]
                subflows.setdefault(name, []).extend(ended)
    return FlowOutcome.of_runs(
        succeeded,
        current.finished,
        failed={name: [node.id for node in nodes] for name, nodes in failed.items()},
        active=[{"name": node.name, "id": node.id} for node in current.active.values()],
        subflows=subflows,
        reason=reason,
        timed_out=timed_out,
        cancelled=cancelled,
        unreached=unreached,
    )
