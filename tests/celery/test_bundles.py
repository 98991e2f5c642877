"""Short tasks travel together; to everything else each of them is what it would be alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core.celery.settings import AdapterSettings
from selinon_core.celery.stores.protocol import RUN, Begun
from selinon_core.celery.transport.batching import (
    MOST_BYTES,
    UNKNOWN_FROM,
    UNKNOWN_TOGETHER,
    DurationEstimates,
    MessageBatch,
    MessageBatcher,
)
from selinon_core.celery.transport.message_schema import NodeMessage, read_nodes
from selinon_core.celery.transport.publisher import DISPATCHER, ENVELOPE, OutgoingMessage
from selinon_core.errors import FlowError, MessageRefused
from selinon_core.project import compile_data
from tests.celery.workers import Site, site, wait_until

_PROJECT = compile_data(
    {
        "tasks": [
            {"name": "Short", "import": "tasks"},
            {"name": "Long", "import": "tasks"},
            {"name": "Unknown", "import": "tasks"},
        ],
        "flow-definitions": [{"name": "f", "edges": [{"from": None, "to": ["Short", "Long", "Unknown"]}]}],
    }
)
assert _PROJECT.plan is not None
PLAN = _PROJECT.plan


def bundler(**settings: Any) -> MessageBatcher:
    pace = DurationEstimates()
    for _ in range(9):
        pace.note(PLAN.tasks["Short"].function, 0.001)
        pace.note(PLAN.tasks["Long"].function, 0.2)
    return MessageBatcher(PLAN, pace, AdapterSettings(**settings))


def letter(number: int, task: str = "Short", queue: str = "q", run: str = "r", **more: Any) -> OutgoingMessage:
    limit = more.pop("limit", None)
    kwargs = {"flow": "f", "id": run, "number": number, "task": task, **more}
    return OutgoingMessage(queue, ENVELOPE, f"selinon.task.{task}", f"id{number}", run, kwargs, limit)


def numbers(letters: list[OutgoingMessage]) -> list[int]:
    """The node runs asked for, as a receiver reads them."""
    return [m.number for each in letters for m in read_nodes({"v": 1, **each.kwargs}, 1 << 20)]


def test_short_tasks_travel_together_and_others_alone() -> None:
    letters = [letter(1), letter(2, "Long"), letter(3), letter(4, "Unknown"), letter(5, limit=9.0), letter(6)]
    packed = bundler().batched(letters)
    assert sorted(sorted(numbers([each])) for each in packed) == [[1, 3, 6], [2], [4], [5]]


def test_a_bundle_is_no_more_work_than_allowed() -> None:
    packed = bundler(selinon_batch_seconds=0.0152).batched([letter(n) for n in range(1, 31)])
    assert [len(numbers([each])) for each in packed] == [10, 10, 10]
    assert len(bundler(selinon_batch_count=7).batched([letter(n) for n in range(1, 15)])) == 2
    assert len(bundler(selinon_batch_count=1).batched([letter(n) for n in range(1, 15)])) == 14


def test_very_many_unknown_tasks_share_messages_too() -> None:
    few = [letter(n, "Unknown") for n in range(1, UNKNOWN_FROM)]
    assert bundler().batched(few) == few
    many = [*few, letter(UNKNOWN_FROM, "Unknown"), letter(UNKNOWN_FROM + 1, "Long")]
    sizes = Counter(len(numbers([each])) for each in bundler().batched(many))
    assert sizes == {UNKNOWN_TOGETHER: UNKNOWN_FROM // UNKNOWN_TOGETHER, 1: 1}
    limited = [letter(n, "Unknown", limit=9.0) for n in range(1, 2 * UNKNOWN_FROM)]
    assert bundler().batched(limited) == limited
    assert len(bundler(selinon_batch_count=1).batched(many)) == len(many)


def test_flow_runs_queues_and_large_arguments_are_kept_apart() -> None:
    packed = bundler().batched([letter(1), letter(2, queue="other"), letter(3, run="s"), letter(4)])
    assert sorted(numbers([each]) for each in packed) == [[1, 4], [2], [3]]
    large = letter(5, args="x" * MOST_BYTES)
    assert numbers(bundler().batched([large, letter(6), letter(7)])) == [5, 6, 7]


def test_what_is_no_task_is_left_alone() -> None:
    start = OutgoingMessage(
        "q", DISPATCHER, "selinon.flow.f", "x", "r", {"action": "start", "flow": "f", "id": "x"}
    )
    assert bundler().batched([start, start]) == [start, start]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Short", "Short", "Long", "Unknown"]),
            st.sampled_from(["q", "p"]),
            st.sampled_from([None, {"k": 1}, "y" * 3000, "z" * 9000]),
        ),
        max_size=90,
    )
)
def test_nothing_is_lost_or_said_twice(rows: list[tuple[str, str, Any]]) -> None:
    letters = [letter(n, task, queue, args=args) for n, (task, queue, args) in enumerate(rows, 1)]
    packed = bundler().batched(letters)
    asked = [m for each in packed for m in read_nodes({"v": 1, **each.kwargs}, 1 << 20)]
    assert sorted(m.number for m in asked) == list(range(1, len(rows) + 1))
    for message in asked:
        task, _, args = rows[message.number - 1]
        assert (message.flow, message.id, message.task, message.args) == ("f", "r", task, args)
    queue_of = {m.number: each.queue for each in packed for m in read_nodes({"v": 1, **each.kwargs}, 1 << 20)}
    assert all(queue_of[n] == queue for n, (_, queue, _) in enumerate(rows, 1))


def test_an_estimate_rises_at_once_and_falls_slowly() -> None:
    pace, function = DurationEstimates(), PLAN.tasks["Short"].function
    assert pace.expected(function) is None
    pace.note(function, 0.001)
    pace.note(function, 2.0)
    assert pace.expected(function) == 2.0
    pace.note(function, 0.001)
    assert 1.0 < (pace.expected(function) or 0) < 2.0


@pytest.mark.parametrize(
    "nodes", [[], {}, "x", [1], [{"number": 1}], [{"number": 1, "task": "A"}, {"number": 0, "task": "A"}]]
)
def test_a_strange_bundle_is_refused(nodes: Any) -> None:
    with pytest.raises(MessageRefused):
        read_nodes({"v": 1, "flow": "f", "id": "x", "nodes": nodes}, 1 << 20)


def message(number: int) -> NodeMessage:
    return NodeMessage("f", "r", number, "Short", None, {}, {}, {}, 0, False)


def test_what_was_given_away_is_not_taken() -> None:
    given: list[int] = []

    def give(messages: Any) -> bool:
        given.extend(m.number for m in messages)
        return len(given) > 2  # the broker is away at first

    bundle = MessageBatch([message(n) for n in (1, 2, 3)], give, give, {})
    assert bundle.take() == message(1)
    bundle.hand_back()
    assert given == [2, 3]
    bundle.hand_back()
    assert given == [2, 3, 2, 3]
    assert bundle.take() is None


def test_ends_that_were_kept_early_are_not_kept_again() -> None:
    kept: list[list[int]] = []

    def keep(messages: Any) -> bool:
        kept.append([m.number for m in messages])
        return len(kept) > 1  # the store is away at first

    batch = MessageBatch([message(n) for n in (1, 2, 3)], keep, keep, {})
    batch.keep_early()
    batch.succeeded(message(1))
    batch.keep_early()
    batch.succeeded(message(2))
    batch.keep_early()
    assert kept == [[1], [1, 2]]
    batch.succeeded(message(3))
    assert batch.take_succeeded() == [message(3)]
    batch.keep_early()
    assert kept == [[1], [1, 2]]


@pytest.mark.parametrize(
    ("count", "seconds", "ran"),
    [(8, 0.03, 8), (8, 0.04, 1), (32, 0.001, 32), (32, 0.01, 4), (2, 0.2, 2)],
)
def test_a_batch_that_would_take_long_is_handed_back(count: int, seconds: float, ran: int) -> None:
    now, given = [0.0], []
    rows = [message(n) for n in range(1, count + 1)]

    def give(messages: Any) -> bool:
        given.extend(messages)
        return True

    batch = MessageBatch(rows, give, give, {}, lambda: now[0])
    taken = 0
    while batch.take() is not None:
        taken += 1
        now[0] += seconds
        batch.hand_back_if_slow()
    assert taken == ran
    assert given == rows[ran:]


def test_of_several_messages_of_a_node_run_in_a_batch_one_has_the_claim() -> None:
    newest = message(1)._replace(delivery=1)
    batch = MessageBatch([message(1), newest], bool, bool, {(1, 1): Begun(RUN)})
    assert [batch.claim_of(each) for each in (message(1), newest, newest)] == [None, Begun(RUN), None]


# -- on real workers ----------------------------------------------------------------------------------------------

TASKS = """
import os, signal, time
from pathlib import Path
from selinon_core import SelinonTask

