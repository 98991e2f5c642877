"""What people may do with flow runs from the page: a table of actions.

An action is a function that looks at a run and returns what it would do, or raises ``RequestError`` with the
reason why it cannot be done. The page shows that before it asks for a confirmation; ``Planned.send`` does it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.steering import Cancellation, Steering
from selinon_core.celery.stores.index import OPEN
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
    #: Asks a worker for it; the argument is who asks. Raises as ``Selinon.run_flow`` for the broker.
    send: Callable[[str], None]


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


def _cancel(selinon: Owner, id: str, parameters: Mapping[str, Any]) -> Planned:
    cancellation = Cancellation(selinon)
    planned = cancellation.preview(id)
    says = "Ends the run: nothing more of it is started, and it cannot go on again."
    if planned.active:
        says += f" Not ended yet: {_listed(planned.active)}. Tasks that run finish, sub-flows end too."
    return Planned(
        id, planned.flow, planned.version, says, planned.active, lambda who: cancellation.send(planned, who)
    )


#: By their names in addresses and in the audit.
ACTIONS: Mapping[str, Action] = {
    "retry": Action("Retry failed nodes", "Retry these runs", "retried", ("failure",), _retry, ("nodes",)),
    "cancel": Action("Cancel", "Cancel these runs", "cancelled", OPEN, _cancel),
}


def actions_of(status: str) -> list[str]:
    """The names of the actions that a run of this status allows."""
    return [name for name, action in ACTIONS.items() if status in action.statuses]


def _listed(names: Mapping[str, int]) -> str:
    return ", ".join(name if count == 1 else f"{count} x {name}" for name, count in names.items())


def _names(given: Any) -> list[str] | None:
    """Names or ids of node runs; raises ``ApiError`` for another value."""
    if given is None:
        return None
    if (
        not isinstance(given, list)
        or not 1 <= len(given) <= MAX_NODES
        or not all(isinstance(name, str) and 0 < len(name) <= MAX_NAME for name in given)
    ):
        message = f'"nodes" has to be a list of 1 to {MAX_NODES} names or ids of node runs'
        raise ApiError(400, "bad_request", message)
    return given
