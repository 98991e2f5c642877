"""The broker of a simulated world: one list of messages for all queues."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping

from selinon_core.celery.transport import message_schema
from selinon_core.celery.transport.publisher import BEHIND, OutgoingMessage, priority_of
from selinon_core.celery.transport.start_batch import START_HEADER
from selinon_core.plan import LanePlan


class Broker:
    """Messages on their way, as (text of the message, whether it was delivered before).

    ``duplicate`` and ``lose`` are probabilities. ``backlog`` is the length that queues are reported to have.
    """

    def __init__(self, chooser: random.Random, duplicate: float = 0.0, lose: float = 0.0) -> None:
        self.queue: list[tuple[str, bool]] = []
        self.sent: list[OutgoingMessage] = []
        self.chooser = chooser
        self.duplicate = duplicate
        self.lose = lose
        self.backlog = 0
        #: The lanes of the project, by which messages have priorities.
        self.lanes: Mapping[str, LanePlan] = {}
        #: The messages that come behind others (``OutgoingMessage.behind``).
        self.behind: set[str] = set()

    def waiting(self, queue: str) -> int:
        """How many messages a queue holds."""
        return self.backlog

    def send(self, messages: Iterable[OutgoingMessage]) -> None:
        """Put messages into the queue; some get lost or are delivered twice."""
        for message in messages:
            self.sent.append(message)
            kwargs = {"v": message_schema.FORMAT, **message.kwargs}
            text = json.dumps([message.celery_task, kwargs, message.headers or {}])
            if self.lose and self.chooser.random() < self.lose:
                continue
            if message.behind:
                self.behind.add(text)
            self.queue.append((text, False))
            if self.duplicate and self.chooser.random() < self.duplicate:
                self.queue.append((text, False))

    def take(self, anywhere: bool) -> tuple[str, bool]:
        """Remove the next message of the first lane, or with ``anywhere`` any of them."""
        if anywhere:
            return self.queue.pop(self.chooser.randrange(len(self.queue)))
        is_ranked = self.lanes or self.behind
        first = min(range(len(self.queue)), key=lambda at: -self._priority(at)) if is_ranked else 0
        return self.queue.pop(first)

    def _priority(self, at: int) -> int:
        text = self.queue[at][0]
        less = BEHIND if text in self.behind else 0
        if not self.lanes:
            return -less
        return max(priority_of(self.lanes.get(json.loads(text)[1].get("lane") or "")) - less, 0)

    def take_starts(self, most: int) -> list[str]:
        """Remove starts that no worker has had, at most so many."""
        waiting = [item for item in self.queue if not item[1] and START_HEADER in json.loads(item[0])[2]]
        for item in waiting[:most]:
            self.queue.remove(item)
        return [text for text, _ in waiting[:most]]
