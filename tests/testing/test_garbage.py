"""The garbage collector around runs of cases: it is left as it was found."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from selinon_core.testing.collection import CaseFile, collect
from selinon_core.testing.options import RunOptions
from selinon_core.testing.parallel import run_files
from tests.testing.shop import Shop

CASES = "flow: order\ntests: [{name: one, tasks: real}]\n"


@pytest.fixture
def files(shop: Shop) -> list[CaseFile]:
    for number in range(2):
        Path(f"{number}.flowtest.yaml").write_text(CASES, encoding="utf-8")
    return collect([])


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.enable()
    gc.unfreeze()
    yield
    gc.unfreeze()
    if not enabled:
        gc.disable()


def test_runs_do_not_walk_what_was_there_before_and_put_it_back(files: list[CaseFile]) -> None:
    results = run_files(files, RunOptions())
    next(results)
    assert (gc.isenabled(), gc.get_freeze_count() > 0) == (False, True)
    assert len(list(results)) == 1
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, 0)


def test_a_caller_that_stops_early_gets_it_back_too(files: list[CaseFile]) -> None:
    results = run_files(files, RunOptions())
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, 0)


def test_what_the_application_froze_stays_frozen(files: list[CaseFile]) -> None:
    gc.freeze()
    list(run_files(files, RunOptions()))
    assert gc.get_freeze_count() > 0


def test_reading_leaves_the_collector_on(files: list[CaseFile]) -> None:
    assert gc.isenabled()
