"""Several starts in one message: each flow run has the outcome, the guarantees and the log that it has alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from selinon_core.celery.execution.log_codec import decode_batch
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.celery.stores.protocol import Commit, Committed
from selinon_core.celery.surroundings import Thread
from selinon_core.celery.transport.message_schema import RETRY_FORMAT, STARTS_FORMAT
from selinon_core.celery.transport.publisher import DISPATCHER, ENVELOPE, OutgoingMessage
from selinon_core.celery.transport.start_batch import START_HEADER, joined, read_starts, starts_in
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import decode_event
from selinon_core.errors import FormatSkew, MessageRefused, StateStoreError
from selinon_core.plan import Plan
from selinon_core.project import compile_data
from selinon_core.runtime.ids import id_maker
from selinon_core.simulating.faults import Crash
from selinon_core.simulating.world import World, _NoThread

#: What a task does when it runs, and which ones ran: (flow run, task).
_EFFECTS: list[Callable[[str, str], None]] = []
_RAN: list[tuple[str, str]] = []


class Step:
    """A task that notes that it ran."""

    def __init__(self, **names: Any) -> None:
        self._run, self._name = names["dispatcher_id"], names["task_name"]

    def run(self, node_args: Any) -> None:
        """Note it, and do what the test wants."""
        _RAN.append((self._run, self._name))
        for effect in _EFFECTS:
            effect(self._run, self._name)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    _EFFECTS.clear()
    _RAN.clear()
    yield
    _EFFECTS.clear()
    _RAN.clear()


def plan_of(**flow: Any) -> Plan:
    edges = [{"from": None, "to": "A"}, {"from": "A", "to": "B"}, {"from": "B", "to": "C"}]
    tasks = [{"name": name, "import": __name__, "classname": "Step", "max_retry": 0} for name in "ABCX"]
    project = compile_data(
        {"tasks": tasks, "flow-definitions": [{"name": "main", "edges": edges, **flow}]},
    )
    assert project.plan is not None, list(project.diagnostics)
    return project.plan


def world_of(plan: Plan | None = None, **options: Any) -> World:
    """A world whose workers have seen how long the tasks take."""
    world = World(plan or plan_of(), **{"workers": 1, "together": 10, **options})
    for services in world.workers:
        for task in world.plans[0].tasks.values():
            services.durations.note(task.function, 0.0)
    return world


class Requests(MemoryStore):
    """A store that counts requests for commits, and how many runs each is for."""

    def __init__(self) -> None:
        super().__init__()
        self.commits: list[int] = []
        self.before_commits: Callable[[Sequence[Commit]], None] = lambda steps: None

    def commit(self, step: Commit) -> Committed:
        self.commits.append(1)
        return super().commit(step)

    def commit_all(self, steps: Sequence[Commit]) -> Sequence[Committed | Exception]:
        self.commits.append(len(steps))
        self.before_commits(steps)
        return [super(Requests, self).commit(step) for step in steps]


class Killed(Crash, KeyboardInterrupt):
    """The process dies, and no attempt of a task can do anything about it."""


def log_of(world: World, id: str) -> list[on.Event]:
    found = world.store.read(id)
    assert found is not None
    return [decode_event(event) for batch in found[1] for event in decode_batch(batch).events]


def ended(world: World, id: str) -> list[int]:
    """The node runs whose ends are in the log, in its order."""
    return [event.number for event in log_of(world, id) if isinstance(event, on.NodeSucceeded | on.NodeFailed)]


def test_runs_that_are_asked_for_together_share_their_requests() -> None:
    store = Requests()
    world = world_of(store=store, parts={})
    world.workers[0].store._inner = store
    world.workers[0].store.commit_all = store.commit_all  # not one by one, as where workers may die
    ids = [world.start("main") for _ in range(10)]
    world.work()
    assert store.commits == [10] * 5  # the starts, the ends of A, B and C, and that the results were written
    assert {world.results[id][0] for id in ids} == {"success"}
    assert Counter(_RAN) == Counter((id, name) for id in ids for name in "ABC")
    assert [message for message in world.broker.sent if message.celery_task == ENVELOPE] == []
    alone = world.start("main")
    world.work()
    assert [type(event) for event in log_of(world, ids[4])] == [type(event) for event in log_of(world, alone)]


def test_tasks_of_unknown_length_get_messages_of_their_own() -> None:
    world = World(plan_of(), workers=1, together=10)
    ids = [world.start("main") for _ in range(10)]
    world.work_some(1)
    sent = [message.kwargs["task"] for message in world.broker.sent if message.celery_task == ENVELOPE]
    assert sent == ["A"] * 10
    world.work()
    assert {world.results[id][0] for id in ids} == {"success"}


def test_a_round_holds_so_much_work() -> None:
    world = world_of(selinon_batch_seconds=0.02)
    world.workers[0].durations.note(world.plans[0].tasks["A"].function, 0.006)
    ids = [world.start("main") for _ in range(10)]
    world.work_some(1)
    sent = [message.kwargs["task"] for message in world.broker.sent if message.celery_task == ENVELOPE]
    assert sent.count("A") == 7
    world.work()
    assert {world.results[id][0] for id in ids} == {"success"}


@pytest.mark.parametrize("seed", range(25))
def test_whatever_dies_comes_late_or_comes_twice_each_run_ends_once(seed: int) -> None:
    world = world_of(
        plan_of(failures=[{"nodes": ["B"], "fallback": ["X"]}]),
        seed=seed,
        workers=3,
        shuffle=True,
        crash=0.04,
        duplicate=0.1,
        together=4,
    )

    def fails(id: str, name: str) -> None:
        if name == "B" and id in failing:
            raise ValueError("B fails")

    _EFFECTS.append(fails)
    ids = [world.start("main") for _ in range(12)]
    failing = set(ids[::5])
    world.work()
    assert world.refused == []
    for id in ids:
        status, state = world.results[id]
        names = {"A", "X"} if id in failing else {"A", "B", "C"}
        assert (status, set(state["finished_nodes"])) == ("success", names)
        assert ended(world, id) == [1, 2, 3]
    assert list(world.store.left_over()) == []


def test_a_task_that_kills_its_worker_is_stopped_and_takes_no_other_run_along() -> None:
    world = world_of(selinon_max_deliveries=3)
    ids = [world.start("main") for _ in range(6)]

    def kill(id: str, name: str) -> None:
        if (id, name) == (ids[2], "B"):
            raise Killed

    _EFFECTS.append(kill)
    world.work()
    assert {id: world.results[id][0] for id in ids} == {id: "failure" if id == ids[2] else "success" for id in ids}
    counts = Counter(_RAN)
    assert counts[ids[2], "B"] == 3
    assert all(counts[id, name] <= 2 for id in ids if id != ids[2] for name in "ABC")
    error = world.store.error(id_maker(ids[2])(2))
    assert error is not None
    assert "WorkerKilled" in error


def test_a_start_that_cannot_be_handled_is_left_to_itself() -> None:
    world = world_of()
    ids = [world.start("main") for _ in range(5)]
    own_header = world.workers[0].executor._parts.loader.new

    def fails(id: str, header: Any) -> Any:
        if id == ids[1]:
            raise RuntimeError("a fault of ours")
        return own_header(id, header)

    world.workers[0].executor._parts.loader.new = fails  # type: ignore[method-assign]
    world.work_some(1)
    assert [id for id, _ in world.refused] == [ids[1]]
    assert set(world.results) == set(ids) - {ids[1]}
    (text, again), *others = world.broker.queue
    assert others == []
    _, kwargs, headers = json.loads(text)
    assert (kwargs["id"], again, START_HEADER in headers) == (ids[1], False, False)


def test_one_for_newer_workers_and_one_that_is_no_start_stop_no_other() -> None:
    world = world_of()
    starts = [{"v": 1, "action": "start", "flow": "main", "id": f"run-{n}"} for n in range(5)]
    starts[1]["v"] = 99
    starts[2]["flow"] = "gone"
    starts[3]["parent"] = "not a mapping"
    world.handle(world.workers[0], DISPATCHER, joined((start, None) for start in starts), {}, False)
    assert set(world.results) == {"run-0", "run-4"}
    assert [id for id, _ in world.refused] == ["run-3"]
    assert [message.kwargs["id"] for message in world.broker.sent if message.celery_task == DISPATCHER] == [
        "run-1",
        "run-2",
    ]


def test_a_message_that_comes_again_is_taken_apart() -> None:
    world = world_of()
    starts = [({"v": 1, "action": "start", "flow": "main", "id": f"run-{n}"}, "00-trace") for n in range(3)]
    world.handle(world.workers[0], DISPATCHER, joined(starts), {}, True)
    assert _RAN == []
    assert [message.headers for message in world.broker.sent] == [{"traceparent": "00-trace", "retries": 1}] * 3
    world.work()
    assert sorted(world.results) == ["run-0", "run-1", "run-2"]


def test_copies_of_a_start_are_one_run() -> None:
    world = world_of()
    start = {"v": 1, "action": "start", "flow": "main", "id": "run"}
    world.handle(world.workers[0], DISPATCHER, joined([(start, None), (start, None)]), {}, False)
    assert Counter(_RAN) == Counter(("run", name) for name in "ABC")
    world.handle(world.workers[0], DISPATCHER, joined([(start, None), (start, None)]), {}, False)
    world.work()
    assert len(_RAN) == 3


@pytest.mark.parametrize("kept", [0, 3, 5])
@pytest.mark.parametrize("request_number", [0, 1, 2])
def test_a_store_that_goes_away_is_asked_again(kept: int, request_number: int) -> None:
    """Some steps of a request were kept, and the answer was lost."""
    store = Requests()
    world = world_of(store=store, selinon_store_retry_timeout=5.0)

    class Away:
        commit_all_calls = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def commit_all(self, steps: Sequence[Commit]) -> Sequence[Committed | Exception]:
            self.commit_all_calls += 1
            if self.commit_all_calls != request_number + 1:
                return store.commit_all(steps)
            store.commit_all(steps[:kept])
            return [StateStoreError("away")] * len(steps)

    away: Any = Away()
    services = world.workers[0]
    services.store = away
    services.executor._parts.steps._store = away
    ids = [world.start("main") for _ in range(5)]
    world.work()
    assert {world.results[id][0] for id in ids} == {"success"}
    assert [ended(world, id) for id in ids] == [[1, 2, 3]] * 5
    assert world.refused == []


def test_a_run_that_is_cancelled_meanwhile_starts_nothing_more() -> None:
    world = world_of()
    ids = [world.start("main") for _ in range(4)]

    def cancel(id: str, name: str) -> None:
        if (id, name) == (ids[3], "A"):
            world.workers[0].executor.cancel(ids[1], "main")

    _EFFECTS.append(cancel)
    world.work()
    assert [name for id, name in _RAN if id == ids[1]] == ["A"]
    header = world.store.header(ids[1])
    assert header is not None
    assert header["status"] == "cancelled"
    assert {world.results[id][0] for id in ids if id != ids[1]} == {"success"}


class Watched(World):
    """A world whose watchdog gets its turn when a test wants it."""

    watch: Callable[[], None] | None = None
    looks = 0

    def _start_thread(self, name: str, run: Callable[[], None]) -> Thread:
        self.watch = run
        return _NoThread()

    def look(self) -> None:
        self.looks = 0
        try:
            assert self.watch is not None
            self.watch()
        except TimeoutError:
            pass

    def _sleep(self, seconds: float) -> None:
        self.looks += 1
        if self.looks > 1:
            raise TimeoutError


def test_runs_behind_a_task_that_takes_long_are_handed_to_others() -> None:
    world = Watched(plan_of(), workers=1, together=10)
    world.workers[0].durations.note(world.plans[0].tasks["A"].function, 0.0)
    ids = [world.start("main") for _ in range(5)]

    def hang(id: str, name: str) -> None:
        if (id, name) == (ids[1], "B"):
            world.now += 1.0
            world.look()
            seen.extend(json.loads(text)[1]["id"] for text, _ in world.broker.queue)
            _EFFECTS.clear()

    seen: list[str] = []
    _EFFECTS.append(hang)
    world.work()
    assert {ids[2], ids[3], ids[4]} <= set(seen)  # their B waits for its turn
    assert {world.results[id][0] for id in ids} == {"success"}
    assert Counter(_RAN) == Counter((id, name) for id in ids for name in "ABC")  # none was begun twice


@pytest.mark.parametrize("seed", range(5))
def test_runs_that_failed_together_go_on_one_by_one(seed: int) -> None:
    world = world_of(workers=2, seed=seed, shuffle=True, crash=0.02, duplicate=0.1)
    ids = [world.start("main") for _ in range(6)]
    broken = set(ids[::2])

    def fail(id: str, name: str) -> None:
        if id in broken and name == "B":
            raise ValueError(id)

    _EFFECTS.append(fail)
    world.work()
    assert {id for id in ids if world.results[id][0] == "failure"} == broken
    _EFFECTS.clear()
    for id in broken:
        world.retry("main", id)
    others = [world.start("main") for _ in range(6)]  # they share messages while runs go on
    world.work()
    assert {world.results[id][0] for id in (*ids, *others)} == {"success"}
    for id in ids:
        assert ended(world, id) == ([1, 2, 2, 3] if id in broken else [1, 2, 3])


def test_the_format() -> None:
    start = {"v": 1, "action": "start", "flow": "main", "id": "run"}
    batch = joined([(start, "trace"), ({**start, "id": "other"}, None)])
    assert batch["v"] == STARTS_FORMAT
    assert [each.message.id for each in read_starts(batch, 1000) if not isinstance(each.message, Exception)] == [
        "run",
        "other",
    ]
    assert [each["id"] for each in starts_in(batch)] == ["run", "other"]
    assert [each["id"] for each in starts_in(start)] == ["run"]
    assert starts_in({**start, "action": "wake"}) == starts_in("text") == []
    for starts in (None, [], "text", [1]):
        with pytest.raises(MessageRefused, match="not a list of starts"):
            read_starts({**batch, "starts": starts}, 1000)
    (large, newer, called) = read_starts(
        joined(
            [
                ({**start, "args": "x" * 2000}, None),
                ({**start, "v": 77}, None),
                ({**start, "caller": ["a", 1, "main"]}, None),
            ]
        ),
        1000,
    )
    assert isinstance(large.message, MessageRefused)
    assert isinstance(newer.message, FormatSkew)
    assert isinstance(called.message, MessageRefused)


def test_older_workers_leave_such_a_message_to_newer_ones() -> None:
    """They know formats up to 3, and put back what has a larger number."""
    message = OutgoingMessage("q", DISPATCHER, "shown", "id", "id", joined([]))
    assert message.kwargs["v"] > RETRY_FORMAT == 3
