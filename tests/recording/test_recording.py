"""What a recorded case says: its mocks, what it expects, what is left out of it, and what cannot be recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.cases.model import Case
from selinon_core.covering import CoverageData
from selinon_core.covering.collector import collect
from selinon_core.errors import RequestError
from selinon_core.explaining.event_facts import TraceView
from selinon_core.plan import Plan
from selinon_core.recording.case_text import text_with
from selinon_core.recording.distinct import distinct
from selinon_core.recording.recorder import Differs, Recorder, RecordingOptions
from selinon_core.recording.run_data import RecordedRun
from selinon_core.simulating.world import World
from tests.celery.waiting_project import project as waiting_project
from tests.example_counts import examples
from tests.local import trying
from tests.local.trying import build, each, failing, holding, play
from tests.recording.recorded import FILE, of_report, of_trace, of_workers, record

PAYING = {
    "main": {
        "edges": ["-> Load", ("Load -> Charge", {"condition": "Load.total > 0"}), "Charge -> Ship"],
        "failures": ["Charge -> Refund"],
    }
}


def recorded(
    flows: Mapping[str, Any], does: Mapping[str, Any], args: Any = None, **options: Any
) -> tuple[Case, str]:
    plan = build(flows, {"Charge": {"max_retry": 2}} if "Charge" in json.dumps(flows) else None)
    found, text = record(plan, of_report(plan, play(plan, args, does)), **options)
    return found.case, text


def returns(value: Any) -> Any:
    return lambda task, node_args: value


def test_one_outcome_is_written_plainly_and_several_by_arguments() -> None:
    does = {"items": lambda *_: [1, 2, 3], "B": lambda task, item: {"is": "odd" if item % 2 else "even"}}
    _, text = recorded({"main": ["-> A", ("A -> B", each(True))]}, {**does, "A": returns({"n": 3})})
    assert '      A: {"result": {"n": 3}}' in text
    assert '- {"when": {"args": 2}, "then": {"result": {"is": "even"}}}' in text
    assert '- {"otherwise": {"result": {"is": "odd"}}}' in text
    assert "tests.local.trying.items: [1, 2, 3]" in text


def test_attempts_are_those_of_the_run() -> None:
    _, text = recorded(PAYING, {"Load": returns({"total": 3}), "Charge": failing(2, OSError("no answer"), "R-7")})
    assert 'Charge: {"attempts": [{"error": "OSError: no answer", "times": 2}, {"result": "R-7"}]}' in text


def test_a_failure_and_what_handled_it() -> None:
    case, text = recorded(PAYING, {"Load": returns({"total": 3}), "Charge": failing(9, OSError("no answer"))})
    assert 'Charge: {"error": "OSError: no answer"}' in text
    assert '"fallbacks": ["Charge -> Refund"]' in text
    assert case.expect.runs is not None
    assert case.expect.runs.value == {"Load": 1, "Charge": 1, "Refund": 1}


def test_rounds_of_a_cycle_are_told_apart_by_their_order() -> None:
    rounds = iter([3, 2, 1])
    does = {"A": lambda *_: {"left": next(rounds)}, "holds": lambda message, args: message["left"] > 1}
    _, text = recorded({"main": ["-> A", ("A -> A", holding())]}, does)
    assert '"when": {"visit": 2}' in text
    assert '"main/A -> A": [true, true, false]' in text


def test_predicates_of_the_user_are_answered_and_shipped_ones_are_asked_again() -> None:
    flows = {"main": ["-> Load", ("Load -> B", holding()), ("Load -> C", {"condition": "Load.total > 0"})]}
    case, _ = recorded(flows, {"Load": returns({"total": 3}), "holds": lambda *_: False})
    assert [mock.edge for mock in case.mocks.conditions] == [1]


@pytest.mark.parametrize("expect", ["runs", "results", "full"])
def test_expectations_grow(expect: str) -> None:
    case, _ = recorded(PAYING, {"Load": returns({"total": 3}), "Charge": returns("R-7")}, expect=expect)
    assert bool(case.expect.results) == (expect != "runs")
    assert (case.expect.runs is not None, "Charge" in case.expect.results) == (True, expect != "runs")


def test_only_what_decisions_look_at_is_kept() -> None:
    does = {"Load": returns({"total": 3, "name": "Jane", "items": [{"price": 9}]}), "Charge": returns("R-7")}
    case, text = recorded(PAYING, does, {"number": 7}, data="decisions")
    assert '"total": 3' in text
    assert "Jane" not in text
    assert "R-7" not in text
    assert case.args == {"number": 0}


# -- secrets ----------------------------------------------------------------------------------------------------


def secretive(secret: str, other: str) -> tuple[Plan, RecordedRun]:
    plan = build(
        {
            "main": {
                "edges": ["-> Load", ("Load -> Charge", {"condition": "Load.total > 0", "args": "${Load.card}"})],
                "failures": ["Charge -> Refund"],
            }
        },
        {"Charge": {"max_retry": 1}},
    )
    does = {
        "Load": returns({"total": 3, "card": {"number": secret, "holder": other}, "note": f"paid by {secret}"}),
        "Charge": failing(9, ValueError(f"card {secret} of {other} refused")),
        "Refund": returns([secret, other]),
    }
    return plan, of_report(plan, play(plan, {"token": secret, "id": 7}, does))


def test_equal_secrets_are_equal_stand_ins() -> None:
    plan, run = secretive("4111-1111", "Jane Doe")
    _, text = record(plan, run, redact=("card.*", "token"), expect="full")
    assert '"number": "redacted-1", "holder": "redacted-2"' in text
    assert "card redacted-1 of redacted-2 refused" in text
    assert '"token": "redacted-1"' in text


@settings(max_examples=examples(15, 300), deadline=None)
@given(st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8), st.sampled_from(["runs", "full"]))
def test_no_redacted_text_is_written(one: str, other: str, expect: str) -> None:
    plan, run = secretive(f"{one}§one", f"{other}§two")
    _, text = record(plan, run, redact=("$.card.*", "TOKEN"), expect=expect)
    assert "§" not in text
    assert json.dumps("§")[1:-1] not in text


def test_what_decides_is_not_redacted_silently() -> None:
    plan, run = secretive("4111-1111", "Jane Doe")
    with pytest.raises(
        RequestError, match=r"Load.total is redacted, and it decides Load -> Charge .* --keep total"
    ):
        record(plan, run, redact=("total",))
    record(plan, run, redact=("to*", "card"), keep=("total",))


def test_a_mask_of_a_report_is_a_secret() -> None:
    plan = build(PAYING, {"Charge": {}}, redact=["card"])
    does = {"Load": returns({"total": 3, "card": "4111-1111"}), "Charge": returns({"card": "4111-1111"})}
    _, text = record(plan, of_report(plan, play(plan, None, does)), data="all")
    assert '"card": "redacted-1"' in text


# -- runs on workers --------------------------------------------------------------------------------------------


def of_world(plan: Plan, does: Mapping[str, Any], args: Any = None) -> RecordedRun:
    trying.behaviours.clear()
    trying.behaviours.update(does)
    trying.Remembering.kept.clear()
    world = World(plan, workers=1)
    id = world.start("main", args)
    world.work()
    return of_workers(plan, world, id)


def test_a_run_on_workers_has_placeholders_for_errors_that_were_not_kept() -> None:
    plan = build(PAYING, {"Charge": {"max_retry": 2}})
    does = {"Load": returns({"total": 3, "name": "Jane"}), "Charge": failing(1, OSError("no answer"), "R-7")}
    found, text = record(plan, of_world(plan, does))
    assert found.missing == ("the errors of earlier attempts of Charge",)
    assert "Recorded: " in text
    assert "Jane" not in text


def test_a_cancelled_run_is_cancelled_at_its_time() -> None:
    plan = build({"main": ["-> A", "A -> B"]})
    trying.behaviours.clear()
    world = World(plan, workers=1, selinon_inline_count=0)
    id = world.start("main", None)
    world.work_some(1)
    world.broker.queue.clear()  # no worker begins A
    world.pass_time(30)
    world.cancel("main", id)
    world.work()
    found, text = record(plan, of_workers(plan, world, id))
    assert found.case.at
    assert '"cancel": true' in text


def test_distinct_runs_keep_the_coverage_of_all() -> None:
    plan = build(PAYING, {"Charge": {"max_retry": 1}})
    recorder = Recorder(plan, ())
    everything, made = CoverageData(), []
    for number in range(examples(40, 1000)):
        does = {
            "Load": returns({"total": number % 3}),
            "Charge": failing((0, 1, 9)[number % 5 % 3], OSError("busy"), "R-7"),
        }
        run = of_world(plan, does, {"number": number})
        collect(run.view.facts, str(number), everything)
        made.append(recorder.record(run, f"run {number}", FILE, RecordingOptions()))
    kept = distinct(made)
    assert len(kept) < 10
    replayed = CoverageData()
    for one in kept:
        collect(one.view.facts, one.case.name, replayed)

    def goals(data: CoverageData) -> set[tuple[str, str]]:
        return {(name, key) for name, flow in data.flows.items() for key, by in flow.hits.items() if by}

    # The log of workers does not have attempts; a recorded case has.
    assert {goal for goal in goals(everything) if "retry" not in goal[1]} == {
        goal for goal in goals(replayed) if "retry" not in goal[1]
    }
    assert "retry-gave-up" in str(goals(replayed))


# -- what cannot be recorded ------------------------------------------------------------------------------------


def test_a_run_that_goes_on_is_refused() -> None:
    plan = build({"main": ["-> A", "A -> B"]})
    trying.behaviours.clear()
    world = World(plan, workers=1, selinon_inline_count=0)
    id = world.start("main", None)
    world.work_some(1)
    with pytest.raises(RequestError, match="has not come to its end"):
        record(plan, of_workers(plan, world, id))


def test_a_run_of_other_flows_is_refused_or_told_what_differs() -> None:
    plan, run = build(PAYING, {"Charge": {}}), None
    run = of_report(plan, play(plan, None, {"Load": returns({"total": 3}), "Charge": returns("R-7")}))
    other = build({"main": ["-> Load", "Load -> Pack"]})
    with pytest.raises(RequestError, match="the files have no task or flow Charge, Ship any more"):
        record(other, RecordedRun("r", run.view.__class__(other, _report(plan))))
    changed = build(
        {
            "main": {
                "edges": ["-> Load", "Load -> Charge", ("Charge -> Ship", {"condition": "Load.total > 5"})],
                "failures": ["Charge -> Refund"],
            }
        }
    )
    with pytest.raises(Differs) as raised:
        record(changed, RecordedRun("r", run.view.__class__(changed, _report(plan))))
    assert [str(each) for each in raised.value.differences] == ["Ship did not run"]


def _report(plan: Plan) -> Any:
    does = {"Load": returns({"total": 3}), "Charge": returns("R-7")}
    return json.loads(json.dumps(play(plan, None, does).report()))


def test_causes_come_before_what_follows() -> None:
    plan = build({"main": ["-> A", "A -> B", "B -> C"]})
    run = of_report(plan, play(plan, None, {}))
    changed = build({"main": ["-> A", ("A -> B", {"condition": "A == 1"}), "B -> C"]})
    with pytest.raises(Differs) as raised:
        record(changed, RecordedRun("r", run.view.__class__(changed, json.loads(json.dumps(play(plan).report())))))
    assert [str(each) for each in raised.value.differences] == ["B did not run", "C did not run (follows)"]


def test_a_trace_has_answers_in_place_of_results() -> None:
    plan = build(PAYING, {"Charge": {}})
    run = play(plan, None, {"Load": returns({"total": 3}), "Charge": returns("R-7")})
    found, text = record(plan, of_trace(plan, run))
    assert "the result of Load" in found.missing
    assert '"runs": {"Load": 1, "Charge": 1, "Ship": 1}' in text
    assert "Load: {}" in text
    assert '"main/Load -> Charge": true' in text


def test_runs_of_one_trace_are_recorded_one_by_one() -> None:
    plan = build(PAYING, {"Charge": {}})
    events: list[Any] = []
    for seed, total in enumerate((3, 0)):
        run = play(plan, None, {"Load": returns({"total": total})}, seed=seed)
        events += json.loads(json.dumps(list(run.trace())))
    views = TraceView.each(plan, events)
    assert [len(view.records) for view in views] == [3, 1]


# -- case files -------------------------------------------------------------------------------------------------

EXISTING = """\
# what the shop does
flow: main
tests:
  - name: nothing to charge   # a gift
    mocks: {Load: {result: {total: 0}}}
    expect: {runs: {Load: 1}}
  # the end
