"""Batches several node runs into one message where tasks are so short that a message costs more than they do.

A batch holds tasks of one flow run and one queue, without a time limit, with small arguments, that this process
has seen to be short. Each task begins and ends by itself, as in a message of its own. That a task is short is a
guess. When one takes long after all, the tasks behind it in the batch are published again, each in a message of
its own (``BatchWatchdog``).

Tasks that this process has never run are batched too where very many of them begin at once, a few in each message:
the first fan of a fresh worker would be all messages. The receiver hands the rest of a batch back as soon as those
that ran say that it would take long.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores.protocol import Begun
from selinon_core.celery.surroundings import REAL, Surroundings, Thread
from selinon_core.celery.transport.message_limits import SMALL, is_small
from selinon_core.celery.transport.message_schema import NodeMessage
from selinon_core.celery.transport.publisher import ENVELOPE, OutgoingMessage
from selinon_core.plan import ImportRef, Plan

#: What a task costs besides itself, in seconds.
OVERHEAD = 0.0005
#: Bytes of a batch at the most; a message of more than an eighth of it is not batched.
MOST_BYTES = 32_768
#: Seconds that a task, or what is left of a batch, may take before the node runs behind it are handed back.
HAND_BACK_AFTER = 0.25
#: Node runs of unknown tasks that begin at once, above which they are batched, and how many share a message then.
UNKNOWN_FROM = 256
UNKNOWN_TOGETHER = 8
_SHARED = ("flow", "id", "lane")
_PARTS = ("args", "parent", "failures", "result_locations")


class DurationEstimates:
    """How long tasks take, as seen in this process: an estimate that rises at once and falls slowly."""

    def __init__(self) -> None:
        self._seconds: dict[ImportRef | None, float] = {}

    def note(self, function: ImportRef | None, seconds: float) -> None:
        """An attempt took so long."""
        known = self._seconds.get(function)
        self._seconds[function] = seconds if known is None else max(seconds, 0.8 * known + 0.2 * seconds)

    def expected(self, function: ImportRef | None) -> float | None:
        """Seconds the next attempt takes, None when there was none here."""
        return self._seconds.get(function)


class MessageBatcher:
    """Puts messages together, each batch for at most ``selinon_batch_seconds`` of work."""

    def __init__(self, plan: Plan, durations: DurationEstimates, settings: AdapterSettings) -> None:
        self._plan = plan
        self._durations = durations
        self._most_seconds = settings.selinon_batch_seconds
        self._most = settings.selinon_batch_count

    def batched(self, messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
        """The same node runs in fewer messages; only batched ones change their order."""
        if len(messages) < 2 or self._most < 2:
            return list(messages)
        packed: list[OutgoingMessage] = []
        open_batches: dict[tuple[str, str], _Filling] = {}
        unknown = self._seconds_of_unknown(messages)
        for message in messages:
            seconds = self._seconds(message, unknown)
            size = 0 if seconds is None else _size(message)
            if seconds is None or size > MOST_BYTES / 8:
                packed.append(message)
                continue
            batch = open_batches.setdefault((message.queue, message.root_id), _Filling())
            if batch.messages and not self._fits(batch, seconds, size):
                packed.append(batch.closed())
            batch.add(message, seconds, size)
        packed += [batch.closed() for batch in open_batches.values()]
        return packed

    def _fits(self, batch: _Filling, seconds: float, size: int) -> bool:
        return (
            batch.seconds + seconds <= self._most_seconds
            and batch.size + size <= MOST_BYTES
            and len(batch.messages) < self._most
        )

    def _seconds_of_unknown(self, messages: Sequence[OutgoingMessage]) -> float | None:
        """What a task is taken to take that never ran here; None: such tasks are not batched."""
        if len(messages) < UNKNOWN_FROM:
            return None
        unknown = sum(self._may_share(each) and self._expected(each) is None for each in messages)
        return self._most_seconds / UNKNOWN_TOGETHER if unknown >= UNKNOWN_FROM else None

    def _seconds(self, message: OutgoingMessage, unknown: float | None) -> float | None:
        """Expected seconds of the task of a message; None: it is not batched."""
        if not self._may_share(message):
            return None
        expected = self._expected(message)
        if expected is None:
            return unknown
        return None if expected + OVERHEAD > self._most_seconds / 2 else expected + OVERHEAD

    def _may_share(self, message: OutgoingMessage) -> bool:
        return (
            message.celery_task == ENVELOPE
            and message.time_limit is None
            and not message.kwargs.get("refers")  # a message has one format, and most are for every worker
            and (task := self._plan.tasks.get(message.kwargs.get("task", ""))) is not None
            and task.limit is None
        )

    def _expected(self, message: OutgoingMessage) -> float | None:
        return self._durations.expected(self._plan.tasks[message.kwargs["task"]].function)


class _Filling:
    """A batch that is being filled."""

    def __init__(self) -> None:
        self.messages: list[OutgoingMessage] = []
        self.seconds = 0.0
        self.size = 0

    def add(self, message: OutgoingMessage, seconds: float, size: int) -> None:
        self.messages.append(message)
        self.seconds += seconds
        self.size += size

    def closed(self) -> OutgoingMessage:
        """The message; a new batch begins."""
        messages = self.messages
        self.messages, self.seconds, self.size = [], 0.0, 0
        return _as_one(messages)


def _size(message: OutgoingMessage) -> int:
    """About how many bytes a message adds to a batch."""
    parts = [message.kwargs[part] for part in _PARTS if message.kwargs.get(part)]
    return 200 + sum(SMALL if is_small(part) else len(json.dumps(part)) for part in parts)


def _as_one(messages: list[OutgoingMessage]) -> OutgoingMessage:
    first = messages[0]
    if len(messages) == 1:
        return first
    nodes = [{key: value for key, value in each.kwargs.items() if key not in _SHARED} for each in messages]
    kwargs: dict[str, Any] = {**{key: first.kwargs[key] for key in _SHARED if key in first.kwargs}, "nodes": nodes}
    return first._replace(kwargs=kwargs, shown_as=f"{first.shown_as} and others")


Claims = Mapping[tuple[int, int], Begun]
HandBack = Callable[[Sequence[NodeMessage]], bool]


class MessageBatch:
    """The node runs of a message that did not run yet, and successes not committed yet; safe under threads.

    ``claims`` are the store's answers to the claim of the batch, by number and delivery.
    """

    def __init__(
        self,
        messages: Sequence[NodeMessage],
        hand_back: HandBack,
        keep: HandBack,
        claims: Claims,
        monotonic: Callable[[], float] = REAL.monotonic,
    ) -> None:
        self._lock = threading.Lock()
        self._rest = deque(messages)
        self._succeeded: list[NodeMessage] = []
        self._hand_back = hand_back
        self._keep = keep
        self._claims = dict(claims)
        self._monotonic = monotonic
        self._began_at = self.taken_at = monotonic()
        self._count = len(messages)

    def take(self) -> NodeMessage | None:
        """The next one to run, None when none is left here."""
        with self._lock:
            self.taken_at = self._monotonic()
            return self._rest.popleft() if self._rest else None

    def hand_back(self) -> None:
        """Hand the node runs that did not start back, to other processes."""
        with self._lock:
            if self._rest and self._hand_back(tuple(self._rest)):
                self._rest.clear()

    def hand_back_if_slow(self) -> None:
        """Hand the rest back when it would take long, by those that ran: one is not waited for long, but many are.

        A single one that was held up for a moment says nothing.
        """
        left = len(self._rest)
        seconds = self._monotonic() - self._began_at
        if left and seconds > HAND_BACK_AFTER / 8 and seconds / (self._count - left) * left > HAND_BACK_AFTER:
            self.keep_early()
            self.hand_back()

    def claim_of(self, message: NodeMessage) -> Begun | None:
        """The claim of a node run, once: a second copy of its message in the same batch has none."""
        return self._claims.pop((message.number, message.delivery), None)

    def succeeded(self, message: NodeMessage) -> None:
        """A node run succeeded; its end has to be committed."""
        with self._lock:
            self._succeeded.append(message)

    def take_succeeded(self) -> list[NodeMessage]:
        """The successes that the caller has to commit."""
        with self._lock:
            succeeded, self._succeeded = self._succeeded, []
            return succeeded

    def keep_early(self) -> None:
        """Commit the successes so far."""
        with self._lock:
            if self._succeeded and self._keep(tuple(self._succeeded)):
                self._succeeded.clear()


class Watched(Protocol):
    """What is handed back when it takes long: since ``taken_at``, a task of it runs."""

    taken_at: float

    def keep_early(self) -> None:
        """Commit what has ended so far."""
        ...

    def hand_back(self) -> None:
        """Hand what did not begin to other processes."""
        ...


class BatchWatchdog:
    """Hands back the node runs behind a task that takes long, from a thread that lives while there are batches."""

    def __init__(self, surroundings: Surroundings = REAL, hand_back_after: float = HAND_BACK_AFTER) -> None:
        self._surroundings = surroundings
        self._hand_back_after = hand_back_after
        self._lock = threading.Lock()
        self._batches: set[Watched] = set()
        self._thread: Thread | None = None

    @contextmanager
    def over(self, batch: Watched) -> Iterator[None]:
        """Watch a batch while it is worked on."""
        with self._lock:
            self._batches.add(batch)
            if self._thread is None or not self._thread.is_alive():  # it does not survive a fork
                self._thread = self._surroundings.start_thread("selinon-batches", self._watch)
        try:
            yield
        finally:
            with self._lock:
                self._batches.discard(batch)

    def _watch(self) -> None:
        while True:
            self._surroundings.sleep(self._hand_back_after / 2)
            with self._lock:
                if not self._batches:
                    self._thread = None
                    return
                now = self._surroundings.monotonic()
                late = [b for b in self._batches if now - b.taken_at > self._hand_back_after]
            for batch in late:
                batch.keep_early()
                batch.hand_back()
