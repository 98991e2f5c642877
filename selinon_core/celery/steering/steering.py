"""Lets failed flow runs go on: says what would run again, refuses with the reason, and sends the message.

The message names the version of the log that was looked at, so it counts once, however often it is sent. The
worker that takes it looks at the run again: between the two another request may have come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from selinon_core.celery.execution.run_cache import version_in
from selinon_core.celery.reporting.run_reader import FoldedRun, RunReader
from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.steering.auditing import asker, record
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.broker_deadline import within
from selinon_core.diagnostics.wording import hint
from selinon_core.dispatch import FlowRun, NodeRun
from selinon_core.dispatch.rules.reopening import retried_by_default, retryable, why_not_reopened
from selinon_core.errors import MigrationError, MigrationSkew, RequestError, UnknownFlowError, UnknownRunError

#: How many flows may be inside each other.
_DEEPEST = 50


class Retry(NamedTuple):
    """What a retry does. ``id`` is the run at the top that goes on: a sub-flow goes on with its parents."""

    id: str
    flow: str
    #: How many batches the log of that run has.
    version: int
    #: The failed node runs that run again: number, name and id. What ended meanwhile is not among them.
    nodes: Sequence[NodeRun]
    #: Their numbers as they were asked for; None: all that failed.
    numbers: tuple[int, ...] | None
    #: How many decisions are made again.
    decisions: int


class Steering:
    """Acts on the flow runs of one ``Selinon``. Needs the state store and the broker."""

    def __init__(self, selinon: Owner) -> None:
        self._selinon = selinon
        services = selinon.services
        self._reader = RunReader(services.store, services.flow_versions)

    def preview(self, id: str, nodes: Sequence[str] | None = None) -> Retry:
        """What ``retry`` would do; raises ``RequestError`` with the reason why it cannot be done."""
        with self._reader.reading(id) as folded:
            header, machine, all_nodes = self._failed(id, folded)
            assert folded is not None
            version = folded.version
            failed = retryable(machine)
            numbers = None if nodes is None else _chosen(nodes, failed, all_nodes)
            named = retried_by_default(machine) if numbers is None else failed
            wanted = [node for node in named if numbers is None or node.number in numbers]
            decisions = len(machine.dropped_at_end)
        if header.caller is None:
            return Retry(id, header.flow, version, wanted, numbers, decisions)
        if nodes is not None:
            raise RequestError(
                f"flow run {id} is that of a sub-flow, which goes on as a whole: leave the nodes out, or retry "
                f"flow run {header.root or header.caller.flow_id}"
            )
        return self._from_above(id, header)

    def _from_above(self, id: str, header: RunHeader) -> Retry:
        """The retry of a sub-flow: that of the run at the top, of the node runs on the way only."""
        for _ in range(_DEEPEST):
            caller = header.caller
            assert caller is not None
            above = self.preview_above(caller.flow_id, caller.number, id)
            with self._reader.reading(caller.flow_id) as folded:
                assert folded is not None
                header = folded.header
            if header.caller is None:
                return above
            id = caller.flow_id
        raise RequestError(f"flow run {id} is inside more than {_DEEPEST} others")

    def preview_above(self, id: str, number: int, below: str) -> Retry:
        """The retry of a parent for the node run ``number``, which the sub-flow ``below`` is."""
        with self._reader.reading(id) as folded:
            if folded is not None and folded.header.status == "running":
                raise RequestError(
                    f"flow run {below} is below {id}, which is still running: retry it when that ended"
                )
            header, machine, all_nodes = self._failed(id, folded)
            assert folded is not None
            nodes = [node for node in retryable(machine) if node.number == number]
            if not nodes:
                (node,) = [node for node in all_nodes if node.number == number]
                raise RequestError(f"flow run {below} is below {id}, where {_why_not(node, all_nodes)}")
            return Retry(id, header.flow, folded.version, nodes, (number,), 0)

    def retry(
        self, id: str, nodes: Sequence[str] | None = None, by: str | None = None, *, timeout: float | None = 10.0
    ) -> Retry:
        """Ask for a failed flow run to go on; returns what runs again.

        Its failed node runs run again under their ids, failed decisions are made again, what still runs is waited
        for. ``nodes`` names some of the failed node runs, by name or id; the others stay failed. ``by`` says who
        asks, and is kept in the log of the run and in the audit. Raises ``RequestError`` with the reason when it
        cannot go on, and as ``Selinon.run_flow`` for the broker.
        """
        planned = self.preview(id, nodes)
        self.send(planned, by, timeout=timeout)
        return planned

    def send(self, planned: Retry, by: str | None = None, *, timeout: float | None = 10.0) -> None:
        """Ask for a retry that was looked at; nothing happens when the run went on since then."""
        services = self._selinon.services
        names = {} if planned.numbers is None else {"nodes": sorted({node.name for node in planned.nodes})}
        by = asker(by) if by else None
        record(services.store, "retry", planned.id, by, **names)
        queue = services.messages.queue(planned.flow)
        message = services.messages.retry(planned.flow, planned.id, planned.version, planned.numbers, by, queue)
        within(timeout, lambda: services.publisher.send([message]), f"the request to retry {planned.id}")

    def _failed(self, id: str, folded: FoldedRun | None) -> tuple[RunHeader, FlowRun, Sequence[NodeRun]]:
        """The machine of a run that failed and may go on, and all node runs of it."""
        if folded is None:
            raise UnknownRunError(f"there is no flow run {id}, or no worker has begun it")
        header = folded.header
        if header.awaits_retry:
            raise RequestError(f"flow run {id} waits for its place to go on: its retry is queued")
        if header.status != "failure":
            states = {
                "running": "is running",
                "success": "succeeded",
                "cancelled": "was cancelled: start it again",
            }
            raise RequestError(f"flow run {id} {states.get(header.status, header.status)}")
        if folded.run is None:
            raise RequestError(f"flow run {id} cannot go on: {folded.problem or 'it never began'}")
        machine = folded.run.machine
        why = why_not_reopened(machine) or self._changed(header)
        if why is not None:
            handled = [_why_not(node, folded.nodes) for node in machine.current.handled_for_failure]
            more = f" ({'; '.join(handled)})" if handled else ""
            raise RequestError(f"flow run {id} cannot go on: {why}{more}")
        return header, machine, folded.nodes

    def _changed(self, header: RunHeader) -> str | None:
        """Why the files do not let a run go on."""
        try:
            migrated = self._selinon.services.flow_versions.migration(header.flow, version_in(header))
        except (MigrationError, MigrationSkew, UnknownFlowError) as error:
            return str(error)
        if migrated is not None and migrated.forgotten is not None:
            return "its flow changed without a migration (selinon migrate writes one)"
        return None


def _chosen(names: Sequence[str], failed: Sequence[NodeRun], nodes: Sequence[NodeRun]) -> tuple[int, ...]:
    """The numbers of the failed node runs with these names or ids."""
    chosen: dict[int, None] = {}
    for name in names:
        found = [node.number for node in failed if name in (node.name, node.id)]
        if not found:
            known = [node for node in nodes if name in (node.name, node.id)]
            if known:
                raise RequestError(_why_not(known[-1], nodes))
            near = hint(name, [node.name for node in failed])
            raise RequestError(f'no node run with the name or id "{name}" failed{near}')
        chosen |= dict.fromkeys(found)
    return tuple(sorted(chosen))


def _why_not(node: NodeRun, nodes: Sequence[NodeRun]) -> str:
    """Why a node run is not one of those that failed and are not handled."""
    fallbacks = sorted({each.name for each in nodes if each.edge is None and node in each.sources})
    if node.status == "success":
        return f"{node.name} ({node.id}) did not fail"
    if node.status == "active":
        return f"{node.name} ({node.id}) has not ended, as far as the log of the flow run says"
    if fallbacks:
        return f"the failure of {node.name} ({node.id}) is handled, by the fallback {', '.join(fallbacks)}"
    return f"the failure of {node.name} ({node.id}) is handled, or of an attempt before the last one"
