"""Reruns in a simulated world: their previews, the messages that start them, and runs as they can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

from selinon_core.celery.rerunning.stored_run import StoredRun
from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.steering import Rerun, Reruns
from selinon_core.rerunning.request import Request
from selinon_core.rerunning.rows import Rows
from selinon_core.simulating.world import World


@contextmanager
def calm(world: World) -> Iterator[None]:
    """No caller dies: faults are those of workers."""
    crash, world.faults.crash = world.faults.crash, 0.0
    yield
    world.faults.crash = crash


def reruns(world: World, worker: int = 0) -> Reruns:
    """What a caller has that knows the files of a worker."""
    owner = SimpleNamespace(services=world.workers[worker], pending_starts=SimpleNamespace(enabled=False))
    return Reruns(cast(Owner, owner))


def planned(world: World, id: str, *select: str, **request: Any) -> Rerun:
    """The preview of a rerun; by default of what failed and had not ended."""
    with calm(world):
        return reruns(world).preview(id, Request(**({"select": select} if select else {}), **request))


def labels(found: Rerun) -> dict[str, list[str]]:
    """By kind, the nodes of a preview."""
    kinds = Rows(found.preview).to_json()
    return {kind: [row["node"] for row in rows] for kind, rows in kinds.items() if isinstance(rows, list) and rows}


def send(world: World, found: Rerun) -> str:
    """Send the start of a rerun; returns the id of the new run."""
    with calm(world):
        message = reruns(world).message(found)
    world.broker.send([message])
    return message.task_id


def rerun(world: World, id: str, *select: str, **request: Any) -> str:
    """Run a run again, to the end."""
    new = send(world, planned(world, id, *select, **request))
    world.work()
    return new


def stored(world: World, id: str) -> StoredRun:
    """A run with what it reuses, as it is now."""
    return StoredRun(world.store, world.workers[0].flow_versions, id, float("inf"))


def comparable(seen: StoredRun) -> list[Any]:
    """The node runs in canonical order, without what differs between a run and its rerun."""
    return [
        each._replace(status="success" if each.status == "reused" else each.status, attempts=0, flow_attempt=0)
        for each in seen.lineage.canonical()
    ]
