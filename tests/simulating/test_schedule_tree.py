"""A schedule that several seeds of a campaign draw is played once, unless tasks run their code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.errors import StateStoreError
from selinon_core.local import LocalOptions
from selinon_core.local.run import LocalRun
from selinon_core.simulating.campaign import FAULTS, Duration, ScheduleResult, SimulationOptions, Subject, simulate
from tests.simulating.subjects import of, order


class Campaign:
    """A campaign with what its judge and its listener were given."""

    def __init__(self, options: SimulationOptions, subject: Subject | None = None, **more: Any) -> None:
        self.judged: list[LocalRun] = []
        self.seen: list[ScheduleResult] = []
        subject = order(1) if subject is None else subject
        self.result = simulate(subject, options, self._judge, self.seen.append, **more)

    def _judge(self, run: LocalRun) -> list[tuple[str, str, str]]:
        self.judged.append(run)
        return [("in time", "order", "it takes long")] if run.virtual_seconds >= 10 else []

    @property
    def seen_text(self) -> list[str]:
        """All of each schedule, as text."""
        bare = [each._replace(run=None, transcript=()) for each in self.seen]  # type: ignore[arg-type]
        return [
            json.dumps([*alone, *each.run.trace()], default=str)
            for alone, each in zip(bare, self.seen, strict=True)
        ]


def playing_all() -> Subject:
    """The same subject, except that a task without a mock would run its code. There is none."""
    mocked = order(1)
    return of(mocked.plan, "order", {"number": 7}, LocalOptions(mocks=mocked.options.mocks))


@pytest.mark.parametrize(
    "options",
    [
        SimulationOptions(seeds=50),
        SimulationOptions(seeds=30, faults={}, slots=2, pool="threads"),
        SimulationOptions(seeds=20, strategy="pct"),
        SimulationOptions(seeds=20, faults=FAULTS, durations={"Charge": Duration("uniform", (0.0, 20.0))}),
    ],
    ids=["default", "undisturbed", "pct", "all faults"],
)
def test_seeds_are_the_schedules_that_they_are_without_a_memory(options: SimulationOptions) -> None:
    options = options._replace(shrink=False)
    remembering, playing = Campaign(options), Campaign(options, playing_all())
    assert remembering.seen_text == playing.seen_text
    for name in ("breaks", "outcomes", "attempts", "virtual_seconds", "fired", "never_exercised"):
        assert getattr(remembering.result, name) == getattr(playing.result, name)


def test_a_schedule_that_is_drawn_again_is_not_played_again() -> None:
    campaign = Campaign(SimulationOptions(seeds=60, faults={}, workers=1, slots=2))
    different = {each.deviations for each in campaign.seen} - {()}
    # The undisturbed schedule is played to begin with, and once more if a seed draws it.
    assert len(different) + 1 <= len(campaign.judged) <= len(different) + 2 < 40
    assert len(campaign.seen) == campaign.result.schedules == 60
    assert [each.seed for each in campaign.seen] == list(range(60))


def test_workers_that_have_done_nothing_are_alike() -> None:
    campaign = Campaign(SimulationOptions(seeds=60, faults={}))
    assert len(campaign.judged) < len({each.deviations for each in campaign.seen})
    clocks = Campaign(SimulationOptions(seeds=60, faults={"clock": 1e-9}))
    assert len(clocks.judged) >= len({each.deviations for each in clocks.seen})


def test_where_tasks_run_their_code_each_schedule_is_played() -> None:
    assert len(Campaign(SimulationOptions(seeds=20, faults={}), playing_all()).judged) == 21


def test_where_more_than_decisions_decides_each_schedule_is_played() -> None:
    """The store of every other schedule cannot be reached at first."""
    stores: list[MemoryStore] = []

    class Flapping(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self._fails = len(stores) % 2 == 1
            stores.append(self)

        def claim_delivery(self, *args: Any, **kwargs: Any) -> Any:
            if self._fails:
                self._fails = False
                raise StateStoreError("not now")
            return super().claim_delivery(*args, **kwargs)

    Campaign(SimulationOptions(seeds=60, faults={}), store=Flapping)
    assert len(stores) > 55
