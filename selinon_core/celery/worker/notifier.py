"""Sends notices that wait in the store to their webhooks, in a thread of the worker that leads the sweep.

A notice that is not taken is sent again after a pause that doubles, ``selinon_notify_tries`` times at most. Then
it is given up: the log says so, and the store keeps it for the metrics.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from selinon_core.celery.execution.notices import KEPT, webhook_id
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.stores.items import GIVEN_UP, NOTICE, Item
from selinon_core.celery.worker.webhooks import PostFailed, Webhook, post, webhook_of
from selinon_core.errors import ConfigurationError, StateStoreError

_log = logging.getLogger("selinon")

#: Seconds between two looks for notices, and after a look that failed.
LOOK_EVERY = 1.0
LOOK_AGAIN = 10.0
#: Notices that one look sends.
AT_ONCE = 50
#: Seconds for which a notice is taken: longer than one try.
TAKEN = 30.0
#: The pause before the second try, and the longest one.
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 900.0


class Notifier:
    """Sends the notices of one plan; used by one thread.

    ``gate()`` is passed around every use of the store, and not while a receiver is waited for.
    """

    def __init__(
        self,
        services: WorkerServices,
        send: Callable[[Webhook, Mapping[str, Any], float], None] = post,
        gate: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._services = services
        self._send = send
        self._gate = gate
        self._webhooks = {
            webhook_id(notify): notify for notify in services.plan.settings.notify if notify.webhook is not None
        }

    @property
    def is_needed(self) -> bool:
        """Whether the project has webhooks."""
        return bool(self._webhooks)

    def run_once(self) -> float:
        """Send what is due; returns the seconds until the next look."""
        away: set[str] = set()
        try:
            for _ in range(AT_ONCE):
                now = self._services.clock()
                with self._gate():
                    found = self._services.store.items.claim(NOTICE, now, now + TAKEN, 1)
                if not found:
                    return LOOK_EVERY
                self._handle(found[0], now, away)
        except StateStoreError as error:
            _log.warning("notices wait: %s", error)
            return LOOK_AGAIN
        return 0.0

    def _handle(self, item: Item, now: float, away: set[str]) -> None:
        """Send one notice. One for a receiver that is ``away`` just now waits, and its tries are not counted."""
        kept = json.loads(item.text)
        notify = self._webhooks.get(kept["webhook"])
        if notify is None:
            self._give_up(item, kept, "its webhook is not in the files any more")
            return
        if kept["webhook"] in away:
            self._put_off(item, kept, now)
            return
        try:
            webhook = webhook_of(notify)
            self._send(webhook, kept["notice"], now)
        except (PostFailed, ConfigurationError) as error:
            away.add(kept["webhook"])
            host = webhook.host if isinstance(error, PostFailed) else "?"
            self._failed(item, kept, now, f"webhook on {host}: {error}")
            return
        with self._gate():
            self._services.store.items.remove(NOTICE, [item.id])
        _log.info("notice %s was sent", item.id)

    def _failed(self, item: Item, kept: dict[str, Any], now: float, why: str) -> None:
        kept["tries"] += 1
        if kept["tries"] >= self._services.settings.selinon_notify_tries:
            self._give_up(item, kept, f"it failed {kept['tries']} times, the last time by: {why}")
            return
        pause = self._put_off(item, kept, now)
        _log.warning("notice %s is sent again in %.0f s: %s", item.id, pause, why)

    def _put_off(self, item: Item, kept: dict[str, Any], now: float) -> float:
        pause: float = min(FIRST_PAUSE * 2.0 ** max(kept["tries"] - 1, 0), LONGEST_PAUSE)
        with self._gate():
            self._services.store.items.put(item._replace(at=now + pause, text=json.dumps(kept)), now + KEPT)
        return pause

    def _give_up(self, item: Item, kept: dict[str, Any], why: str) -> None:
        _log.error("notice %s is given up: %s", item.id, why)
        now, items = self._services.clock(), self._services.store.items
        with self._gate():
            items.put(Item(GIVEN_UP, item.id, now, json.dumps({**kept, "why": why})), now + KEPT)
            items.remove(NOTICE, [item.id])
