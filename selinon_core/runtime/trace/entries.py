"""The record of what node runs and flow runs did, kept compactly and expanded into trace events: of any driver.

An entry is a tuple of its kind, the time and what it is about; ``expand`` turns it into events with details.
Nothing in the records an entry refers to changes in a way that would change what an older entry says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, assert_never

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.dispatch.references import shown
from selinon_core.errors import TaskTimeout
from selinon_core.plan import EdgePlan, FlowPlan, Plan, TaskPlan
from selinon_core.plan.condition_text import condition_text
from selinon_core.runtime.conditions import explain
from selinon_core.runtime.environment import expand as with_environment
from selinon_core.runtime.error_codec import error_details, error_json
from selinon_core.runtime.json_values import restore
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord

SCHEDULED: Final = 0
STARTED: Final = 1
SUCCEEDED: Final = 2
RETRIED: Final = 3
FAILED: Final = 4
FLOW_STARTED: Final = 5
FLOW_ENDED: Final = 6
FLOW_RETRIED: Final = 7
FLOW_CANCELLED: Final = 8
CONDITION: Final = 9
FOREACH: Final = 10
REUSE: Final = 11
DEFERRED: Final = 12
NOTE: Final = 13
TOLD: Final = 14
READ: Final = 15
RAN: Final = 16
UNANSWERED: Final = 17
ATTEMPT_STARTED: Final = 18
REUSED: Final = 19
ARGS: Final = 20
REFUSED: Final = 21
ERROR_STORED: Final = 22

if TYPE_CHECKING:
    #: (kind, seconds, what it is about ...). Tuples, because each entry is made in the hottest path of local runs.
    Entry = (
        tuple[Literal[0], float, NodeRecord]  # SCHEDULED
        | tuple[Literal[0], float, NodeRecord, float]  # SCHEDULED
        | tuple[Literal[1], float, NodeRecord, int]  # STARTED
        | tuple[Literal[2], float, NodeRecord]  # SUCCEEDED
        | tuple[Literal[2], float, NodeRecord, bool]  # SUCCEEDED
        | tuple[Literal[3], float, NodeRecord, int, BaseException | None, float, int]  # RETRIED
        | tuple[Literal[4], float, NodeRecord, int, BaseException, int]  # FAILED
        | tuple[Literal[5], float, FlowRecord]  # FLOW_STARTED
        | tuple[Literal[6], float, FlowRecord, FlowOutcome]  # FLOW_ENDED
        | tuple[Literal[7], float, FlowRecord, FlowOutcome, float]  # FLOW_RETRIED
        | tuple[Literal[8], float, FlowRecord]  # FLOW_CANCELLED
        | tuple[
            Literal[9], float, FlowRecord, do.AskCondition | do.AskFallbackCondition, bool, Sequence[bool | None]
        ]  # CONDITION
        | tuple[
            Literal[9],
            float,
            FlowRecord,
            do.AskCondition | do.AskFallbackCondition,
            bool,
            Sequence[bool | None],
            dict[str, Any],
        ]  # CONDITION, with what its expressions read
        | tuple[Literal[10], float, FlowRecord, do.AskForeach, list[Any]]  # FOREACH
        | tuple[Literal[11], float, FlowRecord, do.AskReuse, str | None]  # REUSE
        | tuple[Literal[12], float, FlowRecord, do.Question, float]  # DEFERRED
        | tuple[Literal[13], float, FlowRecord, do.TraceNote]  # NOTE
        | tuple[Literal[14], float, str, dict[str, Any]]  # TOLD
        | tuple[Literal[15], float, str, str, str]  # READ
        | tuple[Literal[16], float, NodeRecord]  # RAN
        | tuple[Literal[16], float, NodeRecord, bool]  # RAN
        | tuple[Literal[2, 16], float, NodeRecord, bool]  # SUCCEEDED or RAN
        | tuple[Literal[17], float, FlowRecord, do.Question, str]  # UNANSWERED
        | tuple[Literal[18], float, FlowRecord]  # ATTEMPT_STARTED
        | tuple[Literal[19], float, FlowRecord, NodeRun]  # REUSED
        | tuple[Literal[20], float, FlowRecord, do.AskArgs, Sequence[Sequence[Any]]]  # ARGS
        | tuple[Literal[21], float, FlowRecord, NodeRun]  # REFUSED
        | tuple[Literal[22], float, str, str, str, Any, BaseException]  # ERROR_STORED
    )
else:  # to make the type takes longer than to make the rest of the module
    Entry = tuple
#: An entry without time and record: kind, what it is about ...
Untimed = tuple[Any, ...]


class TraceEvent(NamedTuple):
    """A named event, ``time`` in virtual seconds since the start, with JSON-like details."""

    event: str
    time: float
    details: dict[str, Any]


def of_answer(question: do.Question, answer: on.Event) -> Untimed | None:
    """What an answer says, as an entry without time and flow run: kind, question, value; None for nothing."""
    if isinstance(answer, on.ConditionAnswered):
        if answer.seen:
            return CONDITION, question, answer.value, answer.leaves, answer.seen
        return CONDITION, question, answer.value, answer.leaves
    if isinstance(answer, on.ArgsAnswered):
        return ARGS, question, answer.given
    if isinstance(answer, on.ForeachAnswered):
        return FOREACH, question, answer.items or []
    if isinstance(answer, on.ReuseAnswered) and isinstance(question, do.AskReuse):
        return REUSE, question, answer.reused_id
    if isinstance(answer, on.QuestionFailed):
        return UNANSWERED, question, answer.reason
    return None


def expand(plan: Plan, entry: Entry, flow_run_of: Callable[[str], str | None]) -> Iterator[TraceEvent]:
    """The trace events an entry stands for; ``flow_run_of`` returns the id of the flow run a task run was in."""
    time = entry[1]
    redact = plan.settings.redact
    for event, details in _told_by(plan, entry):
        if "task_id" in details and "dispatcher_id" not in details:  # storages know addresses of results only
            details = {"flow_name": None, "dispatcher_id": flow_run_of(details["task_id"])} | details
        if redact:
            from selinon_core.runtime.redaction import redaction
            from selinon_core.runtime.trace.tracer import jsonable

            details = redaction(redact).masked(jsonable(details))
        yield TraceEvent(event, time, details)


_Told = Iterator[tuple[str, dict[str, Any]]]


def _flow(record: FlowRecord) -> dict[str, Any]:
    return {"flow_name": record.flow.name, "dispatcher_id": record.id}


def _node(plan: Plan, record: NodeRecord) -> dict[str, Any]:
    run = record.run
    details = _flow(record.flow_run)
    if run.is_flow:
        details |= {"child_flow_name": run.name, "child_dispatcher_id": run.id}
    else:
        details |= {"task_name": run.name, "task_id": run.id}
    known = plan.flows.get(run.name) or plan.tasks.get(run.name)
    if known is not None:  # an old run may have a node that is gone from the files
        details["queue"] = _queue(known)
    return details | {"parent": record.parent, "node_args": shown(run.args)}


def _queue(node: FlowPlan | TaskPlan) -> str:
    queue: str = with_environment(node.queue, keep_missing=True)
    return queue


def _edge(edge: EdgePlan) -> dict[str, Any]:
    details: dict[str, Any] = {
        "edge": edge.index,
        "nodes_from": list(edge.sources),
        "nodes_to": list(edge.destinations),
        "where": str(edge.place),
    }
    if edge.name is not None:
        details["edge_name"] = edge.name
    if edge.condition is not None:
        details["condition_str"] = condition_text(edge.condition)
    if edge.foreach is not None:
        details["foreach_str"] = edge.foreach.text
    return details


def _selective_conf(edge: EdgePlan) -> dict[str, Any] | bool:
    """What an edge says of the selective run of its sub-flow, False where it does not."""
    if edge.selective is None:
        return False
    return {
        "tasks": list(edge.selective.tasks),
        "follow_subflows": edge.selective.follow_subflows,
        "run_subsequent": edge.selective.run_subsequent,
    }


def _ids(runs: tuple[NodeRun, ...]) -> dict[str, str]:
    return {run.name: run.id for run in runs}


def _scheduled(plan: Plan, record: NodeRecord, countdown: float = 0.0) -> _Told:
    details = _node(plan, record) | {"countdown": countdown or None, "condition_str": None, "foreach_str": None}
    edge = None if record.run.edge is None else record.flow_run.flow.edges[record.run.edge]
    if edge is not None:
        details |= _edge(edge)
    if record.run.failures:
        details["failures"] = record.run.failures
    if record.run.is_flow:
        selective = None if edge is None else record.flow_run.machine.table.rows[edge.index].selective
        details["selective_edge_conf"] = None if edge is None else _selective_conf(edge)
        details["child_selective"] = None if selective is None else selective.to_json()
    else:
        details["selective_edge"] = False  # such an edge leads to a sub-flow
    yield "SUBFLOW_SCHEDULE" if record.run.is_flow else "TASK_SCHEDULE", details


def _started(plan: Plan, record: NodeRecord, attempt: int) -> _Told:
    yield "TASK_START", _node(plan, record) | {"attempt": attempt}


def _succeeded(plan: Plan, record: NodeRecord, told_already: bool = False) -> _Told:
    details = _node(plan, record)
    task = plan.tasks[record.run.name]
    if record.stored and not told_already:
        stored = details | {"storage_name": task.storage, "storage_task_name": task.storage_task_name}
        yield "STORAGE_STORE", stored
        yield "STORAGE_STORED", stored
    elif not record.stored and record.result is not None:
        yield "TASK_DISCARD_RESULT", details | {"result": restore(record.result)}
    yield "TASK_END", details | {"storage": task.storage}
    yield "NODE_SUCCESSFUL", _ended(record)


def _ran(plan: Plan, record: NodeRecord, told_already: bool = False) -> _Told:
    """A beginning and a successful end with nothing in between: most entries are of this kind."""
    yield from _started(plan, record, record.attempts)
    yield from _succeeded(plan, record, told_already)


def _ended(record: NodeRecord) -> dict[str, Any]:
    details = _flow(record.flow_run) | {"node_name": record.run.name, "node_id": record.run.id}
    return details | {"abandoned": True} if record.abandoned else details


def _retried(
    plan: Plan, record: NodeRecord, attempt: int, error: BaseException | None, countdown: float, retries: int
) -> _Told:
    details = _node(plan, record) | {"attempt": attempt, "retried_count": retries}
    if isinstance(error, TaskTimeout):
        yield "TASK_TIMEOUT", details | {"timeout": _timeout(plan.tasks[record.run.name])}
    details |= {"retry_countdown": countdown, "user_retry": error is None}
    details["max_retry"] = plan.tasks[record.run.name].max_retry
    if error is not None:
        details["what"] = error_json(error)["traceback"]
    yield "TASK_RETRY", details


def _failed(plan: Plan, record: NodeRecord, attempt: int, error: BaseException, retries: int) -> _Told:
    details = _node(plan, record) | {"attempt": attempt, "retried_count": retries}
    if isinstance(error, TaskTimeout):
        yield "TASK_TIMEOUT", details | {"timeout": _timeout(plan.tasks[record.run.name])}
    what = error_json(error)["traceback"]
    yield "TASK_FAILURE", details | {"what": what}
    yield "NODE_FAILURE", _ended(record) | {"what": what}


def _timeout(task: TaskPlan) -> float | None:
    return task.timeout if task.wait is None else task.wait.timeout


def _flow_given(record: FlowRecord) -> dict[str, Any]:
    """A flow run with what it was given."""
    return _flow(record) | {"queue": _queue(record.flow), "node_args": shown(record.args), "parent": record.parent}


def _flow_started(plan: Plan, record: FlowRecord) -> _Told:
    details = _flow_given(record)
    details["selective"] = None if record.selective is None else record.selective.to_json()
    if record.parent_run is None:
        yield "FLOW_SCHEDULE", details
    yield "FLOW_START", details


def _attempt_started(plan: Plan, record: FlowRecord) -> _Told:
    """A further attempt of a flow, whose event is that of a start, as in 1.x."""
    details = _flow_given(record)
    details["selective"] = None if record.selective is None else record.selective.to_json()
    yield "FLOW_START", details


def _flow_ended(plan: Plan, record: FlowRecord, outcome: FlowOutcome) -> _Told:
    details = _flow_given(record) | {"state": outcome.state}
    if outcome.succeeded:
        yield "FLOW_END", details
    else:
        yield "FLOW_FAILURE", details | {"reason": outcome.reason, "will_retry": False}
    if record.node is not None:
        yield "NODE_SUCCESSFUL" if outcome.succeeded else "NODE_FAILURE", _ended(record.node)


def _flow_retried(plan: Plan, record: FlowRecord, outcome: FlowOutcome, delay: float) -> _Told:
    details = _flow_given(record) | {"state": outcome.state, "reason": outcome.reason}
    yield "FLOW_FAILURE", details | {"will_retry": True}
    yield "FLOW_RETRY", details | {"countdown": delay, "max_retry": record.flow.max_retry}


def _flow_cancelled(plan: Plan, record: FlowRecord) -> _Told:
    yield "FLOW_CANCEL", _flow(record)


def _condition(
    plan: Plan,
    record: FlowRecord,
    question: do.AskCondition | do.AskFallbackCondition,
    value: bool,
    leaves: Sequence[bool | None],
    seen: dict[str, Any] | None = None,
) -> _Told:
    details = _flow(record) | {"node_args": shown(question.args)}
    if isinstance(question, do.AskCondition):
        assert question.edge.condition is not None
        details |= _edge(question.edge)
        details |= {"parent": _ids(question.sources), "condition": explain(question.edge.condition, leaves, seen)}
        yield "EDGE_COND_TRUE" if value else "EDGE_COND_FALSE", details
        return
    failure = question.failure
    assert failure.condition is not None
    details |= {"nodes": list(failure.nodes), "fallback": list(failure.fallback) or True}
    details |= {"where": str(failure.place), "condition": explain(failure.condition, leaves, seen)}
    details["condition_str"] = condition_text(failure.condition)
    yield "FALLBACK_COND_TRUE" if value else "FALLBACK_COND_FALSE", details


def _foreach(plan: Plan, record: FlowRecord, question: do.AskForeach, items: list[Any]) -> _Told:
    details = _flow(record) | {"node_args": shown(question.args), "condition_str": None}
    details |= _edge(question.edge) | {"parent": _ids(question.sources)}
    propagates = question.edge.foreach is not None and question.edge.foreach.propagate_result
    yield "FOREACH_RESULT", details | {"count": len(items), "result": items if propagates else None}


def _args(plan: Plan, record: FlowRecord, question: do.AskArgs, given: Sequence[Sequence[Any]]) -> _Told:
    from selinon_core.runtime.trace.node_args import details_of

    for details in details_of(question, given):
        yield "NODE_ARGS", _flow(record) | details


def _reuse(plan: Plan, record: FlowRecord, question: do.AskReuse, reused_id: str | None) -> _Told:
    details = _flow(record) | {"node_name": question.name, "node_args": question.args}
    yield "SELECTIVE_RUN_FUNC", details | {"parent": _ids(question.sources), "result": reused_id}


def _deferred(plan: Plan, record: FlowRecord, question: do.Question, delay: float) -> _Told:
    details = _flow(record) | {"countdown": delay, "reason": "a storage cannot be read"}
    yield "DISPATCHER_RETRY", details | _asked_about(question)


def _unanswered(plan: Plan, record: FlowRecord, question: do.Question, reason: str) -> _Told:
    yield "DISPATCHER_FAILURE", _flow(record) | _asked_about(question) | {"what": reason}


def _asked_about(question: do.Question) -> dict[str, Any]:
    if isinstance(question, do.AskFallbackCondition):
        failure = question.failure
        return {
            "nodes": list(failure.nodes),
            "fallback": list(failure.fallback) or True,
            "where": str(failure.place),
        }
    if isinstance(question, do.AskFirstResult | do.AskRecorded):
        return {"node_name": question.node_run.name, "node_id": question.node_run.id}
    if isinstance(question, do.AskOutput):
        return {}
    if isinstance(question, do.AskArgs):
        entry = question.entry
        return _edge(entry) if isinstance(entry, EdgePlan) else {"nodes": list(entry.nodes)}
    return _edge(question.edge)


def _note(plan: Plan, record: FlowRecord, note: do.TraceNote) -> _Told:
    details = dict(note.details)
    if "edge" in details:
        without: dict[str, Any] = {"condition_str": None, "foreach_str": None}
        details |= without | _edge(record.flow.edges[details["edge"]])
    if note.event == "FALLBACK_START":
        failure = record.flow.failures[details.pop("failure")]
        details["nodes"] = [{"name": run.name, "id": run.id} for run in details.pop("handled")]
        details["started"] = [{"name": run.name, "id": run.id} for run in details["started"]]
        details |= {"fallback": list(failure.fallback) or True, "where": str(failure.place)}
    yield note.event, _flow(record) | details


def _reused(plan: Plan, record: FlowRecord, run: NodeRun) -> _Told:
    yield "SELECTIVE_TASK_REUSE", _flow(record) | {"task_name": run.name, "task_id": run.id}


def _refused(plan: Plan, record: FlowRecord, run: NodeRun) -> _Told:
    """A node run that failed without being started."""
    details = _flow(record) | {"node_name": run.name, "node_id": run.id, "refused": True}
    yield "NODE_FAILURE", details | {"what": run.refused}


def _told(plan: Plan, event: str, details: dict[str, Any]) -> _Told:
    yield event, details


def _read(plan: Plan, flow_name: str, task_name: str, task_id: str) -> _Told:
    task = plan.tasks[task_name]
    details: dict[str, Any] = {"flow_name": flow_name, "task_name": task_name, "task_id": task_id}
    details |= {"storage_name": task.storage, "storage_task_name": task.storage_task_name}
    yield "STORAGE_RETRIEVE", details
    yield "STORAGE_RETRIEVED", details


def _error_stored(
    plan: Plan, flow_name: str, task_name: str, task_id: str, node_args: Any, error: BaseException
) -> _Told:
    task = plan.tasks[task_name]
    details: dict[str, Any] = {"flow_name": flow_name, "task_name": task_name, "task_id": task_id}
    details |= {"storage_name": task.storage, "storage_task_name": task.storage_task_name, "node_args": node_args}
    yield "STORAGE_STORE_ERROR", details | error_details(error) | {"record_id": task_id}


def _told_by(plan: Plan, entry: Entry) -> _Told:
    """The events of an entry; the most frequent kinds come first."""
    if entry[0] == RAN:
        return _ran(plan, *entry[2:])
    if entry[0] == SCHEDULED:
        return _scheduled(plan, *entry[2:])
    if entry[0] == STARTED:
        return _started(plan, *entry[2:])
    if entry[0] == SUCCEEDED:
        return _succeeded(plan, *entry[2:])
    if entry[0] == READ:
        return _read(plan, *entry[2:])
    if entry[0] == CONDITION:
        return _condition(plan, *entry[2:])
    if entry[0] == TOLD:
        return _told(plan, *entry[2:])
    if entry[0] == NOTE:
        return _note(plan, *entry[2:])
    if entry[0] == FOREACH:
        return _foreach(plan, *entry[2:])
    if entry[0] == FLOW_STARTED:
        return _flow_started(plan, *entry[2:])
    if entry[0] == FLOW_ENDED:
        return _flow_ended(plan, *entry[2:])
    if entry[0] == RETRIED:
        return _retried(plan, *entry[2:])
    if entry[0] == FAILED:
        return _failed(plan, *entry[2:])
    if entry[0] == FLOW_RETRIED:
        return _flow_retried(plan, *entry[2:])
    if entry[0] == ATTEMPT_STARTED:
        return _attempt_started(plan, *entry[2:])
    if entry[0] == FLOW_CANCELLED:
        return _flow_cancelled(plan, *entry[2:])
    if entry[0] == REUSE:
        return _reuse(plan, *entry[2:])
    if entry[0] == REUSED:
        return _reused(plan, *entry[2:])
    if entry[0] == REFUSED:
        return _refused(plan, *entry[2:])
    if entry[0] == DEFERRED:
        return _deferred(plan, *entry[2:])
    if entry[0] == ARGS:
        return _args(plan, *entry[2:])
    if entry[0] == UNANSWERED:
        return _unanswered(plan, *entry[2:])
    if entry[0] == ERROR_STORED:
        return _error_stored(plan, *entry[2:])
    assert_never(entry)
