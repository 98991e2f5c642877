"""How the machine handles answers. An answer to a dropped question changes nothing."""

from __future__ import annotations

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.flow_index import Destination
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.dispatch.rules.arguments import ask_args, start_given, start_refused
from selinon_core.dispatch.rules.completion import fail_attempt, succeed_with
from selinon_core.dispatch.rules.edges import ask_first_result, fire, follow_edges, follow_first
from selinon_core.dispatch.rules.fallbacks import run_fallbacks, start_fallbacks
from selinon_core.dispatch.rules.selection import ask_args_at, start_selected
from selinon_core.dispatch.rules.starts import inherited_failures, launch, new_node, start
from selinon_core.dispatch.state import RunState
from selinon_core.errors import UnexpectedEvent
from selinon_core.plan import FailurePlan

#: A question is deferred for at least this many seconds when a storage is unavailable.
LEAST_DEFERRAL = 1.0
_CONDITIONS = (do.AskCondition, do.AskFallbackCondition)


def on_condition(flow_run: RunState, event: on.ConditionAnswered) -> None:
    """An edge fires or does not, or the fallback step goes on."""
    question: do.AskCondition | do.AskFallbackCondition | None
    question = flow_run.questions.close(event.question, _CONDITIONS)
    if isinstance(question, do.AskCondition):
        row = flow_run.table.rows[question.edge.index]
        if event.value:
            fire(flow_run, row, question.sources)
        else:
            flow_run.current.edges_not_taken.add(row.index)
    elif question is not None:
        flow_run.current.fallback_answers[question.failure.index] = event.value
        if not flow_run.questions.open:
            run_fallbacks(flow_run)


def on_foreach(flow_run: RunState, event: on.ForeachAnswered) -> None:
    """The destinations of the edge are started for every item, or their arguments are asked for."""
    question: do.AskForeach | None = flow_run.questions.close(event.question, do.AskForeach)
    if question is None:
        return
    row = flow_run.table.rows[question.edge.index]
    assert row.foreach is not None
    if not event.items:
        flow_run.current.edges_not_taken.add(row.index)
    elif row.args is not None and flow_run.current.selected_edges is None:
        ask_args(flow_run, row.edge, question.sources, row.edge.destinations, event.items)
        return
    given_item = row.foreach.propagate_result
    for position, item in enumerate(event.items or ()):
        args = item if given_item else question.args
        if flow_run.current.selected_edges is None:
            for destination in row.destinations:
                start(flow_run, destination, row, question.sources, args, given_item, position)
        else:
            start_selected(flow_run, row, question.sources, args, given_item, item, position)


def on_reuse(flow_run: RunState, event: on.ReuseAnswered) -> None:
    """A task of a selective run, or a node of a rerun, is started, or an earlier run stands in for it."""
    question: do.AskReuse | do.AskRecorded | None
    question = flow_run.questions.close(event.question, (do.AskReuse, do.AskRecorded))
    if question is None:
        return
    if isinstance(question, do.AskRecorded):
        _on_recorded(flow_run, question, event)
        return
    row = flow_run.table.rows[question.edge.index]
    destination = flow_run.table.destinations[question.name]
    args, position = question.task_args, question.position
    if not event.reused_id:
        if row.args is None:
            start(flow_run, destination, row, question.sources, args, question.given_item, position or 0)
        else:
            ask_args_at(flow_run, row, question.sources, (question.name,), question.args, position)
        return
    current = flow_run.current
    failures = inherited_failures(flow_run, destination, question.sources) if current.passes_failures else None
    node = new_node(flow_run, destination, row.index, question.sources, args, failures, position or 0)
    _reuse(flow_run, node, destination, event)


def _on_recorded(flow_run: RunState, question: do.AskRecorded, event: on.ReuseAnswered) -> None:
    node = question.node_run
    if event.reused_id:
        _reuse(flow_run, node, flow_run.table.destinations[node.name], event)
        return
    if event.enters is not None:
        flow_run.entered[node.number] = event.enters
    launch(flow_run, node, question.parent, question.selective)


def _reuse(flow_run: RunState, node: NodeRun, destination: Destination, event: on.ReuseAnswered) -> None:
    """Let a run that is counted and not started have ended, with the id of an earlier one."""
    current = flow_run.current
    current.active.pop(node.number, None)
    flow_run.detached.pop(node.number, None)
    assert event.reused_id is not None
    node.id, node.outcome = event.reused_id, event.outcome
    node.status = "reused"
    flow_run.effects.append(do.ReuseNode(node))
    if not destination.waited_for:  # like the end of a nowait run: it starts nothing and gives no arguments
        return
    if current.awaits_args and node.number == current.first_number:
        ask_first_result(flow_run, node)
    else:
        follow_edges(flow_run, node)


def on_first_result(flow_run: RunState, event: on.FirstResultAnswered) -> None:
    """The result of the first node becomes the flow's arguments."""
    question: do.AskFirstResult | None = flow_run.questions.close(event.question, do.AskFirstResult)
    if question is None:
        return
    flow_run.current.args = event.args
    flow_run.current.awaits_args = False
    follow_first(flow_run, question.node_run)


def on_args(flow_run: RunState, event: on.ArgsAnswered) -> None:
    """The destinations are started with their arguments, or fail."""
    open_question = flow_run.questions.find(event.question)
    if isinstance(open_question, do.AskArgs) and len(event.given) != len(open_question.positions):
        raise UnexpectedEvent(f"question {event.question} is about {len(open_question.positions)} items")
    question: do.AskArgs | None = flow_run.questions.close(event.question, do.AskArgs)
    if question is None:
        return
    if question.refused is not None:
        start_refused(flow_run, question.refused, event.given[0])
    elif isinstance(question.entry, FailurePlan):
        start_fallbacks(flow_run, question.entry, question.sources, event.given[0])
    else:
        start_given(flow_run, flow_run.table.rows[question.entry.index], question, event.given)


def on_output(flow_run: RunState, event: on.OutputAnswered) -> None:
    """The flow succeeds with its output."""
    if flow_run.questions.close(event.question, do.AskOutput) is not None:
        succeed_with(flow_run, event.value)


def on_question_deferred(flow_run: RunState, event: on.QuestionDeferred) -> None:
    """Ask the question again after a while."""
    question = flow_run.questions.find(event.question)
    if question is None:
        return
    delay = max(flow_run.table.flow.retry_countdown, LEAST_DEFERRAL)
    flow_run.effects.append(do.AskAgain(question, delay, flow_run.questions.defer(event.question), event.reason))


def on_question_failed(flow_run: RunState, event: on.QuestionFailed) -> None:
    """A decision that cannot be made fails the attempt."""
    question = flow_run.questions.close(event.question, object)
    if question is not None:
        fail_attempt(flow_run, event.reason, undecided=(question,))
