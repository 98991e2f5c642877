"""What workers call in a simulation, the store and the broker, with a boundary before each call and faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from selinon_core.celery.execution.inbox_codec import InboxEntry, encode_entry
from selinon_core.celery.stores.protocol import GONE
from selinon_core.celery.transport.publisher import OutgoingMessage
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import encode_event
from selinon_core.errors import StateStoreError
from selinon_core.simulating.agenda import Slot
from selinon_core.simulating.stage import Stage

#: How steps of the store are called in schedules; others have the name of their method.
_NAMES = {
    "claim_delivery": "claim",
    "claim_deliveries": "claim",
    "append_event": "append",
    "append_successes": "append",
    "acquire_lease": "lease",
    "commit_all": "commit",
}
#: How a cancellation stands in the inbox of a flow run, and which argument of ``append_event`` it is.
_CANCELS = frozenset({encode_event(on.FlowCancelled()), encode_entry(InboxEntry(on.FlowCancelled()))})
_ENTRY = 2
#: What no other process sees, and no worker dies of.
_WITHOUT_POINTS = frozenset({"get_definition", "put_definition", "clock", "index", "audit", "waits", "schedules"})


class StoreCalls:
    """A store as the workers of a stage have it; ``kept`` hears of a commit whose reply is lost."""

    def __init__(self, store: Any, stage: Stage, kept: Callable[[str], None]) -> None:
        self._store = store
        self._stage = stage
        self._kept = kept

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name in _WITHOUT_POINTS or not callable(found):
            return found
        call = self.__dict__[name] = self._with_points(_NAMES.get(name, name.replace("_", " ")), found)
        return call

    def _with_points(self, step: str, found: Callable[..., Any]) -> Callable[..., Any]:
        stage = self._stage
        before, after = f"before {step}", f"after {step}"
        fault, may_fail = stage.decisions.fault, stage.decisions.may("store")

        def call(*args: Any, **kwargs: Any) -> Any:
            slot = stage.current
            if slot is None:
                return found(*args, **kwargs)
            stage.boundary()
            subject = slot.subject
            if may_fail and fault("store", subject, before):
                stage.agenda.tell(f"{slot.name} {subject} cannot reach the store {before}")
                slot.point = after
                slot.not_begun.clear()  # what follows from a cancellation may not be kept
                raise StateStoreError("the store cannot be reached")
            result = found(*args, **kwargs)
            slot.point = after
            if step == "append":
                _note_cancelled(slot, args, result)
            if stage.agenda.transcript is not None:
                stage.agenda.tell(f"{slot.name} {subject} {step}")
            if may_fail and fault("store", subject, after):
                stage.agenda.tell(f"{slot.name} {subject} gets no reply {after}")
                if step == "commit" and result.ok and args[0].batch is not None:
                    self._kept(args[0].flow_id)
                raise StateStoreError("the reply of the store is lost")
            return result

        return call


def _note_cancelled(slot: Slot, args: tuple[Any, ...], result: Any) -> None:
    """Whether the store has the flow run that an activity cancels."""
    if len(args) > _ENTRY and args[_ENTRY] in _CANCELS:
        if result.kind == GONE:
            slot.not_begun.add(args[0])
        else:
            slot.not_begun.discard(args[0])


class Unreachable(Exception):
    """The broker cannot be reached."""


class BrokerCalls:
    """A publisher as the workers of a stage have it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def waiting(self, queue: str) -> int:
        """How many messages a queue holds."""
        return self._stage.post.waiting()

    def send(self, messages: Iterable[OutgoingMessage]) -> None:
        """Send messages."""
        messages = list(messages)
        stage, slot = self._stage, self._stage.current
        if slot is None or not messages:
            stage.send(messages)
            return
        stage.boundary()
        fault, subject = stage.decisions.fault, slot.subject
        slot.point = "after send"
        if fault("broker", subject, "before send"):
            stage.agenda.tell(f"{slot.name} {subject} cannot reach the broker")
            raise Unreachable("the broker cannot be reached")
        stage.send(messages)
        if fault("broker", subject, "after send"):
            stage.agenda.tell(f"{slot.name} {subject} gets no reply of the broker")
            raise Unreachable("the reply of the broker is lost")
