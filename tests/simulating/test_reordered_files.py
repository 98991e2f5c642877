"""A schedule names what it is about, not positions: it shows the same when files are written in another order."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from selinon_core.simulating.campaign import replay, simulate
from tests.simulating.ablations import (
    HANGING,
    LATE,
    STORM,
    Patch,
    no_done_once,
    no_outbox,
    no_parent_in_outbox,
    no_redelivery,
    no_silent_sweep,
    no_timer_sweep,
    no_tombstone,
)
from tests.simulating.subjects import SAMPLES, cancelled, order

#: Lists whose order means nothing.
_UNORDERED = ("tasks", "storages", "flow-definitions", "edges", "failures")


def reordered(value: Any, dice: random.Random, key: str = "") -> Any:
    """A part of a file with its keys, and the lists that mean no order, in another order."""
    if isinstance(value, dict):
        items = [(name, reordered(inner, dice, name)) for name, inner in value.items()]
        dice.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        items = [reordered(inner, dice) for inner in value]
        if key in _UNORDERED:
            dice.shuffle(items)
        return items
    return value


@pytest.fixture(scope="module", params=[1, 2])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The orders of the sample, written in another order."""
    directory = tmp_path_factory.mktemp("reordered") / "order_pipeline"
    shutil.copytree(SAMPLES / "order_pipeline", directory)
    dice = random.Random(request.param)
    for path in sorted(directory.rglob("*.yaml")):
        if not path.name.endswith(".flowtest.yaml"):
            path.write_text(yaml.safe_dump(reordered(yaml.safe_load(path.read_text()), dice), sort_keys=False))
    return directory


def test_files_are_in_another_order(project: Path) -> None:
    one, other = order(2, 1).plan, order(2, 1, project).plan
    assert list(one.tasks) != list(other.tasks)
    assert [edge.destinations for edge in one.flows["order"].edges] != [
        edge.destinations for edge in other.flows["order"].edges
    ]
    assert one.flows.keys() == other.flows.keys()


@pytest.mark.parametrize(
    ("ablation", "options"),
    [
        (no_outbox, STORM),
        (no_parent_in_outbox, STORM),
        (no_redelivery, STORM),
        (no_silent_sweep, STORM),
        (no_timer_sweep, STORM),
        (no_done_once, HANGING),
        (no_tombstone, LATE),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_saved_schedule_shows_the_same_violation(
    project: Path, ablation: Callable[[Patch], None], options: Any, monkeypatch: Patch
) -> None:
    ablation(monkeypatch)
    one, other = order(2, 1), order(2, 1, project)
    if options is LATE:
        one, other = cancelled(one), cancelled(other)
    (found,) = simulate(one, options).violations
    again = replay(other, found.deviations, options)
    assert again.stale == ()
    assert (found.invariant, found.subject) in {each[:2] for each in again.violations}


def test_a_schedule_of_messages_and_crashes_meets_its_subjects(project: Path) -> None:
    """Faults of messages and workers, whatever comes first by default; and nothing is broken by them."""
    options = STORM._replace(seeds=1, faults={"crash": 0.02, "twice": 0.05, "lost": 0.05})
    one, other = order(2, 1), order(2, 1, project)
    drawn = []
    for seed in range(25):
        simulate(one, options._replace(seed_from=seed), seen=lambda result: drawn.append(result.deviations))
    kinds = ("crash", "twice", "lost")
    schedules = [[each for each in deviations if each.kind in kinds][:1] for deviations in drawn]
    assert sum(map(bool, schedules)) > 10
    for deviations in schedules:
        again = replay(other, deviations, options)
        assert (again.stale, again.violations, again.outcome) == ((), (), "success")
