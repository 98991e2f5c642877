"""The sampling strategies against the sentences that describe them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core import strategies
from selinon_core.plan.shipped import STRATEGIES

VALUES = {"retry": 5, "start_retry": 2, "max_retry": 120, "step": 10, "stop_retry": 1}


def status(previous: float | None = None, started: bool = False, active: bool = True) -> dict[str, Any]:
    return {
        "previous_retry": previous,
        "active_nodes": ["A"] if active else [],
        "failed_nodes": [],
        "new_started_nodes": ["A"] if started else [],
        "new_fallback_nodes": [],
        "finished_nodes": [],
    }


def call(name: str, given_status: dict[str, Any]) -> float | None:
    args = {arg: VALUES[arg] for arg in STRATEGIES[name]}
    result: float | None = getattr(strategies, name)(given_status, **args)
    return result


@pytest.mark.parametrize("name", sorted(STRATEGIES))
@pytest.mark.parametrize("previous", [None, 8])
def test_ends_when_nothing_is_active(name: str, previous: float | None) -> None:
    assert call(name, status(previous, active=False)) is None


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - {"random", "constant"}))
def test_begins_with_start_retry(name: str) -> None:
    assert call(name, status(None, started=True)) == 2
    assert call(name, status(None)) == 2


@pytest.mark.parametrize(
    ("name", "previous", "idle", "started"),
    [
        ("constant", 5, 5, 5),
        ("linear_increase", 40, 50, 2),
        ("linear_increase", 115, 120, 2),
        ("linear_adapt", 40, 50, 30),
        ("linear_adapt", 115, 120, 105),
        ("linear_adapt", 5, 15, 2),
        ("biexponential_increase", 40, 80, 2),
        ("biexponential_increase", 100, 120, 2),
        ("biexponential_adapt", 40, 80, 20),
        ("biexponential_adapt", 3, 6, 2),
        ("biexponential_adapt", 100, 120, 50),
        ("biexponential_decrease", 8, 4, 4),
        ("biexponential_decrease", 1.5, 1, 1),
    ],
)
def test_next_value(name: str, previous: float, idle: float, started: float) -> None:
    assert call(name, status(previous)) == idle
    assert call(name, status(previous, started=True)) == started
    fallback = {**status(previous), "new_fallback_nodes": ["B"]}
    assert call(name, fallback) == started


@given(
    name=st.sampled_from(["linear_increase", "linear_adapt", "biexponential_increase", "biexponential_adapt"]),
    moves=st.lists(st.booleans(), max_size=30),
)
def test_stays_between_start_and_max(name: str, moves: list[bool]) -> None:
    previous: float | None = None
    for started in moves:
        previous = call(name, status(previous, started))
        assert previous is not None
        assert VALUES["start_retry"] <= previous <= VALUES["max_retry"]


@given(low=st.integers(0, 50), high=st.integers(0, 50))
def test_random_stays_in_its_range_given_in_any_order(low: int, high: int) -> None:
    value = strategies.random(status(), low, high)
    assert isinstance(value, int)
    assert min(low, high) <= value <= max(low, high)
    value = strategies.random(status(), low + 0.5, high)
    assert value is not None
    assert min(low + 0.5, high) <= value <= max(low + 0.5, high)
