"""Events survive the trip through JSON text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core.dispatch import FlowOutcome, SelectiveRun, flow_indexes
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import _READERS, decode_event, encode_event, required_format
from selinon_core.dispatch.references import Referring
from selinon_core.errors import FormatSkew
from tests.dispatch.plans import A_TEMPLATE, edge, failure, flow, plan

numbers = st.integers(1, 10**6)
texts = st.text(max_size=8)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
given_args = st.one_of(
    st.tuples(st.just(0), values).map(list),
    st.tuples(st.just(0), values, st.dictionaries(texts, texts, max_size=2)).map(list),
    st.tuples(st.just(1), texts).map(list),
)
ids = st.dictionaries(texts, st.lists(texts, max_size=3), max_size=3)


def outcomes(depth: int = 2) -> st.SearchStrategy[FlowOutcome]:
    below = (
        st.just({}) if not depth else st.dictionaries(texts, st.lists(outcomes(depth - 1), max_size=2), max_size=2)
    )
    active = st.lists(st.fixed_dictionaries({"name": texts, "id": texts}), max_size=2)
    flags = st.booleans()
    plain = st.builds(
        FlowOutcome, flags, ids, ids, active, below, st.none() | texts, flags, flags, st.lists(texts).map(tuple)
    )
    return plain | st.builds(FlowOutcome.with_output, plain, values)


selectives = st.builds(
    SelectiveRun,
    st.lists(texts, max_size=3).map(tuple),
    st.dictionaries(texts, st.dictionaries(st.integers(0, 9), st.lists(texts).map(tuple), max_size=2), max_size=2),
)
events = st.one_of(
    st.builds(
        on.FlowStarted,
        values,
        st.dictionaries(texts, values, max_size=3),
        st.none() | ids,
        st.none() | selectives,
        st.none() | texts,
        st.none() | texts,
    ),
    st.builds(on.NodeSucceeded, numbers, st.none() | outcomes()),
    st.builds(on.NodeFailed, numbers, st.none() | outcomes()),
    st.builds(on.ConditionAnswered, numbers, st.booleans(), st.lists(st.none() | st.booleans(), max_size=4)),
    st.builds(on.ForeachAnswered, numbers, st.none() | st.lists(values, max_size=3)),
    st.builds(on.ReuseAnswered, numbers, st.none() | texts, st.none() | outcomes(), st.none() | texts),
    st.builds(on.FirstResultAnswered, numbers, values),
    st.builds(on.ArgsAnswered, numbers, st.lists(given_args, max_size=3)),
    st.builds(on.OutputAnswered, numbers, values),
    st.builds(on.QuestionDeferred, numbers),
    st.builds(on.QuestionFailed, numbers, texts),
    st.builds(on.RetryDue),
    st.builds(on.DeadlinePassed),
    st.builds(on.FlowCancelled),
)


def shown(value: Any) -> Any:
    """An event, or what is in it, as something that can be compared."""
    if isinstance(value, FlowOutcome):
        return value.to_json()
    if isinstance(value, on.Event):  # type: ignore[arg-type]
        return type(value).__name__, {name: shown(getattr(value, name)) for name in value.__slots__}
    return value


@given(events)
def test_what_is_decoded_is_what_was_encoded(event: on.Event) -> None:
    assert shown(decode_event(json.loads(encode_event(event)))) == shown(event)


@given(numbers)
def test_frequent_events_take_a_few_bytes(number: int) -> None:
    assert len(encode_event(on.NodeSucceeded(number))) <= 13


@pytest.mark.parametrize(
    "parts",
    [[], [1], [None], [[]], {}, ["+"], ["c", 1], ["S", 1], ["c", 1, 1, 1], ["g", 1, [[2, 1]]], ["g", 1, [1]]],
)
def test_what_is_no_event_is_refused(parts: list[Any]) -> None:
    with pytest.raises(ValueError, match="not an event"):
        decode_event(parts)


@given(events)
def test_parts_behind_those_that_are_known_are_ignored(event: on.Event) -> None:
    parts = json.loads(encode_event(event))
    written = len(parts)
    longest = _READERS[parts[0]].parts
    parts += [None] * (longest - written) + ["of a newer selinon", 1]
    assert type(decode_event(parts)) is type(event)
    if written == longest:
        assert shown(decode_event(parts)) == shown(event)


@pytest.mark.parametrize("parts", [["?"], ["Q", [1]], ["cc", 1, 2]])
def test_an_event_of_an_unknown_kind_is_for_newer_workers(parts: list[Any]) -> None:
    with pytest.raises(FormatSkew, match="a newer selinon wrote it"):
        decode_event(parts)


def test_a_start_that_is_not_refused_is_written_as_ever() -> None:
    assert encode_event(on.FlowStarted({"n": 1})) == '["S",{"n":1},{},null,null]'
    assert encode_event(on.FlowStarted({"n": 1}, refused="why")) == '["S",{"n":1},{},null,null,"why"]'


def test_what_data_flow_adds_to_the_log() -> None:
    assert (
        encode_event(on.ArgsAnswered(7, [[0, {"n": 1}], [1, "why not"]])) == '["g",7,[[0,{"n":1}],[1,"why not"]]]'
    )
    assert encode_event(on.OutputAnswered(8, None)) == '["o",8,null]'


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ({}, 1),
        ({"output": A_TEMPLATE}, 2),
        ({"input_schema": {}}, 2),
        ({"edges": [edge(None, "A", args=True)]}, 2),
        ({"failures": [failure("A", "F", args=True)]}, 2),
        ({"edges": [edge(None, "A", foreach=True, condition=True)], "failures": [failure("A", "F")]}, 1),
    ],
)
def test_only_runs_of_flows_with_data_flow_need_the_second_format(options: dict[str, Any], number: int) -> None:
    made = flow("main", options.pop("edges", [edge(None, "A")]), options.pop("failures", ()), **options)
    assert required_format(flow_indexes(plan(made))["main"]) == number


def test_what_the_expressions_of_a_condition_read_is_kept_if_there_is_any() -> None:
    event = on.ConditionAnswered(7, False, [False], {"A.total": 0})
    assert encode_event(event) == '["c",7,0,"f",{"A.total":0}]'
    assert shown(decode_event(["c", 7, 0, "f", {"A.total": 0}])) == shown(event)
    assert encode_event(on.ConditionAnswered(7, False, [False], {})) == '["c",7,0,"f"]'


def test_arguments_and_outputs_that_refer_to_results_stay_what_they_are() -> None:
    value = {"lines": {"$ref": ["order", "LoadOrder", "id", ["lines"]]}}
    for args in (value, Referring(value)):
        for event in (on.FlowStarted(args), on.OutputAnswered(7, args)):
            again = decode_event(json.loads(encode_event(event)))
            kept = again.args if isinstance(again, on.FlowStarted) else again.value  # type: ignore[union-attr]
            assert (kept, type(kept)) == (args, type(args))
        outcome = FlowOutcome(True, {}, {}, [], {}).with_output(args)
        again = FlowOutcome.from_json(json.loads(json.dumps(outcome.to_json())))
        assert (again.output, type(again.output)) == (args, type(args))
        assert outcome.state["output"] == value


def test_a_condition_without_the_values_of_its_leaves_is_of_an_older_worker() -> None:
    assert shown(decode_event(["c", 7, 1])) == (
        "ConditionAnswered",
        {"question": 7, "value": True, "leaves": [], "seen": None},
    )
    assert encode_event(on.ConditionAnswered(7, True, [True, False, None])) == '["c",7,1,"tf-"]'
