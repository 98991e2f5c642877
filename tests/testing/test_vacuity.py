"""Invariants that hold because no run could break them are noted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testing.shop import Shop, copy_shop

CASES = """
flow: order
invariants:
  - {name: released when not paid, if: {Charge: failure}, then: {ReleaseItems: success}}
  - {name: nothing is free, if: {Ship: success}, then: {LoadOrder: success}}
  - {name: released behind charging, before: {ReleaseItems: [LoadOrder]}}
  - {name: at most once, at_most: {Charge: 1}}
  - {name: never both, never_both: [Ship, ReleaseItems]}
tests:
  - {name: paid, tasks: real}
  - {name: a gift, tasks: real, args: {number: 8}}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(copy_shop(tmp_path / "shop"))
    return Shop()


def notes_of(shop: Shop, text: str, numbers: tuple[int, ...] = ()) -> list[str]:
    result = shop.run_file(text, numbers=numbers)
    assert all(case.is_fine for case in result.cases)
    return [f"{note.where}: {note.text}" for note in result.notes if note.kind == "vacuous-invariant"]


def test_an_invariant_whose_beginning_no_run_has_is_noted(shop: Shop) -> None:
    start, none = "no run has put the invariant", "to the test: none has"
    assert notes_of(shop, CASES) == [
        f'order.flowtest.yaml:4:5: {start} "released when not paid" {none} Charge: failure',
        f'order.flowtest.yaml:6:5: {start} "released behind charging" {none} a run of ReleaseItems',
    ]


def test_a_run_that_could_have_broken_it_is_enough(shop: Shop) -> None:
    failing = "  - {name: not paid, tasks: real, fail: Charge, expect: {status: failure}}\n"
    assert notes_of(shop, CASES + failing) == []


def test_a_part_of_the_cases_says_nothing_about_invariants(shop: Shop) -> None:
    assert notes_of(shop, CASES, numbers=(1,)) == []


def test_an_invariant_about_a_flow_that_no_case_runs_is_noted(shop: Shop) -> None:
    text = """
flow: reserve
invariants:
  - {name: at most once, at_most: {Charge: 1}}
tests:
  - {name: reserved, tasks: real, args: {lines: [{item: tea, quantity: 1}]}}
"""
    (note,) = notes_of(shop, text)
    assert note.endswith('"at most once" to the test: none has a run of Charge')
