"""Schedules in case files: what they say, and that what is written can be read again."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.cases.deviations import AT_CALLS, KINDS, WITH_SECONDS, deviation_text
from selinon_core.cases.model import Case, Deviation, Expect, Expected
from selinon_core.cases.writing import case_file_text
from selinon_core.diagnostics.location import Place
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from tests.cases.reading import case_of, read, wrong
from tests.example_counts import examples

FLOW = """
tasks:
  - {name: A, import: tasks}
  - {name: B, import: tasks}
flow-definitions:
  - {name: inner, edges: [{from: , to: B}]}
  - {name: order, edges: [{from: , to: A}, {from: A, to: inner}]}
"""


@cache
def plan() -> Plan:
    found = compile_text({"flows.yaml": FLOW}).plan
    assert found is not None
    return found


def test_entries_say_what_happens_to_what_and_where() -> None:
    case = case_of("""
        flow: order
        tests:
          - name: a
            schedule:
              - crash: {after: commit, in: inner/B#2}
              - first: {of: A#1, goes: inner/B#1}
              - twice: start order#1
              - lost: {of: wake order#1, time: 2}
              - late: {of: A#1, by: 30}
              - takes: {of: A#1, seconds: 2.5}
              - take: {of: A#1, by: w2}
              - clock: {of: w1, by: -3}
              - pause: {before: send, in: A#1, seconds: 40}
            expect: {ends: once, same_as: undisturbed}
        """)
    assert [deviation._replace(place=None) for deviation in case.schedule] == [
        Deviation("crash", "inner/B#2", "after commit"),
        Deviation("first", "A#1", "inner/B#1"),
        Deviation("twice", "start order#1"),
        Deviation("lost", "wake order#1", occurrence=2),
        Deviation("late", "A#1", seconds=30.0),
        Deviation("takes", "A#1", seconds=2.5),
        Deviation("take", "A#1", "w2"),
        Deviation("clock", "w1", seconds=-3.0),
        Deviation("pause", "A#1", "before send", seconds=40.0),
    ]
    assert {deviation.place.line for deviation in case.schedule if deviation.place} == set(range(6, 15))
    assert case.driver == "production", "a schedule implies it"
    assert (case.expect.ends is None, case.expect.same_as is None) == (False, False)


def test_a_schedule_is_for_the_simulated_world() -> None:
    assert wrong("flow: f\ntests: [{name: a, driver: local, schedule: [{twice: A#1}]}]") == [
        ("SEL800", "2:27", '"schedule" stands beside driver: local')
    ]
    assert [code for code, *_ in wrong("flow: f\ntests: [{name: a, expect: {ends: once}}]")] == ["SEL800"]
    assert wrong("flow: f\ntests: [{name: a, driver: production, expect: {ends: once}}]") == []


@pytest.mark.parametrize("subject", ["A#1", "inner/B#3", "start order#1", "wake inner#1", "task order/inner#1"])
def test_subjects_that_a_run_can_have_are_right(subject: str) -> None:
    assert read(f"flow: order\ntests: [{{name: a, schedule: [{{twice: '{subject}'}}]}}]", plan())[1] == []


@pytest.mark.parametrize("subject", ["C#1", "B#1", "outer/A#1", "start inner", "wake ordre#1", "a #", "inner/A#1"])
def test_subjects_that_no_run_has_are_told_and_the_case_can_be_run(subject: str) -> None:
    cases, found = read(f"flow: order\ntests: [{{name: a, schedule: [{{twice: '{subject}'}}]}}]", plan())
    codes = [(one.code, one.severity.value) for one in found]
    assert codes == ([] if subject == "start inner" else [("SEL808", "warning")])
    assert len(cases[0].schedule) == 1


_SUBJECTS = st.sampled_from(["A#1", "inner/B#2", "start order#1", "wake inner#1", "yes#1", "[a#1", "- b#2"])
_SECONDS = st.integers(0, 10**6).map(float) | st.floats(0, 10**6, allow_nan=False)


@st.composite
def _deviations(draw: st.DrawFn) -> Deviation:
    kind = draw(st.sampled_from(list(KINDS)))
    subject, point = draw(_SUBJECTS), ""
    if kind in AT_CALLS:
        point = draw(st.sampled_from(["after", "before"])) + draw(
            st.sampled_from([" commit", " send", " renew_lease"])
        )
    elif kind in ("first", "take"):
        point = draw(_SUBJECTS) if kind == "first" else draw(st.sampled_from(["w1", "w22"]))
    subject = "w1" if kind == "clock" else subject
    seconds = draw(_SECONDS) if kind in (*WITH_SECONDS, "pause") else None
    return Deviation(kind, subject, point, draw(st.integers(1, 9)), seconds=seconds)


@settings(max_examples=examples(60, 300), deadline=None)
@given(st.lists(_deviations(), max_size=6))
def test_what_is_written_is_read_again(deviations: list[Deviation]) -> None:
    here = Place("x", 1, 1)
    expect = Expect(ends=Expected("once", here), same_as=Expected("undisturbed", here))
    case = Case(
        "a", "order", "", here, tasks="real", driver="production", schedule=tuple(deviations), expect=expect
    )
    text = case_file_text([case], plan())
    again = case_of(text)
    assert [one._replace(place=None) for one in again.schedule] == deviations
    assert (again.driver, again.tasks) == ("production", "real")
    assert "status" not in text, "as undisturbed: whatever that is"
    assert (again.expect.ends is None, again.expect.same_as is None) == (False, False)


def test_every_kind_has_words() -> None:
    found = [deviation_text(Deviation(kind, "A#1", "w2", 2, seconds=30.0)) for kind in KINDS]
    assert len(set(found)) == len(KINDS)
    assert all("A#1" in text and text.endswith("(time 2)") for text in found)
