"""A flow run on workers as explanations look at it: its replayed log, and where its node runs are at the moment.

The state store is read once for each flow run that is asked about; nothing is locked. Results are read from their
storages when a condition looked at them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from selinon_core.celery.reporting.node_limits import limits_of, wait_text
from selinon_core.celery.reporting.reused_runs import ReusedRuns
from selinon_core.celery.reporting.run_replay import RunReplay
from selinon_core.celery.reporting.run_status import limit_shown
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.limits import is_hold
from selinon_core.celery.stores.outbox_keys import ASK_AGAIN, RETRY_FLOW, SEND_FLOW, SEND_TASK, WAIT_ENDS
from selinon_core.celery.stores.protocol import NodeRecord as StoredNode
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.errors import RequestError
from selinon_core.explaining.reason import Reason
from selinon_core.explaining.run_view import RunView
from selinon_core.migrations.versions import FlowVersions
from selinon_core.runtime.error_codec import USER_ERRORS
from selinon_core.runtime.facts import Facts
from selinon_core.runtime.limit_keys import place_text
from selinon_core.runtime.trace.run_records import NodeRecord
from selinon_core.runtime.trace.tracer import jsonable


class LiveView(RunView):
    """A flow run in the state store; raises ``RequestError`` when the store does not know it.

    ``retrieve`` gives the result of a task run (flow, task, id), ``queue_of`` the queue of a node's messages.
    """

    #: Whether the runs of sub-flows that were reused whole are looked into.
    _with_reused = False

    def __init__(
        self,
        store: Store,
        flows: FlowVersions,
        id: str,
        retrieve: Callable[[str, str, str], Any],
        queue_of: Callable[[str], str],
    ) -> None:
        self._store = store
        self._retrieve, self._queue_of = retrieve, queue_of
        replay = RunReplay(store, flows, with_reused=self._with_reused)
        entries = list(replay.entries(id))
        if id not in replay.flow_runs:
            raise RequestError(f"flow run {id} {_why_not_begun(store, id)}")
        self._replay = replay
        for record in replay.flow_runs.values():  # a history has the end of a sub-flow from its parent's log
            record.node = replay.node_runs.get(record.id)
        flow_runs, node_runs = replay.flow_runs, replay.node_runs
        super().__init__(
            flows.plan,
            Facts(flows.plan, flow_runs[id], list(flow_runs.values()), list(node_runs.values()), entries),
        )
        self._reused = ReusedRuns(store, flows)
        self._results: dict[str, Any] = {}
        self._stored: dict[str, Mapping[int, StoredNode]] = {}
        self._timers: dict[str, Mapping[str, float]] = {}

    def has_result(self, record: NodeRecord) -> bool:
        """Whether a storage has the result of a node run, and gives it."""
        return record.run.is_flow or self._read(record) is not _MISSING

    def result(self, record: NodeRecord) -> Any:
        """As of ``RunView``, read from the storage of the task."""
        return super().result(record) if record.run.is_flow else jsonable(self._read(record))

    def _read(self, record: NodeRecord) -> Any:
        id = record.run.id
        if id not in self._results:
            self._results[id] = self._retrieved(record)
        return self._results[id]

    def _retrieved(self, record: NodeRecord) -> Any:
        flow, name = record.flow_run.flow.name, record.run.name
        if name not in self.plan.tasks or record.run.status not in ("success", "reused"):
            return _MISSING
        try:
            return self._retrieve(flow, name, record.run.id)
        except USER_ERRORS:  # expired, the storage is away or has none: the decision is explained without it
            return _MISSING

    def made_by(self, record: NodeRecord) -> str | None:
        """The id of the flow run that made a node run which is reused; a selective run does not say it."""
        headers = self._replay.headers
        return self._reused.made_by(headers[record.flow_run.id], headers[self.root.id], record.run.id)

    # -- what has not ended -------------------------------------------------------------------------------------

    def live(self, record: NodeRecord) -> Reason | None:
        """Where a node run is that has not ended; None in a flow run that is over."""
        flow_run, run = record.flow_run, record.run
        header = self._replay.headers[flow_run.id]
        if run.status != "active" or header.status != "running":
            return None
        if run.is_flow:
            return self._live_flow(record)
        stored = self._records(flow_run.id).get(run.number)
        if stored is not None and stored.done:
            return Reason("ended-undecided", "has ended, and its end is not decided on yet")
        task = self.plan.tasks.get(run.name)
        if task is not None and task.wait is not None:
            deadline = self._timers_of(flow_run.id).get(f"{WAIT_ENDS}{run.number}")
            until = "" if deadline is None else f", until {self._at(deadline)}"
            return Reason("waits-for-signal", f"waits for a signal{until}")
        timer = self._timers_of(flow_run.id).get(f"{SEND_TASK}{run.number}")
        if stored is not None and stored.begun_at:
            text = f"is being run since {self._at(stored.begun_at)}, attempt {stored.attempts + 1}"
            if stored.deliveries > 1:
                text += f", delivery {stored.deliveries}: workers that had it before are gone"
            return Reason("being-run", text)
        if header.is_paused:
            return Reason("paused", "does not begin: the flow run is paused")
        limit = limits_of(self._store, self.plan.tasks, flow_run.id, [run]).get(run.number)
        if limit is not None:
            return Reason("waits-for-place", wait_text(limit))
        if stored is not None and stored.attempts:
            most = self.plan.tasks[run.name].max_retry + 1
            bound = f" of {most}" if stored.attempts < most else ""
            when = f" at {self._at(timer)}" if timer else ""
            return Reason("retry", f"is tried again{when}, attempt {stored.attempts + 1}{bound}")
        if timer and (task is None or task.limit is None or task.throttling is not None):
            return Reason("throttled", f"is throttled until {self._at(timer)}")
        return self._on_its_way(record)

    def _live_flow(self, record: NodeRecord) -> Reason:
        fields = self._store.header(record.run.id)
        header = None if fields is None else RunHeader.read(fields)
        if header is not None and header.is_queued and header.limit:
            return Reason("queued", f"is queued: {_waits_for_place(self._store, record.run.id, header)}")
        if record.run.id in self._replay.flow_runs:
            return Reason(
                "sub-flow-runs", f"is a flow that has not ended: selinon explain {record.run.id} says why"
            )
        timer = self._timers_of(record.flow_run.id).get(f"{SEND_FLOW}{record.run.number}")
        if timer:
            return Reason("throttled", f"is throttled until {self._at(timer)}")
        return self._on_its_way(record)

    def _on_its_way(self, record: NodeRecord) -> Reason:
        name = record.run.name
        known = self.plan.flows.get(name) or self.plan.tasks.get(name)
        queue = self._queue_of(name) if known is not None else "?"
        since = "" if record.started_at is None else f" since {self._at(record.started_at)}"
        return Reason("on-its-way", f"waits{since} for a worker that takes messages of the queue {queue}")

    def undecided(self) -> tuple[Reason, ...]:
        """Why the run decides nothing at the moment, where that is so."""
        id, replay = self.root.id, self._replay
        if replay.headers[id].awaits_retry:
            wait = _waits_for_place(self._store, id, replay.headers[id])
            return (Reason("queued", f"a retry was asked for, and is queued: {wait}"),)
        inbox, lease = replay.inboxes[id], replay.leases[id]
        reasons = []
        waiting = "1 end of a node run waits" if len(inbox) == 1 else f"{len(inbox)} ends of node runs wait"
        if replay.headers[id].is_paused:
            ends = f", and {waiting}" if inbox else ""
            reasons.append(Reason("paused", f"the flow run is paused{ends}: selinon resume {id} lets it go on"))
        elif inbox and lease > self._store.clock():
            reasons.append(
                Reason(
                    "lease-held",
                    f"{waiting}: a worker advances the run, until {self._at(lease)} at most",
                )
            )
        elif inbox:
            reasons.append(Reason("undecided", f"{waiting} for a worker that decides on it"))
        for name, due in self._timers_of(id).items():
            if name.startswith(ASK_AGAIN) and name[1:].isdigit():
                text = f"a decision is put off until {self._at(due)}: a storage cannot be read"
                reasons.append(Reason("put-off", text))
            elif name == RETRY_FLOW:
                reasons.append(Reason("flow-retry", f"the flow is tried again at {self._at(due)}"))
        return tuple(reasons)

    def _records(self, id: str) -> Mapping[int, StoredNode]:
        if id not in self._stored:
            numbers = [
                record.run.number
                for record in self.facts.nodes
                if record.flow_run.id == id and record.run.status == "active"
            ]
            self._stored[id] = self._store.records(id, numbers)
        return self._stored[id]

    def _timers_of(self, id: str) -> Mapping[str, float]:
        if id not in self._timers:
            self._timers[id] = self._store.timers(id)
        return self._timers[id]

    def _at(self, seconds: float) -> str:
        """A time of the store's clock, for people."""
        moment = datetime.fromtimestamp(seconds).astimezone()
        same_day = moment.date() == self._today
        return moment.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S")

    @cached_property
    def _today(self) -> Any:
        return datetime.fromtimestamp(self._store.clock()).astimezone().date()


