"""Decides what becomes of messages whose flow or task this worker does not know; ``requeue`` performs it.

A rolling update causes them: a newer worker started a node that came with its files, or an older one a node that
our files do not have any more. The state store knows the node run of such a message, so the message is put back
for another worker. When no worker took it for ``FAIL_AFTER`` seconds, the node run fails; the start of a flow
run that was asked for is parked. A node run does not fail where
the flow run is newer than our files: only newer workers know its nodes, and they advance it. Every other message
with an unknown name is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from selinon_core.celery.execution.inbox_codec import InboxEntry
from selinon_core.celery.execution.run_cache import version_in
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.transport.message_schema import Message, NodeMessage, StartMessage
from selinon_core.dispatch import events as on
from selinon_core.errors import ConfigurationError, MigrationError, MigrationSkew, UnknownFlowError
from selinon_core.plan import Plan
from selinon_core.runtime.error_codec import encode_error
from selinon_core.runtime.ids import id_maker

#: Seconds this process waits for another worker to take such a message, and the pause before it is put back.
FAIL_AFTER = 60.0
PAUSE = 0.2
_MOST_REMEMBERED = 10_000


class Disposition(Enum):
    """What happens to an unroutable message."""

    REFUSE = "refuse"
    PUT_BACK = "put back"
    FAILED = "failed"  # its node run was
    PARK = "park"  # a start of a flow that no worker knows


def unknown_in(plan: Plan, message: Message) -> str | None:
    """A sentence on the name in a message that this plan does not have; None when it has all."""
    if message.flow not in plan.flows:
        return f'no flow is named "{message.flow}"'
    if isinstance(message, NodeMessage) and message.task not in plan.tasks:
        return f'no task is named "{message.task}"'
    if isinstance(message, StartMessage) and message.caller is not None and message.caller[2] not in plan.flows:
        return f'no flow is named "{message.caller[2]}"'
    return None


class UnroutableMessages:
    """Decides on unroutable messages in one process."""

    def __init__(self) -> None:
        #: When a message was met first, by ``Surroundings.monotonic`` of this process.
        self._met: dict[tuple[str, int], float] = {}

    def is_first(self, services: WorkerServices, message_id: str) -> bool:
        """Whether this process sees a message for newer workers for the first time; the call records it."""
        return self._remember((message_id, 0), services.surroundings.monotonic())

    def _remember(self, key: tuple[str, int], now: float) -> bool:
        if key in self._met:
            return False
        while len(self._met) >= _MOST_REMEMBERED:
            self._met.pop(next(iter(self._met)))
        self._met[key] = now
        return True

    def _of_start(self, services: WorkerServices, message: StartMessage, unknown: str) -> Disposition:
        """A flow run that was asked for: another worker may know its flow, else the start is kept for people."""
        now = services.surroundings.monotonic()
        key = (message.id, 0)
        if self._remember(key, now):
            details = {"flow_name": message.flow, "dispatcher_id": message.id}
            services.tracer.warn("MIGRATION_SKEW", f"{unknown} here; left to another worker", **details)
        if now - self._met[key] < FAIL_AFTER:
            return Disposition.PUT_BACK
        del self._met[key]
        return Disposition.PARK

    def disposition(self, services: WorkerServices, message: Message, unknown: str) -> Disposition:
        """The disposition of a message with the unknown name ``unknown``; raises ``StateStoreError``."""
        if isinstance(message, NodeMessage):
            flow_id, number, flow = message.id, message.number, message.flow
        elif isinstance(message, StartMessage) and message.caller is not None:
            flow_id, number, flow = message.caller
        elif isinstance(message, StartMessage):
            return self._of_start(services, message, unknown)
        else:
            return Disposition.REFUSE
        header = services.store.header(flow_id)
        record = services.store.records(flow_id, [number]).get(number)
        if header is None or header["status"] != "running" or (record is not None and record.done):
            self._met.pop((flow_id, number), None)
            return Disposition.REFUSE
        now = services.surroundings.monotonic()
        if self._remember((flow_id, number), now):
            details = {"flow_name": flow, "dispatcher_id": flow_id}
            services.tracer.warn("MIGRATION_SKEW", f"{unknown} here; left to another worker", **details)
        if now - self._met[flow_id, number] < FAIL_AFTER or _is_newer(services, flow, header):
            return Disposition.PUT_BACK
        del self._met[flow_id, number]
        if flow not in services.plan.flows:
            return Disposition.REFUSE
        _fail(services, message, f"{unknown}, and no worker took it for {FAIL_AFTER:.0f} s")
        return Disposition.FAILED


def _is_newer(services: WorkerServices, flow: str, header: Mapping[str, str]) -> bool:
    """Whether a flow run needs workers with newer files than ours."""
    try:
        services.flow_versions.migration(flow, version_in(RunHeader.read(header)))
    except MigrationSkew:
        return True
    except (MigrationError, UnknownFlowError):
        return False
    return False


def _fail(services: WorkerServices, message: Message, why: str) -> None:
    if isinstance(message, NodeMessage):
        task_id = id_maker(message.id)(message.number)
        services.executor.complete(
            message,
            InboxEntry(on.NodeFailed(message.number)),
            services.inline_budget(message.number),
            delivery=message.delivery,
            error=(task_id, encode_error(ConfigurationError(why))),
        )
    elif isinstance(message, StartMessage):
        services.relay.fail_start(message, why)
