"""Campaigns: many schedules of one flow run. The same seed is the same schedule, and deviations say all of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from selinon_core.cases.model import Deviation
from selinon_core.errors import RequestError
from selinon_core.simulating.campaign import (
    FAULTS,
    Duration,
    ScheduleResult,
    SimulationOptions,
    replay,
    simulate,
)
from tests.simulating.subjects import order

ROOT = Path(__file__).parents[2]
RELEASED = "failure: a fallback with propagate_failure was used"
#: Everything at once, so that a few seeds see a lot.
WILD = SimulationOptions(seeds=40, faults={**FAULTS, "crash": 0.05}, slots=2)


def journal(result: ScheduleResult) -> str:
    """All that a schedule did, as text."""
    assert result.run is not None
    return json.dumps([result.deviations, result.transcript, *result.run.trace()])


def played(options: SimulationOptions = WILD) -> list[ScheduleResult]:
    found: list[ScheduleResult] = []
    simulate(order(), options, seen=found.append)
    return found


def test_without_deviations_a_run_goes_as_undisturbed() -> None:
    result = replay(order(), ())
    assert (result.outcome, result.violations, result.deviations) == ("success", (), ())
    assert set(result.attempts.values()) == {1}


def test_a_seed_is_the_same_schedule_each_time() -> None:
    assert [journal(one) for one in played()] == [journal(one) for one in played()]


def test_a_seed_is_the_same_schedule_in_each_process() -> None:
    program = (
        "from tests.simulating.test_campaign import *\n"
        "print([journal(one) for one in played(WILD._replace(seeds=5))])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


def test_deviations_say_all_of_a_schedule() -> None:
    for result in played():
        again = replay(order(), result.deviations, WILD)
        assert again.stale == ()
        assert sorted(map(repr, again.deviations)) == sorted(map(repr, result.deviations))
        assert [*again.run.trace()] == [*result.run.trace()]  # type: ignore[union-attr]


def test_a_deviation_that_meets_nothing_is_stale_and_changes_nothing() -> None:
    crash = Deviation("crash", "Charge", "after commit")
    lost = Deviation("lost", "Chrge#1")
    late = Deviation("late", "wake order#1", occurrence=7, seconds=5.0)
    result = replay(order(), [lost, crash, late])
    assert result.crashes == 1
    assert result.stale == (lost, late)
    assert result.run.facts.lineage.canonical() == replay(order(), [crash]).run.facts.lineage.canonical()  # type: ignore[union-attr]


def test_what_a_fault_does() -> None:
    again = replay(order(), [Deviation("crash", "Charge#1", "after task")])
    assert (again.attempts["Charge#1"], again.completed["Charge#1"], again.seconds) == (2, 2, 0.0)
    lost = replay(order(), [Deviation("lost", "reserve/ReserveItem#2")])
    assert lost.seconds >= 10  # selinon_resend_after
    late = replay(order(), [Deviation("late", "reserve/ReserveItem#2", seconds=5.0)])
    assert late.seconds == 5
    hangs = replay(order(), [Deviation("pause", "LoadOrder#1", "after commit", seconds=30.0)])
    assert 4 <= hangs.seconds <= 30  # selinon_lease: another worker goes on
    killed = replay(order(), [Deviation("poison", "Charge#1")])
    assert (killed.crashes, killed.outcome) == (
        5,
        "failure: a fallback with propagate_failure was used",
    )  # selinon_max_deliveries
    failed = replay(order(), [Deviation("task", "Charge#1", occurrence=n) for n in (1, 2, 3)])
    assert (failed.outcome, failed.attempts["Charge#1"]) == (
        "failure: a fallback with propagate_failure was used",
        3,
    )
    for result in (again, lost, late, hangs, killed, failed):
        assert (result.violations, result.stale) == ((), ())


def test_another_activity_goes_first() -> None:
    first = Deviation("first", "reserve/ReserveItem#2", "reserve/ReserveItem#3")
    result = replay(order(), [first])
    begun = [line for line in result.transcript if " runs reserve/ReserveItem" in line]
    assert [line.partition("ReserveItem#")[2][:1] for line in begun] == ["1", "3", "2"]  # the first one inline


def test_two_workers_are_inside_of_a_step_at_once() -> None:
    options = SimulationOptions(workers=2)
    first = Deviation("first", "reserve/ReserveItem#2", "reserve/ReserveItem#3", occurrence=3)
    taken = [Deviation("take", f"reserve/ReserveItem#{n}", f"w{n - 1}") for n in (2, 3)]
    transcript = replay(order(3), [first, *taken], options).transcript
    about = [line.partition(" ")[2] for line in transcript if "ReserveItem" in line]
    one, two = (about.index(f"w{n - 1} takes reserve/ReserveItem#{n}") for n in (2, 3))
    assert one < two < about.index("w1 is done with reserve/ReserveItem#2")


def test_durations_are_drawn_and_at_their_median_by_default() -> None:
    options = SimulationOptions(seeds=20, faults={}, durations={"Charge": Duration("uniform", (10.0, 20.0))})
    assert replay(order(), (), options).seconds == 15.0
    results = played(options)
    assert all(10 <= result.seconds <= 20 for result in results)
    assert len({result.seconds for result in results}) > 10
    takes = Deviation("takes", "Charge#1", seconds=100.0)
    assert replay(order(), [takes], options).seconds == 100.0


def test_a_campaign_says_what_it_has_seen() -> None:
    result = simulate(order(), SimulationOptions(seeds=150))
    assert (result.schedules, result.violations, result.notes) == (150, (), ())
    assert result.outcomes == {"success": 150}
    assert result.attempts["Charge"].expected == 1
    assert result.attempts["Charge"].most > 1
    assert result.fired["crash", "after commit of a task"] > 0
    assert "lost redelivery of a start" in result.never_exercised
    assert len(result.virtual_seconds) == 150


@pytest.mark.parametrize(
    "options",
    [
        {"faults": {"crsh": 0.1}},
        {"faults": {"crash": 2.0}},
        {"seeds": 0},
        {"workers": 0},
        {"strategy": "best"},
        {"pool": "gevent"},
        {"durations": {"Charge": Duration("normal", (1.0,))}},
        {"durations": {"Chrge": Duration("fixed", (1.0,))}},
        {"durations": {"Charge": Duration("uniform", (2.0, 1.0))}},
    ],
)
def test_options_that_no_simulation_can_have(options: dict[str, object]) -> None:
    with pytest.raises(RequestError):
        simulate(order(), SimulationOptions(**options))  # type: ignore[arg-type]
