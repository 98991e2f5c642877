"""Broken case files: what is printed for each of ``broken/*.yaml``, word by word, and no traceback for anything.

``UPDATE_GOLDEN=1 pytest tests/cases/test_broken.py`` updates the texts; read the difference before you commit.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_cli.render.text import render_blocks
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from selinon_core.project.case_files import read_case_text, read_mocks
from tests.cases.reading import EVERY_KEY, FILE

BROKEN = Path(__file__).parent / "broken"
NAMES = sorted(path.stem for path in BROKEN.glob("*.yaml") if path.stem != "project")


@cache
def plan() -> Plan:
    """The project that the files are about; paths in it lead from its directory."""
    path = BROKEN / "project.yaml"
    project = compile_text({str(path): path.read_text()})
    assert project.plan is not None, project.diagnostics
    return project.plan


def test_there_are_enough_of_them() -> None:
    assert len(NAMES) >= 60


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_file_is_reported_with_code_place_and_remedy(name: str) -> None:
    text = (BROKEN / f"{name}.yaml").read_text()
    _, found = read_case_text(text, FILE, plan())
    printed = render_blocks(found, {FILE: text.splitlines()}, color=False)
    expected = BROKEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(printed)
    assert printed == expected.read_text()
    for one in found:
        assert re.fullmatch(r"SEL80[0-9]", one.code)
        assert one.help or one.note, "it says nothing of what to do"


def test_the_twins_that_are_right_have_nothing_wrong() -> None:
    text = """
    flow: order
    invariants:
      - {name: charged once, at_most: {Charge: 1}}
      - {name: shipped when charged, before: {Ship: [Charge, {edge: shipping}]}}
    mocks:
      Charge: {result: {receipt: R-7, amount: 81.0}}
      ReserveItem: [{result: 1}, {result: 1}]
    tests:
      - name: one item is missing
        seeds: 20
        mocks:
          LoadOrder: {result: {total: 81}}
          ReserveItem: [{when: {args: b}, then: {error: "Busy: no"}}, {otherwise: {result: 1}}]
          functions: {tasks.items: [a, b]}
          conditions: {"[LoadOrder, reserve] -> Charge": true}
        expect:
          status: failure
          ran: [LoadOrder, reserve/ReserveItem, "reserve#2"]
          not_ran: [Charge]
          edges: {"[LoadOrder, reserve] -> Charge": {fired: 0}}
      - name: charging works at attempt $attempt
        parameters: [{attempt: 2, failures: 1}, {attempt: 3, failures: 2}]
        mocks: {Charge: [{error: "Busy: no", times: $failures}, {result: {receipt: R-7, amount: 1}}]}
        expect: {attempts: {Charge: $attempt}}
      - name: stops after the second round
        flow: refine
        seeds: 20
        mocks: {Improve: [{result: {error: 1.0}}, {result: {error: 0.0}}]}
        expect: {runs: {Improve: 2}, edges: {again: {considered: 2, fired: 1}}}
    """
    assert read_case_text(text, FILE, plan())[1] == []


# --- whatever the text is -----------------------------------------------------------------------------------

_WORDS = st.sampled_from(
    [
        "flow",
        "tests",
        "name",
        "mocks",
        "expect",
        "parameters",
        "matrix",
        "when",
        "then",
        "otherwise",
        "attempts",
        "result",
        "error",
        "finished",
        "failed",
        "args",
        "functions",
        "conditions",
        "invariants",
        "seeds",
        "select",
        "at",
        "fail",
        "order",
        "ran",
        "runs",
        "edges",
        "fallbacks",
        "stored",
        "order",
        "reserve",
        "Charge",
        "Ship",
        "LoadOrder",
        "again",
        "$n",
        "$$n",
        "$match",
        "$type",
        "$not",
        "$includes",
        "$file",
        "$any",
        "before",
        "if",
        "never_both",
        "x-a",
    ]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**13) | st.floats() | st.text(max_size=5) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS | st.integers(0, 2), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(_VALUES, st.booleans())
def test_data_of_any_shape_gives_diagnostics(data: Any, in_case: bool) -> None:
    whole = {"flow": "order", "tests": [{"name": "a", **data}]} if in_case and isinstance(data, dict) else data
    text = yaml.safe_dump(whole, allow_unicode=True)
    read_case_text(text, FILE, plan())
    read_mocks(text, FILE, plan())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_part_of_a_case_replaced_by_anything_gives_diagnostics(data: st.DataObject) -> None:
    whole = yaml.safe_load(EVERY_KEY)
    part, key = whole, data.draw(st.sampled_from(sorted(whole)))
    while isinstance(part[key], dict | list) and data.draw(st.booleans()):
        inner = part[key]
        keys = sorted(inner) if isinstance(inner, dict) else list(range(len(inner)))
        if not keys:
            break
        part, key = inner, data.draw(st.sampled_from(keys))
    part[key] = data.draw(_VALUES)
    read_case_text(yaml.safe_dump(whole, allow_unicode=True), FILE, plan())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_text_gives_diagnostics(data: st.DataObject) -> None:
    text = EVERY_KEY
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(len(text), begin + 30)))
    read_case_text(text[:begin] + data.draw(st.text(max_size=6)) + text[end:], FILE, plan())
