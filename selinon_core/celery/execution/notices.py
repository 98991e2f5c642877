"""Notices for the receivers in ``global.notify``: a run failed, a task waits for a signal, a run stands still.

A notice for a webhook is put into the store, and ``worker/notifier`` sends it. The key of the outbox that asks for
it leaves the outbox behind that, so a notice is sent at least once. A function is called at once, in the worker
that performs the outbox.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.index import MAX_REASON, shortened
from selinon_core.celery.stores.items import NOTICE, Item
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.stores.waits import WaitRow
from selinon_core.plan import NotifyPlan, Plan
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.redaction import Redaction

_log = logging.getLogger("selinon")

FAILURE, REVIEW, STUCK = "failure", "review", "stuck"
#: The version of the JSON of notices.
VERSION = 1
#: Failed nodes that a notice names.
MOST_NAMES = 20
#: Seconds for which a notice is kept at most, sent or not, where its run is gone.
KEPT = 7 * 86400.0


def listeners(plan: Plan, occasion: str, flow: str, is_subflow: bool) -> list[NotifyPlan]:
    """The receivers of what happened to a run of a flow."""
    return [
        notify
        for notify in plan.settings.notify
        if occasion in notify.on and (flow in notify.flows if notify.flows else not is_subflow)
    ]


def webhook_id(notify: NotifyPlan) -> str:
    """What tells a webhook from others, also when the files change: made from its URL as it is written."""
    return hashlib.sha256((notify.webhook or "").encode()).hexdigest()[:12]


class Notices:
    """Makes notices of one plan; ``imports`` find functions, ``hidden`` masks what must not be shown."""

    def __init__(
        self, plan: Plan, store: Store, now: Callable[[], float], imports: Imports, hidden: Redaction
    ) -> None:
        self._plan = plan
        self._store = store
        self._now = now
        self._imports = imports
        self._hidden = hidden

    def failed(
        self, flow_id: str, header: RunHeader, version: int, reason: str, failed: Sequence[str] = ()
    ) -> None:
        """A run failed with its log at ``version``; ``failed`` are names of nodes. Raises as the store does."""
        receivers = listeners(self._plan, FAILURE, header.flow, header.caller is not None)
        if receivers:
            more = {"reason": self._shown(reason), "failed": list(failed[:MOST_NAMES])}
            self._notify(receivers, f"{FAILURE}:{flow_id}:{version}", FAILURE, flow_id, header, more)

    def waits(self, header: RunHeader, rows: Sequence[tuple[WaitRow, int]]) -> None:
        """Tasks began to wait, each with how often its node run was run again; raises as the store does."""
        receivers = listeners(self._plan, REVIEW, header.flow, header.caller is not None)
        for row, serial in rows if receivers else ():
            wait = {"node": row.node, "id": row.id, "title": self._shown(row.title), "deadline": row.deadline}
            self._notify(receivers, f"{REVIEW}:{row.id}:{serial}", REVIEW, row.run, header, {"wait": wait})

    def stuck(
        self,
        receivers: Sequence[NotifyPlan],
        flow_id: str,
        header: RunHeader,
        version: str,
        since: float,
        why: str,
    ) -> None:
        """A run makes no progress; raises as the store does."""
        more = {"since": since, "reason": why}
        self._notify(receivers, f"{STUCK}:{flow_id}:{version}", STUCK, flow_id, header, more)

    def _shown(self, text: str) -> str:
        return shortened(self._hidden.masked(text), MAX_REASON)

    def _notify(
        self,
        receivers: Sequence[NotifyPlan],
        id: str,
        occasion: str,
        flow_id: str,
        header: RunHeader,
        more: dict[str, Any],
    ) -> None:
        now = self._now()
        notice = {
            "version": VERSION,
            "id": id,
            "event": occasion,
            "at": now,
            "flow": header.flow,
            "run": flow_id,
            "root": header.root or flow_id,
            "key": header.key or None,
            "labels": dict(header.labels),
            **more,
        }
        for notify in receivers:
            if notify.webhook is not None:
                webhook = webhook_id(notify)
                text = json.dumps({"webhook": webhook, "tries": 0, "notice": notice})
                item = Item(NOTICE, f"{id}:{webhook}", now, text)
                self._store.items.put(item, now + KEPT, if_absent=True)
            else:
                self._call(notify, notice)

    def _call(self, notify: NotifyPlan, notice: dict[str, Any]) -> None:
        assert notify.function is not None
        try:
            self._imports.load(notify.function)(notice)
        except Exception:  # the flow run does not depend on it
            _log.exception(
                "the notify function %s failed; the notice %s is not given again", notify.function, notice["id"]
            )
