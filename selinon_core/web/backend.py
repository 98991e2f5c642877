"""Reads flow runs, lists and drawings for the routes, in threads: every read blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from anyio import CapacityLimiter, fail_after, to_thread

from selinon_core.celery.reporting.audit_rows import audit_json
from selinon_core.celery.reporting.node_output import logs_of
from selinon_core.celery.reporting.run_history import history
from selinon_core.celery.reporting.run_rows import find_page, rows_json
from selinon_core.celery.reporting.schedule_list import schedule_list
from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.steering.parked import Parked
from selinon_core.celery.steering.starts import StartSteering
from selinon_core.celery.stores.index import IndexRow
from selinon_core.celery.stores.waits import WaitQuery
from selinon_core.celery.surroundings import REAL, Surroundings
from selinon_core.errors import StateStoreError, UnknownRunError
from selinon_core.plan import Plan
from selinon_core.web.explanations import explained
from selinon_core.web.filters import RunFilter
from selinon_core.web.flow_figures import FlowFigures
from selinon_core.web.history_json import event_json
from selinon_core.web.metrics import RunMetrics
from selinon_core.web.run_drawings import RunDrawings, run_report
from selinon_core.web.run_follower import RunFollower
from selinon_core.web.run_json import VERSION, members_json, run_json
from selinon_core.web.task_results import task_result
from selinon_core.web.timed_cache import TimedCache
from selinon_core.web.waits_json import wait_rows

T = TypeVar("T")

#: Requests that read at one time; more wait.
THREADS = 8
#: Seconds after which a store that does not answer counts as away.
PATIENCE = 10.0
EVENTS_PER_PAGE = 200
AUDIT_PER_PAGE = 50
WAITS_PER_PAGE = 50
PARKED_PER_PAGE = 50


class Backend:
    """The reads of one server. ``pace`` is the seconds for which an answer may be repeated.

    Methods without ``async`` block; they raise ``StateStoreError`` when the store is away, ``RequestError`` for a
    run that there is not.
    """

    def __init__(self, selinon: Owner, pace: float, surroundings: Surroundings = REAL) -> None:
        self._selinon = selinon
        self._threads = CapacityLimiter(THREADS)
        monotonic = surroundings.monotonic
        self._runs = RunFollower(selinon, monotonic, pace)
        self._pages: TimedCache[dict[str, Any]] = TimedCache(pace, monotonic)
        self._histories: TimedCache[list[dict[str, Any]]] = TimedCache(2 * pace, monotonic, most=8)
        self._answers: TimedCache[dict[str, Any]] = TimedCache(2 * pace, monotonic, most=32)
        self._schedules: TimedCache[list[dict[str, Any]]] = TimedCache(pace, monotonic)
        self._paused_starts: TimedCache[list[dict[str, Any]]] = TimedCache(pace, monotonic)
        self._health: TimedCache[bool] = TimedCache(pace, monotonic)
        self._figures = FlowFigures(lambda: self._selinon.store.index, monotonic)
        self._drawings: RunDrawings | None = None
        self._metrics: RunMetrics | None = None

    async def call(self, read: Callable[..., T], *args: Any) -> T:
        """Call one of the reads in a thread; ``StateStoreError`` also when it takes too long."""
        try:
            with fail_after(PATIENCE):
                return await to_thread.run_sync(read, *args, abandon_on_cancel=True, limiter=self._threads)
        except TimeoutError:
            raise StateStoreError(f"the state store did not answer within {PATIENCE:.0f} s") from None

    @property
    def plan(self) -> Plan:
        """The project."""
        return self._selinon.plan

    def now(self) -> float:
        """The time as the store has it."""
        return self._selinon.store.clock()

    def metrics(self, accept: str) -> tuple[bytes, str]:
        """The metrics as text, and its content type; raises ``MissingExtraError`` too."""
        if self._metrics is None:
            self._metrics = RunMetrics(self._selinon)
        return self._metrics.scrape(accept)

    def healthy(self) -> bool:
        """True; raises ``StateStoreError`` while the store is away."""

        def ask() -> bool:
            self._selinon.store.next_due()
            return True

        return self._health.get("store", ask)

    # -- lists ------------------------------------------------------------------------------------------------

    def runs(self, wanted: RunFilter) -> dict[str, Any]:
        """A page of the list of runs."""
        query = wanted.query
        # "an hour ago" is another time with each question, and the same question
        key = (query._replace(since=None, until=None), wanted.texts, wanted.cursor, wanted.limit)
        return self._pages.get(repr(key), lambda: self._found(wanted))

    def _found(self, wanted: RunFilter) -> dict[str, Any]:
        index = self._selinon.store.index
        page = find_page(index, wanted.query, wanted.cursor, wanted.limit)
        return {"version": VERSION, "runs": rows_json(index, page, self.now()), "next": page.next}

    def changed_since(self, at: float) -> list[IndexRow]:
        """Rows that changed since a time, at most 200."""
        return self._selinon.store.index.changed_since(at, 200)

    def flows(self) -> list[dict[str, Any]]:
        """What each flow did in the last day."""
        return self._figures.of_last_day(self.plan, self.now())

    def waits(self, flows: Sequence[str], root: str | None, cursor: str | None) -> dict[str, Any]:
        """A page of tasks that wait for a signal, with the schemas of what they wait for."""
        page = self._selinon.store.waits.find(WaitQuery(tuple(flows), root=root), cursor, WAITS_PER_PAGE)
        return {"version": VERSION, "waits": wait_rows(page.rows, self.plan), "next": page.next}

    def audit(self, run: str | None, cursor: str | None) -> dict[str, Any]:
        """A page of who asked for what, see ``audit_json``."""
        return audit_json(self._selinon.store.audit.read(run, cursor, AUDIT_PER_PAGE))

    def parked(self, cursor: str | None) -> dict[str, Any]:
        """A page of starts that workers could not handle, the newest first."""
        page = Parked(self._selinon).list(cursor, PARKED_PER_PAGE)
        return {"version": VERSION, "parked": list(page.rows), "next": page.next}

    def schedules(self) -> list[dict[str, Any]]:
        """The schedules of the project, see ``schedule_list``."""
        store = self._selinon.store
        return self._schedules.get("all", lambda: schedule_list(self.plan, store, store.clock()))

    def paused_starts(self) -> list[dict[str, Any]]:
        """The flows whose starts are paused, see ``StartSteering.paused``."""
        return self._paused_starts.get("all", StartSteering(self._selinon).paused)

    def forget_pauses(self) -> None:
        """Ask the store what is paused when that is read next: it was changed here."""
        self._schedules.clear()
        self._paused_starts.clear()

    def ids_like(self, text: str) -> list[str]:
        """Ids that are a text or begin with it, at most 10."""
        found = self._selinon.store.index.by_prefix(text, 10)
        return [text] if text in found else found

    # -- one run ----------------------------------------------------------------------------------------------

    def run(self, id: str) -> dict[str, Any]:
        """A run, see ``run_json``."""
        row = self._selinon.store.index.get(id)
        with self._runs.run(id) as run:
            return run_json(run, row, self.plan)

    def run_state(self, id: str) -> tuple[int, bool, dict[str, Any]]:
        """The run for its viewers: number of the change, whether it is open, and the run."""
        found = self.run(id)
        return found["revision"], found["ended"] is None, found

    def members(self, id: str, name: str, after: str | None) -> dict[str, Any]:
        """A page of node runs, see ``members_json``."""
        with self._runs.run(id) as run:
            return members_json(run, name, after, self.plan)

    def history(self, id: str, after: int) -> dict[str, Any]:
        """A page of what happened to a run and its sub-flows, oldest first; long details are cut."""
        services = self._selinon.services
        events = self._histories.get(
            id, lambda: history(services.plan, services.store, services.flow_versions, id)
        )
        page = events[after : after + EVENTS_PER_PAGE]
        behind = after + len(page)
        return {
            "version": VERSION,
            "events": [event_json(event) for event in page],
            "next": behind if behind < len(events) else None,
            "count": len(events),
        }

    def explained(self, id: str, node: str | None) -> dict[str, Any]:
        """Why nodes of a run ran, did not run or wait, see ``explanations``."""
        return self._answers.get((id, node), lambda: explained(self._selinon, id, node))

    def logs(self, id: str, node: str) -> dict[str, Any]:
        """What a node run of a run logged, by attempts: the newest lines."""
        store = self._selinon.store
        if not store.existing([id]):
            raise UnknownRunError(f"there is no flow run {id}")
        return {"version": VERSION, "logs": logs_of(store, id, node)}

    def result(self, id: str, node: str) -> dict[str, Any]:
        """The result of a run of a task, see ``task_result``."""
        with self._runs.run(id) as run:
            found = next((followed for followed in run.nodes if followed.node.id == node), None)
            flow = None if run.run is None else run.run.flow.name
        # the storage may take its time: others may look at the run meanwhile
        return task_result(self.plan, self._selinon.services.storages, flow, node, found)

    # -- drawings ---------------------------------------------------------------------------------------------

    def drawings(self) -> RunDrawings:
        """The drawings of this server."""
        if self._drawings is None:
            self._drawings = RunDrawings(self.plan)
        return self._drawings

    def plain_graph(self, id: str) -> dict[str, Any] | None:
        """The drawing of the flow of a run, without the run; None for a run that never began."""
        with self._runs.run(id) as run:
            if run.run is None or run.header is None:
                return None
            flow, definition = run.run.flow, run.header.definition
        return self.drawings().plain(flow, definition)

    def graph(self, id: str) -> bytes | None:
        """The drawing of a run as an SVG; None for a run that never began."""
        with self._runs.run(id) as run:
            if run.run is None:
                return None
            flow, revision, report = run.run.flow, run.revision, run_report(run, self.now())
        return self.drawings().laid_over(id, flow, revision, report)