RAN = Path(__file__).parent / "ran.txt"

class Work(SelinonTask):
    def run(self, node_args):
        if self.task_name == "N7":
            {"waits": self.wait, "kills": self.kill}.get(node_args, lambda: None)()
        if node_args == "slow":
            time.sleep(0.04)
        with RAN.open("a") as out:
            out.write(f"{node_args} {self.task_name}\\n")

    def wait(self):
        until = time.monotonic() + 60
        while RAN.read_text().count("waits ") < 19:
            assert time.monotonic() < until, "the others waited for this one"
            time.sleep(0.01)

    def kill(self):
        os.kill(os.getpid(), signal.SIGKILL)
"""


def fanned(place: Site, width: int = 20) -> None:
    names = [f"N{number}" for number in range(width)]
    tasks = "\n".join(f"  - {{name: {n}, import: tasks_{place.name}, classname: Work}}" for n in names)
    flow = f"flow-definitions:\n  - {{name: main, edges: [{{from: , to: [{', '.join(names)}]}}]}}"
    place.write(f"tasks:\n{tasks}\n{flow}\n", TASKS)


@pytest.mark.service("redis")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("broker", ["redis", pytest.param("amqp", marks=pytest.mark.service("amqp"))])
@pytest.mark.parametrize("deliveries", [2, 3])
def test_a_task_that_takes_long_or_kills_holds_up_none_of_its_bundle(
    broker: str, deliveries: int, tmp_path: Path
) -> None:
    """One of twenty waits until all others have run, then one kills every process it gets into.

    Where three deliveries are allowed what is in a bundle begins and ends in one step.
    """
    with site(tmp_path, broker, selinon_max_deliveries=deliveries, selinon_resend_after=600) as place:
        fanned(place)
        place.start("-c", "2")
        for _ in range(4):  # until both processes know that these are short
            assert place.selinon.run_flow("main", "warm").wait(60) == "success", place.logs()
        assert place.logs().count("] received") < 4 * 19, "bundles were sent"
        assert place.selinon.run_flow("main", "waits").wait(90) == "success", place.logs()
        with pytest.raises(FlowError) as raised:
            place.selinon.run_flow("main", "kills").result(90)
        assert list(raised.value.state["failed_nodes"]) == ["N7"]
        wait_until(lambda: sum(line.startswith("kills") for line in place.ran()) >= 19, told=place.logs)
        ran = Counter(place.ran())
        assert {line for line in ran if line.startswith("kills")} == {f"kills N{n}" for n in range(20) if n != 7}


@pytest.mark.service("redis")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("args", ["short", "slow"])
def test_the_first_wide_fan_of_a_fresh_worker(args: str, tmp_path: Path) -> None:
    """No process has run the task before. A few share a message; if they are not short, all but one leave it."""
    width = UNKNOWN_FROM + 40
    with site(tmp_path) as place:
        fanned(place, width)
        place.start("-c", "2")
        assert place.selinon.run_flow("main", args).wait(90) == "success", place.logs()
        received = place.logs().count("] received")
        assert Counter(place.ran()) == {f"{args} N{n}": 1 for n in range(width)}
        if args == "short":
            assert received < width / 4
        else:
            assert received > width / 2