tags: [shop]
"""


def extended(before: str, name: str = "a case") -> str:
    plan = build(PAYING, {"Charge": {}})
    recorder = Recorder(plan, ())
    run = of_report(plan, play(plan, None, {"Load": returns({"total": 3}), "Charge": returns("R-7")}))
    found = recorder.record(run, name, FILE, RecordingOptions())
    return text_with([found], before, FILE, plan, recorder)


@pytest.mark.parametrize("before", [EXISTING, EXISTING.replace("\n", "\r\n"), EXISTING.replace("\n  ", "\n")])
def test_a_case_file_keeps_all_that_it_has(before: str) -> None:
    if "\n  -" not in before:  # items stand at the margin
        before = before.replace("\nmocks", "\n  mocks").replace("\nexpect", "\n  expect")
    after = extended(before)
    lines = after.splitlines(keepends=True)
    assert [line for line in before.splitlines(keepends=True) if line not in lines] == []
    assert after.index("nothing to charge") < after.index("a case") < after.index("tags:")


def test_a_case_of_the_same_name_is_refused() -> None:
    with pytest.raises(RequestError, match="has a case 'nothing to charge' already: give the new one a --name"):
        extended(EXISTING, "nothing to charge")


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ("flow: main\ntests: [{name: a, expect: {runs: {Load: 1}}}]\n", "not a block list"),
        ("flow: main\ntests:\n  - name: a\n    expects: {}\n", "has mistakes"),
        ("flow: [\n", "has mistakes"),
    ],
)
def test_a_file_that_cannot_be_extended_is_left_alone(before: str, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        extended(before)


# -- tasks that wait ---------------------------------------------------------------------------------------------

WAIT_ENDS = {
    "signal": ({"value": {"ok": True}}, 'Approve: {"result": {"ok": true}}'),
    "rejected": ({"reject": "too dear"}, '"errors": {"Approve": "Rejected: '),
    "time-out": (None, '"errors": {"Approve": "TaskTimeout: '),
}


@pytest.mark.parametrize("end", WAIT_ENDS)
def test_a_task_that_waited_is_recorded_with_its_end(end: str) -> None:
    """On workers a wait has no attempts: no worker takes it."""
    signal, written = WAIT_ENDS[end]
    world = World(waiting_project())
    id = world.start("order", {"number": 7})
    world.work(until=world.now + 60)
    if signal is not None:
        world.signal("order", id, "Approve", **signal)
    world.work()
    _, text = record(world.plans[0], of_workers(world.plans[0], world, id), expect="full")
    assert written in text


def test_a_sub_flow_that_ran_again_is_recorded() -> None:
    """The errors of its attempts are not kept: its nodes have them."""
    flows = {"main": ["-> g"], "g": {"edges": ["-> A"], "max_retry": 1}}
    plan = build(flows)
    run = of_report(plan, play(plan, None, {"A": failing(1, ValueError("no"))}))
    case, _ = record(plan, run)
    assert case.case.expect.runs is not None
    assert case.case.expect.runs.value == {"g": 1, "g/A": 2}


def test_items_of_a_function_that_are_seen_once_are_those_of_all_its_calls() -> None:
    flows = {"main": ["-> Load", ("Load -> A", each(False)), ("Load -> B", each(True))]}
    _, text = recorded(flows, {"items": lambda *_: ["x", "y"]})
    assert 'tests.local.trying.items: ["x", "y"]' in text


BY_VARIABLE = {
    "main": {
        "edges": [
            "-> A",
            ("A -> B", {"args": {"where": "${env.REGION}", "with": "${env.TOKEN}"}}),
            ("A -> C", {"condition": "env.STAGE == 'live'"}),
        ]
    }
}
VARIABLES = {"REGION": {"default": "eu"}, "TOKEN": {}, "STAGE": {"default": "test"}}


def test_variables_that_expressions_read_are_kept_but_for_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGION", "us")
    monkeypatch.setenv("TOKEN", "hunter2")
    plan = build(BY_VARIABLE, env=VARIABLES)
    run = of_report(plan, play(plan))
    _, text = record(plan, run, expect="full")
    assert '    env: {"REGION": "us", "TOKEN": "redacted-1"}' in text
    assert "hunter2" not in text
    _, text = record(plan, run, expect="full", keep=("TOKEN",))
    assert '    env: {"REGION": "us", "TOKEN": "hunter2"}' in text
    _, text = record(plan, run, expect="full", redact=("REGION",))
    assert '"REGION": "redacted-1"' in text


def test_a_variable_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    plan = build(BY_VARIABLE, env=VARIABLES)
    run = of_report(plan, play(plan))
    monkeypatch.delenv("TOKEN")
    found, text = record(plan, run)
    assert found.missing == ("the environment variable TOKEN",)
    assert '    env: {"REGION": null, "TOKEN": "unknown"}' in text
