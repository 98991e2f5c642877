"""What people may do with flow runs from the page: a table of actions.

An action is a function that looks at a run and returns what it would do, or raises ``RequestError`` with the
reason why it cannot be done. The page shows that before it asks for a confirmation; ``Planned.send`` does it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.steering import Cancellation, Pausing, Reruns, Signals, Steering
from selinon_core.celery.steering.termination import cancel_and_terminate, running_tasks
from selinon_core.celery.stores.index import OPEN
from selinon_core.errors import RequestError
from selinon_core.rerunning.preview import AGAIN, ENTER, REUSE, THEN
from selinon_core.rerunning.request import Request
from selinon_core.rerunning.rows import Rows
from selinon_core.web.answers import ApiError

#: The most names of nodes in one request, and the most characters of one.
MAX_NODES = 100
MAX_NAME = 255


class Planned(NamedTuple):
    """What an action would do with a run."""

    #: The run that it is about: of a sub-flow's run it may be the run at the top.
    run: str
    flow: str
    #: How many batches the log of that run had; what is done later is compared with it.
    version: int
    #: What happens, in a sentence.
    says: str
    #: The node runs that it concerns, by name.
    nodes: Mapping[str, int]
    #: Asks a worker for it; the argument is who asks. Raises as ``Selinon.run_flow`` for the broker. Returns
    #: warnings: what will not be as was asked for.
    send: Callable[[str], Sequence[str] | None]
    #: The id of the new run that it starts.
    starts: str | None = None


class Action(NamedTuple):
    """An action on one run."""

    #: What its button says, for one run and for all runs of a list.
    title: str
    title_of_many: str
    #: What was done with a run: ``retried``.
    past: str
    #: The statuses of runs that allow it.
    statuses: Sequence[str]
    #: ``plan(selinon, id, parameters)``; raises ``RequestError`` with the reason when it cannot be done, and
    #: ``ApiError`` for parameters that it cannot take.
    plan: Callable[[Owner, str, Mapping[str, Any]], Planned]
    #: The names of its parameters in the body of a request; what they hold is for ``plan`` to check.
    parameters: Sequence[str] = ()
    #: Whether it may be done to all runs of a query.
    batch: bool = True
    #: Whether the page shows a button for it beside a run; else it has a form of its own.
    listed: bool = True


def _retry(selinon: Owner, id: str, parameters: Mapping[str, Any]) -> Planned:
    steering = Steering(selinon)
    planned = steering.preview(id, _names(parameters.get("nodes")))
    names = Counter(node.name for node in planned.nodes)
    parts = [_listed(names)] if names else []
    if planned.decisions:
        parts.append("a decision" if planned.decisions == 1 else f"{planned.decisions} decisions")
    says = f"Runs again: {', '.join(parts)}." if parts else "Goes on with what still runs."
    if planned.id != id:
        says += f" The run is that of a sub-flow, so it goes on with {planned.flow}, {planned.id}."
    says += " Nothing that succeeded runs again."
    return Planned(planned.id, planned.flow, planned.version, says, names, lambda who: steering.send(planned, who))


def _rerun(selinon: Owner, id: str, parameters: Mapping[str, Any]) -> Planned:
    """A new run that reuses what this one did: ``{"select": selectors}``, or what failed or had not ended."""
    select = _names(parameters.get("select"), "select", "selectors")
    steering = Reruns(selinon)
    planned = steering.preview(id, Request() if select is None else Request(tuple(select)))
    steering.require_possible(planned)
    starts = steering.id_once(planned)
    rows = Rows(planned.preview)
    names = Counter(row.name for row in (*rows.rows(AGAIN, ENTER, THEN), *rows.never_ran()))
    reused, repeated = len(rows.rows(REUSE)), Counter(each.run.name for each in planned.preview.repeated)
    says = f"Starts a new run of {planned.flow}, {starts}. It runs: {_listed(names) or 'what conditions lead to'}."
    if reused:
        says += f" It reuses {reused} node run{'s' * (reused > 1)}."
    if repeated:
        says += f" These succeeded, and run once more: {_listed(repeated)}."

    def send(who: str) -> None:
        steering.send(planned, who, once=True)

    return Planned(id, planned.flow, planned.version, says, names, send, starts)


def _cancel(selinon: Owner, id: str, parameters: Mapping[str, Any]) -> Planned:
    cancellation = Cancellation(selinon)
    planned = cancellation.preview(id)
    says = "Ends the run: nothing more of it is started, and it cannot go on again."
    if planned.active:
        says += f" Not ended yet: {_listed(planned.active)}. Tasks that run finish, sub-flows end too."
    return Planned(
        id, planned.flow, planned.version, says, planned.active, lambda who: cancellation.send(planned, who)
    )


def _terminate(selinon: Owner, id: str, parameters: Mapping[str, Any]) -> Planned:
    planned = Cancellation(selinon).preview(id)
    tasks = Counter(running_tasks(selinon, id).values())
    says = "Ends the run and its sub-flows: nothing more is started, no fallback runs, and it cannot go on again. "
    if tasks:
        says += f"Stops the tasks that run, which clean nothing up: {_listed(tasks)}."
    else:
        says += "No task of it runs at a worker now."

    def send(who: str) -> Sequence[str]:
        ended = cancel_and_terminate(selinon, id, who)
        return [
            f"Worker {worker} has the pool {pool}, which cannot stop a task: what it runs goes on to its end."
            for worker, pool in ended.cannot.items()
        ]

    return Planned(id, planned.flow, planned.version, says, tasks, send)


def _signal(selinon: Owner, id: str, parameters: Mapping[str, Any]) -> Planned:
    """A signal: ``{"node": name or id, "value": ..., "reject": why, "early": true}``."""
    node, reject = parameters.get("node"), parameters.get("reject")
    if not isinstance(node, str) or not 0 < len(node) <= MAX_NAME:
        raise ApiError(400, "bad_request", '"node" has to be the name of a task, or the id of a node run')
    if reject is not None and not (isinstance(reject, str) and reject.strip()):
        raise ApiError(400, "bad_request", '"reject" has to be a text: why it is rejected')
    if reject is not None and parameters.get("value") is not None:
        raise ApiError(400, "bad_request", '"value" and "reject" are two different answers: give one of them')
    early = parameters.get("early", False)
    if not isinstance(early, bool):
        raise ApiError(400, "bad_request", '"early" has to be true or false')
    signals = Signals(selinon)
    planned = signals.preview(id, node, parameters.get("value"), reject=reject, early=early)
    says = f"{planned.node} {'fails: it is rejected' if reject is not None else 'gets its result'}."
    if not planned.number:
        says = f"The signal is kept until {planned.node} waits."
    return Planned(
        planned.id,
        planned.flow,
        planned.version,
        says,
        {planned.node: 1},
        lambda who: signals.send(planned, who),
    )


def _pause(selinon: Owner, id: str, parameters: Mapping[str, Any]) -> Planned:
    says = "Nothing new of the run and of its sub-flows starts until it is resumed. Tasks that run finish."
    return _paused(selinon, id, True, says)


def _resume(selinon: Owner, id: str, parameters: Mapping[str, Any]) -> Planned:
    return _paused(selinon, id, False, "The run and its sub-flows go on.")


def _paused(selinon: Owner, id: str, pauses: bool, says: str) -> Planned:
    pausing = Pausing(selinon)
    planned = pausing.preview(id, pauses)
    if not planned.number:
        raise RequestError(f"flow run {id} is {'paused already' if pauses else 'not paused'}")
    return Planned(id, planned.flow, planned.version, says, {}, lambda who: pausing.send(planned, who))


#: By their names in addresses and in the audit.
ACTIONS: Mapping[str, Action] = {
    "retry": Action("Retry failed nodes", "Retry these runs", "retried", ("failure",), _retry, ("nodes",)),
    "rerun": Action(
        "Run again as a new run",
        "Run these again as new runs",
        "run again",
        ("failure", "cancelled"),
        _rerun,
        ("select",),
    ),
    "pause": Action("Pause", "Pause these runs", "paused", ("queued", "running"), _pause),
    "resume": Action("Resume", "Resume these runs", "resumed", ("paused",), _resume),
    "cancel": Action("Cancel", "Cancel these runs", "cancelled", OPEN, _cancel),
    "terminate": Action("Cancel and stop tasks", "", "terminated", ("running", "paused"), _terminate, batch=False),
    "signal": Action(
        "Answer", "", "answered", OPEN, _signal, ("node", "value", "reject", "early"), batch=False, listed=False
    ),
}


def actions_of(status: str) -> list[str]:
    """The names of the actions that a run of this status allows."""
    return [name for name, action in ACTIONS.items() if action.listed and status in action.statuses]


def _listed(names: Mapping[str, int]) -> str:
    return ", ".join(name if count == 1 else f"{count} x {name}" for name, count in names.items())


def _names(given: Any, key: str = "nodes", what: str = "names or ids of node runs") -> list[str] | None:
    """A list of texts, None where there is none; raises ``ApiError`` for another value."""
    if given is None:
        return None
    if (
        not isinstance(given, list)
        or not 1 <= len(given) <= MAX_NODES
        or not all(isinstance(name, str) and 0 < len(name) <= MAX_NAME for name in given)
    ):
        message = f'"{key}" has to be a list of 1 to {MAX_NODES} {what}'
        raise ApiError(400, "bad_request", message)
    return given
