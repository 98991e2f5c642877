"""Reruns become cases: what they reused is mocked as what ran, so the case is that of an undisturbed run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from selinon_core.plan import Plan
from selinon_core.recording.distinct import distinct
from selinon_core.recording.recorder import Recorder, RecordingOptions
from selinon_core.simulating.world import World
from tests.celery.broken_tasks import BROKEN, NESTED, broken_plan, set_up
from tests.celery.rerunning import rerun
from tests.local import trying
from tests.local.trying import build, each, failing
from tests.recording.recorded import FILE, of_report, of_trace, of_workers, record
from tests.rerunning.recording import play, play_again, preview, report_of

BREAKS = [("f.A",), ("f.C", "g.A"), ("h.C",), ("g.B", "f.E", "f.B")]
SHOP = {
    "main": ["-> A", ("A -> S", each(True)), "S -> B", ("B -> C", {"condition": "B.total > 3"}), "C -> D"],
    "S": ["-> F", ("F -> G", {"condition": "F.n > 1"})],
}
SECRET = "sesame-4711"


def undisturbed(plan: Plan, flow: str, args: Any = None) -> tuple[World, str]:
    world = World(plan, workers=1)
    id = world.start(flow, args)
    world.work()
    return world, id


def shop(plan: Plan, fails: int) -> tuple[World, str]:
    """A run of the shop, and where ``C`` fails at first, its rerun."""
    trying.behaviours.clear()
    trying.Remembering.kept.clear()
    trying.behaviours.update(
        {
            "items": lambda *_: [{"n": 1}, {"n": 2}],
            "F": lambda task, node_args: node_args,
            "B": lambda *_: {"total": 9, "password": SECRET},
            "C": failing(fails, ValueError(f"{SECRET} is refused")),
        }
    )
    world, id = undisturbed(plan, "main", {"token": SECRET})
    return world, rerun(world, id) if fails else id


@pytest.mark.parametrize("breaks", BREAKS, ids=",".join)
def test_the_case_of_a_rerun_on_workers_is_that_of_an_undisturbed_run(breaks: tuple[str, ...]) -> None:
    plan = broken_plan(NESTED)
    set_up(*breaks)
    world, id = undisturbed(plan, "f", {"n": 1})
    BROKEN.clear()
    new = rerun(world, id, "state:failed", "state:unfinished", "state:handled")
    again = rerun(world, new, "D")
    expected = record(plan, of_workers(plan, *undisturbed(plan, "f", {"n": 1})), expect="full")[1]
    assert record(plan, of_workers(plan, world, new), expect="full")[1] == expected
    assert record(plan, of_workers(plan, world, again), expect="full")[1] == expected


@pytest.mark.parametrize("data", ["decisions", "all"])
def test_what_a_rerun_reused_is_mocked_and_redacted(data: str) -> None:
    plan = build(SHOP)
    options: Any = {"data": data, "redact": ("password", "token"), "expect": "full"}
    found, text = record(plan, of_workers(plan, *shop(plan, fails=1)), **options)
    assert found.missing == ()
    assert text == record(plan, of_workers(plan, *shop(plan, fails=0)), **options)[1]
    assert SECRET not in text
    assert '"S/G": 1' in text


def test_a_rerun_adds_nothing_to_a_run_that_does_the_same() -> None:
    plan = build(SHOP)
    recorder, made = Recorder(plan, ()), []
    for number, fails in enumerate((0, 1, 0, 1)):
        run = of_workers(plan, *shop(plan, fails))
        made.append(recorder.record(run, f"run {number}", FILE, RecordingOptions()))
    assert len(distinct(made)) == 1


def test_a_result_that_was_given_is_mocked() -> None:
    plan = build({"main": ["-> A", ("A -> B", {"condition": "A.total > 3"})]})
    trying.behaviours.clear()
    trying.behaviours["A"] = failing(9)
    world, id = undisturbed(plan, "main")
    _, text = record(plan, of_workers(plan, world, rerun(world, id, give={"A": {"total": 5}})))
    assert 'A: {"result": {"total": 5}}' in text
    assert '"runs": {"A": 1, "B": 1}' in text


def test_local_reruns_are_recorded_from_reports_and_traces() -> None:
    plan = build({"main": ["-> A", ("A -> B", {"condition": "A.total > 3"}), "B -> C"]})
    does = {"A": {"total": 5}, "B": 7}
    run = play(plan, None, {**does, "C": failing(1)})
    again = play_again(plan, preview(plan, report_of(plan, run)), does)
    expected = record(plan, of_report(plan, play(plan, None, does)), data="all")[1]
    assert record(plan, of_report(plan, again), data="all")[1] == expected
    found, _ = record(plan, of_trace(plan, again))
    assert json.dumps(found.case.flow) == '"main"'
