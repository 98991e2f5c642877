"""Selectors pick node runs of a recorded run, and say what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.local import LocalRun
from selinon_core.plan import Plan
from selinon_core.rerunning.selectors import SelectorError
from tests.local.trying import build, each, failing
from tests.rerunning.recording import play, preview


def _fails_for_two(task: Any, node_args: Any) -> Any:
    if node_args == 2:
        raise LookupError("no page 2")
    return node_args


@pytest.fixture(scope="module")
def plan() -> Plan:
    flows = {
        "main": {
            "edges": ["-> A", "A -> B", ("B -> part", each(True)), "part -> C", "C -> D"],
            "failures": ["D -> E"],
        },
        "part": {"edges": ["-> Fetch", "Fetch -> Keep"], "tags": "books"},
    }
    tagged = {"A": {"queue": "slow", "tags": "money"}, "D": {"tags": ["money"]}, "E": {"tags": ["rare"]}}
    return build(flows, {**tagged, "Fetch": {"max_retry": 0}})


@pytest.fixture(scope="module")
def run(plan: Plan) -> LocalRun:
    does = {"items": [1, 2, 3], "Fetch": _fails_for_two, "D": failing(9, KeyError("x")), "C": {"page": {"x": 1}}}
    return play(plan, {"shop": {"id": 7}}, does)


def _picked(plan: Plan, run: LocalRun, *select: str) -> set[str]:
    found = preview(plan, run, *select)
    lineage = found.recorded.seen.lineage
    return {lineage.label(id) for id in found.selected}


@pytest.mark.parametrize(
    ("select", "picked"),
    [
        ("A", "A"),
        ("part#2", "part#2"),
        ("part/Fetch", "part/Fetch#1 part/Fetch#2 part/Fetch#3"),
        ("part/Fetch#3", "part/Fetch#3"),
        ("[AB]", "A B"),
        ("*/F*", "part/Fetch#1 part/Fetch#2 part/Fetch#3"),
        ("A B", "A B"),
        ("state:failed", "part/Fetch#2 part#2"),
        ("state:handled", "D#1 D#2"),
        ("state:unfinished", ""),
        ("error:LookupError", "part/Fetch#2"),
        ("error:*Error,flow:main", "D#1 D#2 part#2"),
        ("queue:slow", "A"),
        ("flow:part,state:success", "part/Fetch#1 part/Fetch#3 part/Keep#1 part/Keep#2"),
        ("tag:money", "A D#1 D#2"),
        ("tag:m*,A tag:rare", "A E#1 E#2"),
        ("tag:books", "part#1 part#2 part#3"),
        ("class:*trying*,A", "A"),
        ("args.shop.id=7,A", "A"),
        ("args.shop.id=8", ""),
        ("changed", ""),
        ("B+1", "B part#1 part#2 part#3"),
        ("part/Fetch#1+1", "part/Fetch#1 part/Keep#1 C#1"),
        ("part/Keep#1+,flow:main", "C#1 D#1 E#1"),
        ("+part/Keep#1", "part/Keep#1 part/Fetch#1 B A"),
        ("1+C#1", "C#1 part#1"),
        ("C#1+", "C#1 D#1 E#1"),
    ],
)
def test_what_is_picked(plan: Plan, run: LocalRun, select: str, picked: str) -> None:
    assert _picked(plan, run, select) == set(picked.split())


def test_a_project_without_tags_says_where_they_are_written() -> None:
    plan = build({"main": ["-> A"]})
    with pytest.raises(SelectorError) as caught:
        preview(plan, play(plan), "tag:money")
    assert caught.value.hint == "tags are written as tags: [..] of a task or a flow"


@pytest.mark.parametrize(
    ("select", "message", "hint"),
    [
        ("", "a selector is empty", ""),
        ("A,", "nothing between two commas", ""),
        ("+", "has no name", "+NAME"),
        ("2+", "has no name", ""),
        ("Fetch", "Fetch did not run in flow main", "part/Fetch"),
        ("part/Fecth", "no node Fecth ran", "did you mean Fetch?"),
        ("Nothing", "no node Nothing ran", "these ran: A, B"),
        ("part#4", "part has 3 runs", ""),
        ("A#2", "A has 1 run", "write A#1"),
        ("A#x", "has no number after #", "NAME#2"),
        ("Z*", "no node run fits", ""),
        ("F*", "no node run fits", "part/F*"),
        ("state:fialed", "no state 'fialed'", 'did you mean "failed"?'),
        ("stat:failed", "there is no stat:", 'did you mean "state"?'),
        ("flow:prat", "no flow prat ran", 'did you mean "part"?'),
        ("args.x", "says no value", "args.KEY=VALUE"),
        ("queue:", "names nothing", ""),
        ("tag:mony", "no task and no flow has the tag mony", 'did you mean "money"?'),
        ("tag:x", "has the tag x", "known are: books, money, rare"),
    ],
)
def test_what_is_wrong(plan: Plan, run: LocalRun, select: str, message: str, hint: str) -> None:
    with pytest.raises(SelectorError) as caught:
        preview(plan, run, select)
    assert message in str(caught.value)
    assert hint in caught.value.hint