#: In place of a result that cannot be had.
_MISSING = object()
#: Runs that hold places and are named.
_MOST_HOLDERS = 3


def _why_not_begun(store: Store, id: str) -> str:
    fields = store.header(id)
    header = None if fields is None else RunHeader.read(fields)
    if header is None or header.status != "running":
        reason = "" if header is None or not header.reason else f": {header.reason}"
        return f"was cancelled before it began{reason}"
    if not header.limit:
        return "has not begun: no worker took its start"
    return f"is queued: {_waits_for_place(store, id, header)}"


def _waits_for_place(store: Store, id: str, header: RunHeader) -> str:
    """What a run waits for that is queued."""
    if is_hold(header.limit):
        return f"starts of {header.flow} are paused"
    limit = limit_shown(store, id, header)
    holders, ahead = limit["holders"], limit["ahead"]
    more = f" and {len(holders) - _MOST_HOLDERS} more" if len(holders) > _MOST_HOLDERS else ""
    held = f"held by {', '.join(holders[:_MOST_HOLDERS])}{more}" if holders else "which is free"
    before = {0: "", 1: "; 1 run waits before it"}.get(ahead, f"; {ahead} runs wait before it")
    return f'it waits for {place_text(limit["max"])} under the key "{header.limit}", {held}{before}'
