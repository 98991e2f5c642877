"""The index of runs on every store says what a plain dictionary says, whatever is done with the runs.

Workers are simulated, decisions are real: one world on a memory store and one on the other are told the same.
A run waits for a signal as soon as it begins, so that each step of its life is one that the test chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from selinon_core.celery.reporting.run_reader import RunReader
from selinon_core.celery.steering.pruning import prune
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.index import CLOSED, STATUSES, IndexRow, RunQuery
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.simulating.world import BEGINNING, World
from tests.celery.stores import OTHERS, fresh_store, wipe
from tests.celery.waiting_project import project
from tests.example_counts import examples

FLOWS = """
  - name: order
    labels: {customer: "${args.customer}"}
    edges:
      - {from: , to: Approve}
  - name: bill
    edges:
      - {from: , to: Approve}
      - {from: Approve, to: B, condition: Approve.ok}
"""
PLAN = project(FLOWS, timeout=None)
CUSTOMERS = ("acme", "é{}*")


class Expected:
    """What is known of a run."""

    def __init__(self, flow: str, customer: str, created: float) -> None:
        self.flow = flow
        self.customer = customer
        self.created = created
        self.number = 0  # of pauses and resumptions
        self.started = False  # its start was delivered
        self.begun: float | None = None
        self.end: tuple[str, float] | None = None
        self.answer = ""  # how it ends when it is resumed

    @property
    def status(self) -> str:
        if self.end is not None:
            return self.end[0]
        if self.number % 2:
            return "paused"
        return "queued" if self.begun is None else "running"

    @property
    def labels(self) -> Mapping[str, str]:
        labelled = self.flow == "order" and self.begun is not None
        return {"customer": self.customer} if labelled else {}


class Runs(RuleBasedStateMachine):
    """The same runs in two worlds, and in a dictionary."""

    def __init__(self, other: Store) -> None:
        super().__init__()
        wipe(other)
        self.worlds = [World(PLAN, workers=1, store=store) for store in (MemoryStore(), other)]
        self.now = BEGINNING
        self.expected: dict[str, Expected] = {}
        self.count = 0

    def told(self, tell: Callable[[World], Any]) -> None:
        """Do something at the same time in both worlds, and let them come to rest."""
        self.now += 10
        for world in self.worlds:
            world.now = self.now
            tell(world)
            world.work(until=self.now)

    def one(self, which: int) -> tuple[str, Expected] | None:
        """One of the runs that there are."""
        ids = sorted(self.expected)
        return (ids[which % len(ids)], self.expected[ids[which % len(ids)]]) if ids else None

    def _new(self, flow: str, customer: str) -> tuple[str, Expected]:
        self.count += 1
        id = f"{'ab'[self.count % 2]}{self.count:07d}-0000-4000-8000-000000000000"
        self.expected[id] = run = Expected(flow, customer, self.now + 10)
        return id, run

    def _begins(self, id: str, run: Expected) -> None:
        self.told(lambda world: world.start(run.flow, {"customer": run.customer, "number": 1}, id=id))
        run.started = True
        if run.end is None and run.begun is None:
            run.begun = self.now  # a paused one takes its arguments in, and starts nothing

    # -- steps ------------------------------------------------------------------------------------------------

    @rule(flow=st.sampled_from(["order", "bill"]), customer=st.sampled_from(CUSTOMERS))
    def starts(self, flow: str, customer: str) -> None:
        self._begins(*self._new(flow, customer))

    @rule(cancelled=st.booleans())
    def is_stopped_before_it_begins(self, cancelled: bool) -> None:
        id, run = self._new("order", "acme")
        if cancelled:
            self.told(lambda world: world.cancel("order", id))
            run.end = ("cancelled", self.now)
        else:
            run.number = 1
            self.told(lambda world: world.pause("order", id, 1))

    @rule(which=st.integers(0, 20))
    def starts_late(self, which: int) -> None:
        found = self.one(which)
        if found is not None and not found[1].started:
            self._begins(*found)

    @rule(which=st.integers(0, 20), answer=st.sampled_from(["yes", "no", "reject"]))
    def is_answered(self, which: int, answer: str) -> None:
        found = self.one(which)
        if found is None:
            return
        id, run = found
        given: dict[str, Any] = (
            {"reject": "too dear"} if answer == "reject" else {"value": {"ok": answer == "yes"}}
        )
        self.told(lambda world: world.signal(run.flow, id, "Approve", **given))
        end = "failure" if answer == "reject" else "success"
        if run.status == "running":
            run.end = (end, self.now)
        elif run.status == "paused" and run.begun is not None:
            run.answer = run.answer or end  # the first one counts

    @rule(which=st.integers(0, 20))
    def is_paused_or_resumed(self, which: int) -> None:
        found = self.one(which)
        if found is None or found[1].end is not None:
            return
        id, run = found
        run.number += 1
        self.told(lambda world: world.pause(run.flow, id, run.number))
        if run.number % 2 == 0 and run.answer:
            run.end, run.answer = (run.answer, self.now), ""

    @rule(which=st.integers(0, 20))
    def is_retried(self, which: int) -> None:
        found = self.one(which)
        if found is None:
            return
        id, run = found
        self.told(lambda world: world.retry(run.flow, id))
        if run.status == "failure":
            run.end = None

    @rule(which=st.integers(0, 20))
    def is_cancelled(self, which: int) -> None:
        found = self.one(which)
        if found is None:
            return
        id, run = found
        self.told(lambda world: world.cancel(run.flow, id))
        if run.end is None:
            run.end = ("cancelled", self.now)

    @rule(status=st.sampled_from([*CLOSED, "running"]))
    def are_pruned(self, status: str) -> None:
        ids = [id for id, run in self.expected.items() if run.status == status]
        for world in self.worlds:
            owner: Any = SimpleNamespace(store=world.store, app=None)
            list(prune(owner, RunReader(world.store, world.workers[0].flow_versions), ids, by="me"))
        for id in ids if status in CLOSED else ():
            del self.expected[id]

    # -- questions --------------------------------------------------------------------------------------------

    @rule(
        limit=st.integers(1, 4),
        flows=st.lists(st.sampled_from(["order", "bill", "Order"]), max_size=2),
        statuses=st.lists(st.sampled_from(STATUSES), max_size=3),
        customer=st.none() | st.sampled_from(CUSTOMERS),
        since=st.none() | st.integers(0, 20),
        until=st.none() | st.integers(0, 20),
        prefix=st.none() | st.sampled_from(["a", "b00000", "%"]),
    )
    def are_asked_for(
        self,
        limit: int,
        flows: list[str],
        statuses: list[Any],
        customer: str | None,
        since: int | None,
        until: int | None,
        prefix: str | None,
    ) -> None:
        query = RunQuery(
            tuple(flows),
            tuple(statuses),
            None if since is None else BEGINNING + 10 * since,
            None if until is None else BEGINNING + 10 * until,
            {} if customer is None else {"customer": customer},
            id_prefix=prefix,
        )
        wanted = [row.id for row in self.rows() if query.matches(row)]
        for world in self.worlds:
            assert [row.id for row in pages(world.store, query, limit)] == wanted
            assert world.store.index.count(query) == len(wanted)

    @rule(limit=st.integers(1, 3), flow=st.sampled_from(["order", "bill"]))
    def begin_between_two_pages(self, limit: int, flow: str) -> None:
        before = [row.id for row in self.rows()]
        cursors = [world.store.index.find(RunQuery(), None, limit).next for world in self.worlds]
        self.starts(flow, "acme")
        for world, cursor in zip(self.worlds, cursors, strict=True):
            assert (cursor is None) == (len(before) <= limit)
            if cursor is not None:
                assert [row.id for row in pages(world.store, RunQuery(), limit, cursor)] == before[limit:]

    def rows(self) -> list[IndexRow]:
        """What the index has to say, newest first, as far as queries ask for it."""
        rows = [
            IndexRow(
                *(id, run.flow, run.status, run.created, run.begun),
                ended=run.end and run.end[1],
                labels=run.labels,
            )
            for id, run in self.expected.items()
        ]
        return sorted(rows, key=lambda row: (row.created, row.id), reverse=True)

    @invariant()
    def all_say_the_same(self) -> None:
        expected = self.rows()
        seen = []
        for world in self.worlds:
            rows = pages(world.store, RunQuery(), 50)
            plain = [row._replace(args=None, reason="", changed=0.0) for row in rows]
            assert plain == expected
            assert [world.store.index.get(row.id) for row in rows] == rows
            changed = world.store.index.changed_since(0.0, 1000)
            assert sorted(row.id for row in changed) == sorted(self.expected)
            assert world.store.index.by_prefix("a", 50) == sorted(id for id in self.expected if id[0] == "a")
            seen.append((rows, changed))
        assert seen[0] == seen[1]


def pages(store: Store, query: RunQuery, limit: int, cursor: str | None = None) -> list[IndexRow]:
    """The rows of all pages."""
    rows: list[IndexRow] = []
    while True:
        page = store.index.find(query, cursor, limit)
        assert len(page.rows) <= limit
        rows += page.rows
        cursor = page.next
        if cursor is None:
            return rows


@pytest.fixture(params=OTHERS)
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path_factory.mktemp("store")) as store:
        yield store


def test_the_index_says_what_a_dictionary_says(other: Store) -> None:
    run_state_machine_as_test(
        lambda: Runs(other),
        settings=settings(
            max_examples=examples(3, 60),
            stateful_step_count=examples(12, 30),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
