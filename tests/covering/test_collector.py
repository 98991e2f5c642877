"""Goals of random flows: what the facts of a run meet, its trace meets, however it is counted and merged."""

from __future__ import annotations

import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.covering import CoverageData, collect, goals_of, judge
from selinon_core.covering.data_file import read_data, update_data
from selinon_core.covering.histories import read_history
from selinon_core.local import LocalRun
from selinon_core.plan import Plan
from tests.covering import naive
from tests.covering.random_flows import plans, play, seeds
from tests.example_counts import examples


def of_facts(run: LocalRun, case: str = "case") -> CoverageData:
    data = CoverageData()
    collect(run.facts, case, data)
    return data


def met(plan: Plan, data: CoverageData, *, decides: bool = False) -> set[str]:
    report = judge(plan, data, counted=["mcdc", "failures"])
    found = (goal for goal in report.all() if decides or goal.goal.kind != "atom-decides")
    return {goal.goal.id for goal in found if goal.status == "covered"}


def assert_same(run: LocalRun, by_facts: set[str], by_trace: set[str]) -> None:
    """A run that is stopped within a step has facts of the whole step, and a trace of its beginning."""
    assert by_trace == by_facts or (run.stopped_by is not None and by_trace < by_facts)


@settings(max_examples=examples(80, 300))
@given(plans(), seeds)
def test_a_naive_search_of_the_trace_finds_the_same_goals(plan: Plan, seed: int) -> None:
    run = play(plan, seed)
    assert_same(run, met(plan, of_facts(run)), naive.met(plan, run.trace()))


@settings(max_examples=examples(30, 100))
@given(plans(), seeds)
def test_a_trace_read_from_a_file_meets_what_its_facts_meet(plan: Plan, seed: int) -> None:
    run = play(plan, seed)
    data = CoverageData()
    with TemporaryDirectory() as directory:
        file = Path(directory, "trace.jsonl")
        file.write_text("".join(json.dumps(line) + "\n" for line in run.trace()), encoding="utf-8")
        read_history(plan, str(file), data)
    assert_same(run, met(plan, of_facts(run), decides=True), met(plan, data, decides=True))
    assert {case.partition("::")[0] for case in data.cases} <= {"trace.jsonl"}
    assert len(data.cases) <= 1  # runs of sub-flows belong to the run that started them


@settings(max_examples=60)
@given(plans(), st.lists(seeds, min_size=1, max_size=5))
def test_runs_together_cover_what_their_merged_files_do(plan: Plan, chosen: list[int]) -> None:
    together, merged, backwards = CoverageData(), CoverageData(), CoverageData()
    runs = [play(plan, seed) for seed in chosen]
    parts = [of_facts(run, str(number)) for number, run in enumerate(runs)]
    for number, run in enumerate(runs):
        collect(run.facts, str(number), together)
    with TemporaryDirectory() as directory:
        for number, part in enumerate(parts):
            part.session = "one"
            update_data(str(Path(directory, "all.json")), part)
            update_data(str(Path(directory, f"{number}.json")), part)
            merged.merge(read_data(str(Path(directory, f"{number}.json"))))
        for part in reversed(parts):
            backwards.merge(part)
        stored = read_data(str(Path(directory, "all.json")))
    forms = [{**data.to_json(), "session": ""} for data in (together, merged, backwards, stored)]
    assert all(form == forms[0] for form in forms[1:])


@settings(max_examples=60)
@given(plans(), st.lists(seeds, max_size=3))
def test_a_percentage_is_none_or_between_0_and_100_and_more_runs_never_lower_it(
    plan: Plan, chosen: list[int]
) -> None:
    data, before = CoverageData(), 0.0
    for seed in [None, *chosen]:
        if seed is not None:
            collect(play(plan, seed).facts, str(seed), data)
        report = judge(plan, data, counted=["mcdc", "failures"])
        for counts in (report.total, *(flow.counts for flow in report.flows)):
            assert 0 <= counts.covered <= counts.goals
            percent = counts.percent
            assert percent is None if not counts.goals else percent is not None and 0 <= percent <= 100
            assert percent is None or not math.isnan(percent)
            assert (percent == 100) == (counts.goals > 0 and counts.covered == counts.goals)
        assert (report.total.percent or 0.0) >= before
        before = report.total.percent or 0.0


@given(plans())
def test_ids_of_goals_are_unique_and_name_their_flow(plan: Plan) -> None:
    for name in plan.flows:
        goals = goals_of(plan, name)
        assert len({goal.id for goal in goals}) == len(goals)
        assert all(goal.id == f"{name}/{goal.key}" and goal.key.startswith(goal.element) for goal in goals)
