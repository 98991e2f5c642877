"""The trace of a local run: every event that can occur, its details, and the sinks that get it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from selinon_core import progress
from selinon_core.cache import Cache
from selinon_core.errors import CacheMissError
from selinon_core.local import LocalExecutor, LocalRun, Mocks
from selinon_core.plan import Plan
from selinon_core.runtime.trace.events import EVENT_KINDS, EVENTS
from tests.local.trying import HERE, behaviours, build, each, failing, holding, node, play, told

FLOW = {"flow_name", "dispatcher_id"}
#: Events that only workers emit, or nothing.
ELSEWHERE = {
    "DISPATCHER_WAKEUP",
    "RESULT_BACKEND_ISSUE",
    "START_CONFLICT",
    "RUN_RETRIED",
    "RUN_RERUN",  # tests/rerunning
    "RETRY_REFUSED",
    "MESSAGE_PARKED",
    "RUN_PAUSED",
    "RUN_RESUMED",
    "RUN_QUEUED",  # test_local_limits, too
    "LIMIT_CANCEL",  # the same
    "LIMIT_WAIT",  # test_local_task_limits, too
    "START_EXPIRED",
}
ELSEWHERE |= {event for event in EVENTS if event.startswith(("NODE_STATE_CACHE_", "MIGRATION", "SCHEDULE_"))}
#: Events about deleting are emitted when user functions delete, NODE_UNREACHED when asked for.
ELSEWHERE |= {"SIGNAL", "SIGNAL_REFUSED"}  # test_local_waits
LOCAL = set(EVENTS) - ELSEWHERE


class OneItem(Cache):
    """A cache that breaks on the item it should remember second."""

    def __init__(self) -> None:
        self.items: dict[str, Any] = {}

    def add(self, item_id: str, item: Any, task_name: str | None = None, flow_name: str | None = None) -> None:
        if self.items:
            raise RuntimeError("full")
        self.items[item_id] = item

    def get(self, item_id: str, task_name: str | None = None, flow_name: str | None = None) -> Any:
        try:
            return self.items[item_id]
        except KeyError:
            raise CacheMissError(item_id) from None


@pytest.fixture(scope="module")
def eventful() -> list[LocalRun]:
    """Runs in which everything happens that can happen."""
    big = build(
        {
            "f": {
                "edges": [
                    "-> A Retried Timed",
                    ("A -> B", holding()),
                    ("A -> C", {"condition": {"not": {"name": "holds"}}}),
                    ("B -> D", each(True)),
                    "B -> g",
                ],
                "failures": [
                    ("Timed -> Fixed", {"condition": {"name": "allows"}}),
                    ("Timed -> Never", {"condition": {"not": {"name": "allows"}}}),
                ],
                "max_retry": 1,
            },
            "g": ["-> Loose"],
        },
        {
            "Retried": {"max_retry": 1},
            "Timed": {"timeout": 5},
            "Loose": {"storage": None},
            "D": {"storage": "E"},
        },
        {
            "S": {"classname": "Remembering", "cache": {"name": "OneItem", "import": __name__}},
            "E": {"classname": "StoringErrors"},
        },
    )
    does = {
        "A": lambda task, args: progress(1, 2, "halves") or {"n": 1},
        "B": lambda task, args: task.parent_task_result("A"),
        "Retried": failing(1),
        "Loose": lambda task, args: "lost",
        "D": failing(1),
        "holds": lambda message, args: True,
        "allows": lambda args: True,
        "items": lambda pool, args: [pool.get("B"), 2],
        "store_error": lambda *told: None,
    }
    mocks = Mocks.from_mapping({"Timed": {"after": 60}})
    runs = [play(big, {"x": 1}, does, storage="real", mocks=mocks)]

    def unreadable(*address: str) -> None:
        raise OSError("away")

    conditional = build({"f": ["-> A", ("A -> B", holding())]})
    runs.append(play(conditional, does={"retrieve": unreadable, "holds": None}, storage="real"))
    refusing = build({"f": ["-> A", ("A -> B", holding())]})
    runs.append(play(refusing, does={"holds": lambda message, args: False}))
    eager = build({"f": {"edges": ["-> A g"], "eager_failures": "A"}, "g": ["-> B"]})
    runs.append(play(eager, does={"A": failing(9)}))
    late = build({"f": {"edges": ["-> g"], "timeout": 1}, "g": ["-> A"]})
    runs.append(play(late, mocks=Mocks.from_mapping({"A": {"after": 5}})))
    runs.append(play(build({"f": [("-> A", {"args": {"n": "${args.n}"}})]}), {"n": 1}))
    chosen = build(
        {"f": ["-> A", "A -> B X", "A -> Y"]},
        {"A": {"selective_run_function": {"name": "reuse", "import": HERE}}},
    )
    behaviours.clear()
    behaviours["reuse"] = lambda *arguments: "earlier"
    runs.append(LocalExecutor(chosen).run_selective("f", ["B"]))
    return runs


def lines(runs: list[LocalRun]) -> list[dict[str, Any]]:
    return [line for run in runs for line in run.trace()]


@pytest.mark.parametrize("event", sorted(LOCAL - {"NODE_UNREACHED", "STORAGE_DELETE", "STORAGE_DELETED"}))
def test_the_event_occurs_and_has_the_fields_that_are_documented(eventful: list[LocalRun], event: str) -> None:
    found = [line for line in lines(eventful) if line["event"] == event]
    assert found, f"{event} did not occur"
    fields = EVENT_KINDS[event].fields
    for line in found:
        assert set(line) >= {*fields, "time"}, line
        missing = [key for key in {*fields} & FLOW if line.get(key) is None]
        assert not missing, line


def test_retries_are_counted_and_queues_have_their_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", "here")
    plan = build({"f": ["-> A"]}, {"A": {"max_retry": 2, "queue": "{WHERE}_a_{NOT_SET_ANYWHERE}"}})
    told = [e for e in play(plan, does={"A": failing(9)}).trace() if e["event"] in ("TASK_RETRY", "TASK_FAILURE")]
    assert [event["retried_count"] for event in told] == [1, 2, 2]
    assert {event["queue"] for event in told} == {"here_a_{NOT_SET_ANYWHERE}"}


def test_no_other_event_occurs(eventful: list[LocalRun]) -> None:
    assert {line["event"] for line in lines(eventful)} <= LOCAL


def test_times_never_go_back(eventful: list[LocalRun]) -> None:
    for run in eventful:
        times = [event.time for event in run.events]
        assert times == sorted(times)


def test_a_condition_tells_the_value_of_every_leaf() -> None:
    condition = {"or": [{"name": "alwaysFalse"}, {"name": "holds", "node": "A"}, {"name": "alwaysTrue"}]}
    plan = build({"f": ["-> A", ("A -> B", {"condition": condition})]})
    run = play(plan, does={"holds": lambda message, args: True})
    (event,) = told(run, "EDGE_COND_TRUE")
    values = [(leaf["name"], leaf["value"]) for leaf in event["condition"]["or"]]
    assert values == [("alwaysFalse", False), ("holds", True), ("alwaysTrue", None)]
    assert "holds" in event["condition_str"]
    assert event["parent"] == {"A": node(run, "A")["id"]}


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


def circular() -> Any:
    value: list[Any] = []
    value.append([value, value])
    return value


ODD_RESULTS = [
    {1, 2, "x"},
    {"e": ValueError("no")},
    Odd(),
    {Odd(): 1},
    b"bytes",
    float("nan"),
    {"deep": [float("inf")]},
    circular(),
    10**6000,
    "\ud800",
    {("a", 1): "tuple as a key"},
    object(),
    (i for i in range(3)),
    type("Looks", (dict,), {"items": lambda self: 1 / 0})(),
]


@pytest.mark.parametrize("result", ODD_RESULTS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("options", [{}, {"concurrency": 2}, {"storage": "real"}], ids=str)
def test_report_and_trace_hold_any_result(result: Any, options: dict[str, Any]) -> None:
    plan = build({"f": ["-> A", "A -> B"]}, {"A": {"storage": None}})
    run = play(plan, does={"A": lambda task, args: result, "B": lambda task, args: 1}, **options)
    assert run.status == "success"
    text = json.dumps([run.report(), list(run.trace())], allow_nan=False)
    assert " at 0x" not in text


class TestSinks:
    def run(self, *sinks: Any, sink: Any = None, **options: Any) -> LocalRun:
        plan = build({"f": ["-> A", ("A -> B", holding())]}, trace=list(sinks))
        does = {
            "sink": sink,
            "traced": sink,
            "holds": lambda message, args: True,
            "A": lambda task, args: {"x": [1]},
        }
        return play(plan, {"a": [1]}, does, **options)

    FUNCTION = {"function": {"import": HERE, "name": "sink"}}
    STORAGE = {"storage": {"name": "S"}}

    @pytest.mark.parametrize("concurrency", [1, 4])
    @pytest.mark.parametrize("entry", [FUNCTION, STORAGE], ids=["function", "storage"])
    def test_sinks_of_the_user_hear_what_the_trace_tells(self, entry: Any, concurrency: int) -> None:
        heard: list[Any] = []
        run = self.run(entry, sink=lambda *told: heard.append(told), storage="real", concurrency=concurrency)
        lines = list(run.trace())
        if entry is self.STORAGE:  # it cannot hear how itself is connected
            lines = [line for line in lines if line["event"] not in ("STORAGE_CONNECT", "STORAGE_DISCONNECT")]
        assert [event for event, _ in heard] == [line["event"] for line in lines]
        for (_, report), line in zip(heard, lines, strict=True):
            assert report == {key: value for key, value in line.items() if key not in ("event", "time")}

    def test_every_sink_may_do_what_it_likes_with_its_report(self) -> None:
        seen: list[str] = []

        def spoil(event: str, report: dict[str, Any]) -> None:
            seen.append(json.dumps(report))
            for value in report.values():
                if isinstance(value, dict):
                    value.clear()
            report.clear()

        run = self.run(self.FUNCTION, self.FUNCTION, sink=spoil)
        assert seen[::2] == seen[1::2]
        assert node(run, "A")["node_args"] == node(run, "B")["node_args"] == {"a": [1]}

    @pytest.mark.parametrize("error", [RuntimeError("sink on fire"), SystemExit("sink on fire")])
    def test_a_broken_sink_disturbs_no_run_and_is_reported_once(
        self, caplog: pytest.LogCaptureFixture, error: BaseException
    ) -> None:
        calls: list[str] = []

        def broken(event: str, report: dict[str, Any]) -> None:
            calls.append(event)
            raise error

        run = self.run(self.FUNCTION, sink=broken)
        assert run.status == "success"
        assert calls == [event.event for event in run.events]
        assert len([record for record in caplog.records if "failed on" in record.message]) == 1

    def test_logging_warns_of_what_should_be_looked_at(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "selinon.trace")
        plan = build({"f": ["-> A"]}, {"A": {"storage": None}}, trace=[{"logging": True}])
        play(plan, does={"A": failing(1)})
        levels = {}
        for record in caplog.records:
            line = json.loads(record.getMessage().partition(" : ")[2])
            levels[line["event"]] = record.levelname
            assert line["details"]["flow_name"] == "f"
        assert levels["FLOW_START"] == "INFO"
        assert levels["TASK_FAILURE"] == levels["FLOW_FAILURE"] == "WARNING"

    def test_json_prints_one_object_a_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        plan = build({"f": ["-> A"]}, trace=[{"json": True}])
        run = play(plan, does={"A": failing(1)})
        out, err = capsys.readouterr()
        events = [json.loads(line)["event"] for line in (out + err).splitlines()]
        assert sorted(events) == sorted(event.event for event in run.events)
        assert "TASK_FAILURE" in err
        assert "TASK_FAILURE" not in out

    def test_a_stand_in_is_not_asked_to_trace(self, caplog: pytest.LogCaptureFixture) -> None:
        assert self.run(self.STORAGE).status == "success"
        assert not caplog.records

    def test_mocked_runs_leave_sentry_alone(self) -> None:
        assert self.run({"sentry": {"dsn": "{NOT_SET_ANYWHERE}"}}).status == "success"

    def test_without_sinks_the_events_are_the_same(self) -> None:
        with_sink = self.run(self.FUNCTION, sink=lambda *told: None)
        assert list(with_sink.trace()) == list(self.run().trace())


@pytest.mark.parametrize("setting", ["ignore", "warn", "fail"])
def test_unreached_nodes_are_told_ignored_or_a_failure(setting: str) -> None:
    plan = build({"f": ["-> A", "A -> B"]}, {"C": {}, "D": {}}, on_unreached=setting)
    flow = plan.flows["f"]
    # Lint refuses this join; a plan that is older than the rule, or made by hand, may have it.
    dead = [("A D", "C"), ("C", "D")]
    more = [
        flow.edges[1]._replace(index=i, sources=tuple(sources.split()), destinations=(destination,))
        for i, (sources, destination) in enumerate(dead, 2)
    ]
    flow = flow._replace(edges=(*flow.edges, *more))
    run = play(Plan(plan.tasks, {"f": flow}, plan.storages, plan.settings))
    assert run.status == ("failure" if setting == "fail" else "success")
    unreached = [] if setting == "ignore" else ["C", "D"]
    assert run.unreached_nodes == run.report()["unreached_nodes"] == unreached
    assert [line["node_name"] for line in told(run, "NODE_UNREACHED")] == unreached
