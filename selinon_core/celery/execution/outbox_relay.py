"""Carrying out what was decided and committed: publishing messages, telling parents, writing results.

Everything here may happen twice (a crash before the outbox was cleared) and is harmless then: a message counts
once per serial, a node run ends once, a result is written again.
"""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from selinon_core.celery.execution.run_cache import CachedRun, batch_text
from selinon_core.celery.execution.transition import Launch
from selinon_core.celery.reporting.run_tracer import Teller
from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.protocol import FOREVER, GONE, LEASED, WAKE, Commit, Opened
from selinon_core.celery.transport.batching import Bundler
from selinon_core.celery.transport.message_builder import LetterWriter
from selinon_core.celery.transport.publisher import Letter, Publisher
from selinon_core.dispatch import FlowOutcome
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import encode_event

_log = logging.getLogger("selinon")

#: Messages sent between two renewals of the lease.
CHUNK = 1000
#: While their queue is busy, one in so many messages that were not heard of is sent again.
SHARE = 10


class Parent(NamedTuple):
    """A parent run this worker got the lease of, because a sub-flow ended here."""

    flow_id: str
    opened: Opened


class Courier:
    """Performs the keys of outboxes; ``write_result(id, outcome)`` puts a result where Celery looks for it."""

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        writer: LetterWriter,
        settings: AdapterSettings,
        teller: Teller,
        bundler: Bundler,
        serves: Callable[[str], bool],
        write_result: Callable[[str, FlowOutcome], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._store = store
        self._publisher = publisher
        self._writer = writer
        self._settings = settings
        self._teller = teller
        self._bundler = bundler
        self._serves = serves
        self._write_result = write_result
        # Parents to be advanced once the current run is given back.
        self._parents: deque[Parent] = deque()

    def perform(self, run: CachedRun, token: int, keys: Iterable[str], letters: Mapping[str, Letter]) -> list[str]:
        """Carry out keys and return those that are done; the sweep comes back to the others."""
        done: list[str] = []
        to_send: list[tuple[str, Letter]] = []
        for key in keys:
            letter = letters.get(key) or self._letter(run, key)
            if letter is not None:
                to_send.append((key, letter))
                continue
            try:
                self._other(run, key)
                done.append(key)
            except Exception as error:
                self._failed(run, error)
        for begin in range(0, len(to_send), CHUNK):
            if begin:
                now = self._clock()
                self._store.renew(run.id, token, now + self._settings.selinon_lease)
            part = to_send[begin : begin + CHUNK]
            try:
                self._publisher.send(self._bundler.packed([letter for _, letter in part]))
                done.extend(key for key, _ in part)
            except Exception as error:
                self._failed(run, error)
                break
        return done

    def _failed(self, run: CachedRun, error: Exception) -> None:
        what = f"{type(error).__name__}: {error}"
        self._teller.issue("DISPATCHER_FAILURE", what, flow_name=run.flow.name, dispatcher_id=run.id)

    def _letter(self, run: CachedRun, key: str) -> Letter | None:
        """The message of a key that was left behind; None when it needs none (any more)."""
        if key[0] not in "tfo":
            return None
        number = int(key[1:])
        launch = self._launch(run, number)
        if launch is None:
            return None
        if key[0] == "o":
            serial = self._store.republish(run.id, number)
            return None if serial is None else self._with_payload(run, launch, serial)
        record = self._store.records(run.id, [number]).get(number)
        if record is not None and (record.done or record.begun_at):
            return None
        return self._with_payload(run, launch, 0 if record is None else record.serial)

    def _with_payload(self, run: CachedRun, launch: Launch, serial: int) -> Letter:
        return self._writer.of_launch(run, launch, serial)[0]

    def again(self, run: CachedRun, number: int) -> Letter | None:
        """The message of a node run whose message got lost, or that was put off until now."""
        launch = self._launch(run, number)
        if launch is None:
            return None
        record = self._store.records(run.id, [number]).get(number)
        if record is not None and (record.done or record.begun_at):
            return None
        return self._with_payload(run, launch, 0 if record is None else record.serial)

    def _launch(self, run: CachedRun, number: int) -> Launch | None:
        """What started a node run that is not over; None also when its task or flow is gone from the files."""
        launch = run.machine.launch_of(number)
        return launch if launch is not None and self._writer.knows(launch.run.name) else None

    def lost(self, run: CachedRun) -> list[Letter]:
        """New messages for all node runs whose message did not arrive.

        While a queue holds messages, theirs are probably among them and more copies would only make it longer. So
        most wait; a share in turn does not, because a queue may never be empty and theirs lost nevertheless.
        """
        machine = run.machine
        numbers = [n for n in range(1, machine.count + 1) if machine.run_of(n) is not None]
        records = self._store.records(run.id, numbers)
        timed = self._store.timers(run.id)
        turn = int(self._clock() // self._settings.selinon_republish_after)
        waiting: dict[str, int] = {}
        letters = []
        for number in numbers:
            record = records.get(number)
            launch = self._launch(run, number)
            if launch is None or (record is not None and (record.done or record.begun_at)):
                continue
            if f"n{number}" in timed or f"s{number}" in timed:
                continue
            # With the serial it had: whichever copy comes first counts, should the old one just be late.
            letter = self._with_payload(run, launch, 0 if record is None else record.serial)
            if letter.queue not in waiting:
                waiting[letter.queue] = self._publisher.waiting(letter.queue)
            if not waiting[letter.queue] or (number + turn) % SHARE == 0:
                letters.append(letter)
        return letters

    def stale(self, run: CachedRun) -> list[Letter]:
        """New messages for node runs whose receiver is gone, and whose message did not come again either."""
        letters = []
        now = self._clock()
        for number in self._store.stale(run.id, now - self._settings.selinon_lost_after):
            launch = self._launch(run, number)
            if launch is None:
                self._store.touch(run.id, (number,), FOREVER)  # nothing waits for it any more
            elif launch.run.is_flow and self._store.header(launch.run.id) is not None:
                self._store.touch(run.id, (number,), FOREVER)  # it was begun, and looks after itself
            else:
                serial = self._store.republish(run.id, number)
                if serial is not None:
                    letters.append(self._with_payload(run, launch, serial))
        return letters

    # -- what is no message -----------------------------------------------------------------------------------

    def _other(self, run: CachedRun, key: str) -> None:
        if key == "r":
            assert run.machine.outcome is not None
            self._write_result(run.id, run.machine.outcome)
        elif key == "p":
            self._tell_parent(run)
        elif key[0] == "c":
            self._cancel(run, int(key[1:]))

    def _tell_parent(self, run: CachedRun) -> None:
        assert run.up is not None
        outcome = run.machine.outcome
        assert outcome is not None
        flow_id, number, flow = run.up
        event = (on.NodeSucceeded if outcome.succeeded else on.NodeFailed)(number, outcome)
        queue = self._writer.queue(flow)
        delivered = self._store.deliver(
            flow_id,
            number,
            encode_event(event),
            self._clock(),
            urgent=True,
            lease=self._settings.selinon_lease if self._serves(queue) else 0.0,
        )
        if delivered.kind == LEASED:
            assert delivered.opened is not None
            self._parents.append(Parent(flow_id, delivered.opened))
        elif delivered.kind == WAKE:
            self._publisher.send([self._writer.wake(flow, flow_id)])

    def _cancel(self, run: CachedRun, number: int) -> None:
        node = run.machine.run_of(number)
        if node is None:
            return
        now = self._clock()
        delivered = self._store.deliver(node.id, 0, encode_event(on.FlowCancelled()), now, urgent=True)
        if delivered.kind == GONE:
            self.bury(node.id, node.name)
        elif delivered.kind == WAKE:
            self._publisher.send([self._writer.wake(node.name, node.id)])

    def bury(self, flow_id: str, flow: str) -> None:
        """Cancel a run that was not begun: its start message must not begin it any more."""
        header = {"flow": flow, "queue": self._writer.queue(flow), "status": "cancelled"}
        ttl = self._settings.selinon_state_ttl
        fields = {"status": "cancelled", "reason": "the flow run was cancelled before it began"}
        now = self._clock()
        batch = batch_text(now, ['["!","cancelled"]'])  # so that its version is not that of a run to be begun
        step = Commit(flow_id, 0, now, create=header, batch=batch, fields=fields, ttl=ttl)
        if self._store.commit(step).ok:
            self._write_result(flow_id, FlowOutcome(False, {}, {}, [], {}, fields["reason"], cancelled=True))

    def send_safely(self, letters: Sequence[Letter]) -> bool:
        """Send messages the sweep would send too; False when that failed."""
        try:
            self._publisher.send(letters)
        except Exception as error:
            _log.warning("cannot publish: %s: %s", type(error).__name__, error)
            return False
        return True

    def next_parent(self) -> Parent | None:
        """A parent to be advanced now, None when there is none (left)."""
        try:
            return self._parents.popleft()
        except IndexError:
            return None

    def fail_unread(self, flow_id: str, header: Mapping[str, str], reason: str) -> None:
        """Say that a run failed whose log cannot be read any more."""
        self._write_result(flow_id, FlowOutcome(False, {}, {}, [], {}, reason))
        if header.get("up"):
            parent_id, number, flow = json.loads(header["up"])
            entry = encode_event(on.NodeFailed(number, FlowOutcome(False, {}, {}, [], {}, reason)))
            self._store.deliver(parent_id, number, entry, self._clock(), urgent=True)
            self.send_safely([self._writer.wake(flow, parent_id)])
