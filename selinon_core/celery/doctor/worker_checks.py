"""Checks of the live workers: which queues they serve, their versions, their flows, their clocks.

Workers are asked through Celery's remote control. One whose pool has no processes (``solo``) answers between two
tasks only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from selinon_core.celery.doctor.finding import FAILED, OK, WARNING, Check, Finding
from selinon_core.celery.doctor.server_checks import clock_finding
from selinon_core.celery.transport.message_builder import MessageBuilder
from selinon_core.celery.worker.worker_facts import COMMAND, facts_of
from selinon_core.diagnostics.wording import did_you_mean

if TYPE_CHECKING:
    from selinon_core.celery.app import Selinon

#: Names that a message lists.
_MOST_NAMES = 5
#: Seconds of silence after which no further worker is waited for.
_SILENCE = 1.0


class Worker(NamedTuple):
    """A live worker that serves a queue of the project; ``facts`` is None where it does not know the question."""

    name: str
    queues: tuple[str, ...]
    facts: Mapping[str, Any] | None
    #: Seconds by which its clock is ahead of the store's; None: unknown.
    ahead: float | None


def worker_checks(selinon: Selinon, deadline: float) -> Iterator[Check]:
    """The one check of workers: its findings are several lines."""
    silence = min(_SILENCE, deadline / 4)
    remedy = "see whether workers run, and whether their remote control is on"
    yield Check("workers", lambda: _workers(selinon, silence), remedy, needs="broker")


def needed_queues(selinon: Selinon) -> dict[str, list[str]]:
    """The flows and tasks of each queue that the project needs."""
    plan = selinon.plan
    builder = MessageBuilder(plan, selinon.app.conf.task_default_queue)
    return builder.queues((*plan.flows, *plan.tasks))


def _workers(selinon: Selinon, silence: float) -> Iterator[Finding]:
    needed = needed_queues(selinon)
    workers, others = live_workers(selinon, set(needed), silence)
    if not workers:
        text = f"no live worker serves a queue of this project ({', '.join(needed)})"
        if others:
            text += f"; {len(others)} serve other queues: {_some(sorted(others))}"
        yield Finding("workers", FAILED, text, "start one: selinon worker")
        return
    yield Finding("workers", OK, f"{len(workers)} live: {_some([worker.name for worker in workers])}")
    yield from queue_findings(needed, workers, others)
    yield from version_findings(workers, facts_of(selinon))
    for worker in workers:
        if worker.ahead is not None:
            found = clock_finding("clock", f"worker {worker.name}", worker.ahead, silence / 4)
            if found.status != OK:
                yield found


def live_workers(
    selinon: Selinon, needed: set[str], silence: float
) -> tuple[list[Worker], dict[str, tuple[str, ...]]]:
    """The workers that serve a needed queue, and the queues of all others by the worker's name."""
    served: dict[str, tuple[str, ...]] = {}
    facts: dict[str, tuple[Mapping[str, Any], float | None]] = {}

    def ask(command: str, **options: Any) -> list[dict[str, Any]]:
        # Not over a connection of Celery's pool: one that another question left behind may get no replies.
        with selinon.app.connection_for_write() as connection:
            control = selinon.app.control
            return control.broadcast(command, reply=True, timeout=silence, connection=connection, **options) or []

    def arrived(reply: Mapping[str, Any]) -> None:
        for name, said in reply.items():
            if isinstance(said, Mapping) and "selinon" in said:
                facts[name] = (said, _ahead(selinon, said))

    for reply in ask("active_queues"):
        for name, queues in reply.items():
            if isinstance(queues, list):
                served[name] = tuple(queue["name"] for queue in queues)
    names = [name for name, queues in served.items() if needed.intersection(queues)]
    if names:
        ask(COMMAND, destination=names, callback=arrived)
    workers = [Worker(name, served[name], *facts.get(name, (None, None))) for name in sorted(names)]
    return workers, {name: queues for name, queues in served.items() if name not in names}


def _ahead(selinon: Selinon, facts: Mapping[str, Any]) -> float | None:
    try:
        return float(facts["now"]) - selinon.store.clock()
    except (KeyError, TypeError, ValueError):
        return None
    except Exception:  # the store has a line of its own
        return None


def queue_findings(
    needed: Mapping[str, list[str]], workers: list[Worker], others: Mapping[str, tuple[str, ...]]
) -> Iterator[Finding]:
    """Needed queues that no live worker serves."""
    served = {queue for worker in workers for queue in worker.queues}
    elsewhere = sorted({queue for queues in others.values() for queue in queues} | (served - set(needed)))
    unserved = [queue for queue in needed if queue not in served]
    for queue in unserved:
        near = did_you_mean(queue, elsewhere)
        remedy = f"selinon worker -Q {queue}" + (
            f' ("{near}" is served: is one of the two misspelt?)' if near else ""
        )
        text = f'no live worker serves "{queue}", the queue of {_some(needed[queue])}'
        yield Finding("queues", FAILED, text, remedy)
    if not unserved:
        yield Finding("queues", OK, f"every queue is served: {', '.join(needed)}")


def version_findings(workers: list[Worker], here: Mapping[str, Any]) -> Iterator[Finding]:
    """Workers that have another version of selinon, of the log's format, or of the flows, than this process."""
    found = []
    update = "expected while an update rolls out; otherwise update these workers"
    silent = [worker.name for worker in workers if worker.facts is None]
    if silent:
        text = f"{_some(silent)} did not say: other Celery workers, busy, or an older selinon"
        found.append(Finding("versions", WARNING, text, update))
    known = [(worker.name, worker.facts) for worker in workers if worker.facts is not None]
    for key, what in (("selinon", "selinon"), ("format", "the log format"), ("logic", "the dispatch logic")):
        for value in sorted({str(facts.get(key)) for _, facts in known} - {str(here[key])}):
            names = [name for name, facts in known if str(facts.get(key)) == value]
            text = f"{what} is {value} in {_some(names)}, and {here[key]} here"
            found.append(Finding("versions", WARNING, text, update))
    for name, facts in known:
        theirs = facts.get("flows")
        flows = theirs if isinstance(theirs, Mapping) else {}
        differ = sorted(flow for flow, digest in here["flows"].items() if flows.get(flow) != digest)
        if differ:
            text = f"worker {name} has other definitions of {_some(differ)} than these files"
            found.append(Finding("versions", WARNING, text, "deploy the same files to all workers and callers"))
    if not found:
        text = f"selinon {here['selinon']}, log format {here['format']}, the same flows everywhere"
        found.append(Finding("versions", OK, text))
    yield from found


def _some(names: list[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
