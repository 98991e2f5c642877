"""Goals of the samples, counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from selinon_core.covering import judge
from selinon_core.covering.goals import FAILURES
from tests.covering.sample_runs import RUNS, compiled, covered

COUNTS = {
    "order_pipeline": (19, 20),
    "payment": (14, 15),
    "refinement_loop": (9, 9),
    "quality_gate": (18, 21),
    "regions": (20, 28),
}


@pytest.mark.parametrize("sample", RUNS)
def test_the_runs_of_a_sample_cover_what_was_counted_by_hand(
    sample: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, _ = compiled(sample, tmp_path, monkeypatch)
    report = judge(plan, covered(plan, sample))
    assert tuple(report.total) == COUNTS[sample], [found.goal.id for found in report.having("missing")]


def test_the_missing_goal_of_the_orders_is_named_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, _ = compiled("order_pipeline", tmp_path, monkeypatch)
    report = judge(plan, covered(plan, "order_pipeline"))
    missing = [(found.goal.id, str(found.goal.place)) for found in report.having("missing")]
    assert missing == [("reserve/edge:0/foreach-none", "flows/reserve.yaml:9:9")]
    flows = {flow.name: tuple(flow.counts) for flow in report.flows}
    assert flows == {"order": (15, 15), "reserve": (4, 5)}


def test_each_goal_names_the_runs_that_met_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, _ = compiled("order_pipeline", tmp_path, monkeypatch)
    found = {goal.goal.id: goal for goal in judge(plan, covered(plan, "order_pipeline")).all()}
    no = found["order/edge:2/no"]
    assert (no.hits, no.by, no.status) == (1, ("a gift",), "covered")
    assert found["order/node:Charge/retry-helped"].by == ("second attempt",)
    assert found["order/node:Charge/retry-gave-up"].by == ("charging fails",)
    assert found["reserve/node:ReserveItem/ran"].hits == 10


def test_failures_that_no_fallback_shows_count_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, _ = compiled("regions", tmp_path, monkeypatch)
    data = covered(plan, "regions")
    report = judge(plan, data, counted=[FAILURES])
    assert tuple(report.total) == (22, 33)
    met = {found.goal.id: found.by for flow in judge(plan, data).flows for found in flow.more if found.hits}
    assert met == {
        "america/node:SmokeTest/eager-failure": ("one smokes",),
        "release/node:america/subflow-failure": ("one smokes",),
    }


def test_flows_merged_from_one_text_have_goals_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, _ = compiled("regions", tmp_path, monkeypatch)
    report = judge(plan, covered(plan, "regions"))
    at = [found.goal.id for found in report.all() if found.goal.kind == "edge-fired"]
    assert len(at) == len(set(at)) == 8
    eager = [found.goal.flow for flow in report.flows for found in flow.more if found.goal.kind == "eager-failure"]
    assert eager == ["europe", "america"]  # asia unsets what was merged
