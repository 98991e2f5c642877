"""Ends flow runs together with the tasks that run: ``selinon cancel --terminate``.

The cancellation is put into the inbox of each run first, sub-flows included, and then the running tasks are
terminated. A run decides in the order of its inbox, so a task that is stopped is a part of what was cancelled: no
fallback runs, and nothing is retried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from selinon_core.celery.execution.inbox_codec import InboxEntry
from selinon_core.celery.reporting.run_status import describe
from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.steering.auditing import record
from selinon_core.celery.stores.index import OPEN
from selinon_core.celery.transport.broker_deadline import within
from selinon_core.dispatch import events as on
from selinon_core.errors import RequestError

#: The pools of Celery that can stop a running task, as workers name them.
CAN_STOP = ("prefork", "gevent")
#: Seconds in which workers say which pool they have.
ASK_FOR = 1.0


class Termination(NamedTuple):
    """What was asked for."""

    #: Running tasks that workers were asked to stop: names, by the ids of their node runs.
    tasks: Mapping[str, str]
    #: Workers of the project whose pools cannot stop a task: names of pools, by the names of the workers.
    cannot: Mapping[str, str]


def cancel_and_terminate(
    owner: Owner, id: str, by: str | None = None, *, timeout: float | None = 10.0
) -> Termination:
    """Ask for the end of a flow run and of its sub-flows, and have the tasks that run stopped.

    ``by`` says who asks, None: this user. Raises ``RequestError`` for a run that has ended or is not known, and as
    ``Selinon.run_flow`` for the broker.
    """
    services = owner.services
    run = describe(services.store, services.flow_versions, id)
    if run["status"] not in OPEN:
        raise RequestError(f"flow run {id} has ended already: {run['status']}")
    tasks = {node["id"]: node["name"] for node in _running(run)}
    record(services.store, "cancel", id, by, terminate=len(tasks))
    runs = list(_open_runs(run))

    def end_runs() -> None:
        for flow_id, flow in runs:
            services.relay.steer(flow_id, flow, InboxEntry(on.FlowCancelled()))

    def stop_tasks() -> None:
        # A broadcast: a worker without remote control, or out of reach, runs its task to the end.
        owner.app.control.revoke(sorted(tasks), terminate=True)

    within(timeout, end_runs, f"the request to cancel {id}")
    if not tasks:
        return Termination({}, {})
    within(timeout, stop_tasks, "the request to stop tasks")
    return Termination(tasks, _pools_that_cannot(owner))


def running_tasks(owner: Owner, id: str) -> Mapping[str, str]:
    """The tasks of a flow run and of its sub-flows that are at a worker: names, by the ids of their node runs.

    Raises ``UnknownRunError`` for a run that the store does not know.
    """
    services = owner.services
    run = describe(services.store, services.flow_versions, id)
    return {node["id"]: node["name"] for node in _running(run)}


def _open_runs(run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The run and the runs of sub-flows that have not ended, from the top down."""
    if run["status"] in OPEN:
        yield run["id"], run["flow"]
    for node in run["nodes"]:
        if "run" in node:
            yield from _open_runs(node["run"])


def _running(run: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The node runs of tasks that are at a worker."""
    for node in run["nodes"]:
        if "run" in node:
            yield from _running(node["run"])
        elif node["kind"] == "task" and node["status"] == "running":
            yield node


def _pools_that_cannot(owner: Owner) -> dict[str, str]:
    """The pools of live workers of this project that cannot stop a task; empty where none answers."""
    try:
        # Not over a connection of Celery's pool: one that another question left behind may get no replies.
        with owner.app.connection_for_write() as connection:
            inspect = owner.app.control.inspect(timeout=ASK_FOR, connection=connection)
            found = dict(_unable(inspect.stats() or {}))
            served = (inspect.active_queues() or {}) if found else {}
    except Exception:  # nothing depends on it
        return {}
    plan = owner.services.plan
    ours = owner.services.messages.queues((*plan.flows, *plan.tasks))
    # Workers of other apps at the same broker answer, too.
    return {
        worker: pool
        for worker, pool in found.items()
        if any(queue.get("name") in ours for queue in served.get(worker) or ())
    }


def _unable(stats: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The workers whose pools cannot stop a task, and the names of the pools."""
    for worker, figures in stats.items():
        pool = str((figures.get("pool") or {}).get("implementation", ""))
        if pool and not any(name in pool for name in CAN_STOP):
            yield worker, pool.rpartition(".")[2].partition(":")[0] or pool
