"""Batches several node runs into one message where tasks are so short that a message costs more than they do.

A batch holds tasks of one flow run and one queue, without a time limit, with small arguments, that this process
has seen to be short. Each task begins and ends by itself, as in a message of its own. That a task is short is a
guess. When one takes long after all, the tasks behind it in the batch are published again, each in a message of
its own (``BatchWatchdog``).
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores.protocol import Begun
from selinon_core.celery.surroundings import REAL, Surroundings, Thread
from selinon_core.celery.transport.message_limits import SMALL, is_small
from selinon_core.celery.transport.message_schema import NodeMessage
from selinon_core.celery.transport.publisher import ENVELOPE, OutgoingMessage
from selinon_core.plan import ImportRef, Plan

#: What a task costs besides itself, in seconds.
OVERHEAD = 0.0005
#: How large a bundle may be; what alone takes an eighth of it travels alone.
MOST_BYTES = 32_768
#: Seconds after which what waits behind a task in its bundle is given away.
HAND_BACK_AFTER = 0.25
_SHARED = ("flow", "id")
_PARTS = ("args", "parent", "failures", "result_locations")


class DurationEstimates:
    """How long tasks take, as seen in this process: an estimate that rises at once and falls slowly."""

    def __init__(self) -> None:
        self._seconds: dict[ImportRef, float] = {}

    def note(self, function: ImportRef, seconds: float) -> None:
        """An attempt took so long."""
        known = self._seconds.get(function)
        self._seconds[function] = seconds if known is None else max(seconds, 0.8 * known + 0.2 * seconds)

    def expected(self, function: ImportRef) -> float | None:
        """Seconds the next attempt takes, None when there was none here."""
        return self._seconds.get(function)


class MessageBatcher:
    """Puts messages together, each bundle for at most ``selinon_batch_seconds`` of work."""

    def __init__(self, plan: Plan, pace: DurationEstimates, settings: AdapterSettings) -> None:
        self._plan = plan
        self._durations = pace
        self._most_seconds = settings.selinon_batch_seconds
        self._most = settings.selinon_batch_count

    def batched(self, letters: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
        """The same node runs in fewer messages; the order stays but for what travels together."""
        if len(letters) < 2 or self._most < 2:
            return list(letters)
        packed: list[OutgoingMessage] = []
        open_bundles: dict[tuple[str, str], _Filling] = {}
        for letter in letters:
            seconds = self._seconds(letter)
            size = 0 if seconds is None else _size(letter)
            if seconds is None or size > MOST_BYTES / 8:
                packed.append(letter)
                continue
            bundle = open_bundles.setdefault((letter.queue, letter.root_id), _Filling())
            if bundle.letters and not self._fits(bundle, seconds, size):
                packed.append(bundle.closed())
            bundle.add(letter, seconds, size)
        packed += [bundle.closed() for bundle in open_bundles.values()]
        return packed

    def _fits(self, bundle: _Filling, seconds: float, size: int) -> bool:
        return (
            bundle.seconds + seconds <= self._most_seconds
            and bundle.size + size <= MOST_BYTES
            and len(bundle.letters) < self._most
        )

    def _seconds(self, letter: OutgoingMessage) -> float | None:
        """How long what a message asks for takes; None: it has to travel alone."""
        if letter.celery_task != ENVELOPE or letter.time_limit is not None:
            return None
        task = self._plan.tasks.get(letter.kwargs.get("task", ""))
        expected = None if task is None else self._durations.expected(task.function)
        if expected is None or expected + OVERHEAD > self._most_seconds / 2:
            return None
        return expected + OVERHEAD


class _Filling:
    """A bundle that is being made."""

    def __init__(self) -> None:
        self.letters: list[OutgoingMessage] = []
        self.seconds = 0.0
        self.size = 0

    def add(self, letter: OutgoingMessage, seconds: float, size: int) -> None:
        self.letters.append(letter)
        self.seconds += seconds
        self.size += size

    def closed(self) -> OutgoingMessage:
        """The message; a new bundle begins."""
        letters = self.letters
        self.letters, self.seconds, self.size = [], 0.0, 0
        return _as_one(letters)


def _size(letter: OutgoingMessage) -> int:
    """About how many bytes a message adds to a bundle."""
    parts = [letter.kwargs[part] for part in _PARTS if letter.kwargs.get(part)]
    return 200 + sum(SMALL if is_small(part) else len(json.dumps(part)) for part in parts)


def _as_one(letters: list[OutgoingMessage]) -> OutgoingMessage:
    first = letters[0]
    if len(letters) == 1:
        return first
    nodes = [{key: value for key, value in each.kwargs.items() if key not in _SHARED} for each in letters]
    kwargs: dict[str, Any] = {**{key: first.kwargs[key] for key in _SHARED}, "nodes": nodes}
    return first._replace(kwargs=kwargs, shown_as=f"{first.shown_as} and others")


Claims = Mapping[tuple[int, int], Begun]
HandBack = Callable[[Sequence[NodeMessage]], bool]


class MessageBatch:
    """What a message holds that was not run yet, and what of it succeeded and is not kept yet; safe under threads.

    ``claims`` are the answers of the store about those that were claimed together, by number and delivery.
    """

    def __init__(
        self,
        messages: Sequence[NodeMessage],
        hand_back: HandBack,
        keep: HandBack,
        claims: Claims,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = threading.Lock()
        self._rest = deque(messages)
        self._succeeded: list[NodeMessage] = []
        self._hand_back = hand_back
        self._keep = keep
        self._claims = dict(claims)
        self._monotonic = monotonic
        self.taken_at = monotonic()

    def take(self) -> NodeMessage | None:
        """The next one to run, None when none is left here."""
        with self._lock:
            self.taken_at = self._monotonic()
            return self._rest.popleft() if self._rest else None

    def hand_back(self) -> None:
        """Leave what is left to other processes."""
        with self._lock:
            if self._rest and self._hand_back(tuple(self._rest)):
                self._rest.clear()

    def claim_of(self, message: NodeMessage) -> Begun | None:
        """The answer about one, once: a second copy of its message in the same batch has none."""
        return self._claims.pop((message.number, message.delivery), None)

    def succeeded(self, message: NodeMessage) -> None:
        """One ended well; that is to be kept."""
        with self._lock:
            self._succeeded.append(message)

    def take_succeeded(self) -> list[NodeMessage]:
        """Those that ended well, to be kept by the caller."""
        with self._lock:
            succeeded, self._succeeded = self._succeeded, []
            return succeeded

    def keep_early(self) -> None:
        """Keep what ended well until now."""
        with self._lock:
            if self._succeeded and self._keep(tuple(self._succeeded)):
                self._succeeded.clear()


class BatchWatchdog:
    """Gives away what waits behind a task that takes long, from a thread that lives while there are bundles."""

    def __init__(self, surroundings: Surroundings = REAL, patience: float = HAND_BACK_AFTER) -> None:
        self._surroundings = surroundings
        self._patience = patience
        self._lock = threading.Lock()
        self._bundles: set[MessageBatch] = set()
        self._thread: Thread | None = None

    @contextmanager
    def over(self, bundle: MessageBatch) -> Iterator[None]:
        """Watch a bundle while it is worked on."""
        with self._lock:
            self._bundles.add(bundle)
            if self._thread is None or not self._thread.is_alive():  # it does not survive a fork
                self._thread = self._surroundings.start_thread("selinon-batches", self._watch)
        try:
            yield
        finally:
            with self._lock:
                self._bundles.discard(bundle)

    def _watch(self) -> None:
        while True:
            self._surroundings.sleep(self._patience / 2)
            with self._lock:
                if not self._bundles:
                    self._thread = None
                    return
                now = self._surroundings.monotonic()
                late = [b for b in self._bundles if now - b.taken_at > self._patience]
            for bundle in late:
                bundle.keep_early()
                bundle.hand_back()
