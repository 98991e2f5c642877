"""Messages are data from anywhere: what does not fit is refused, and never gets further."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import InvalidTaskError
from hypothesis import given
from hypothesis import strategies as st

from selinon_core.celery.transport.message_limits import MAX_DEPTH, check_json
from selinon_core.celery.transport.message_schema import read_dispatch, read_nodes, split_payload
from selinon_core.celery.worker.celery_request import check_form
from selinon_core.errors import MessageRefused, RequestError
from selinon_core.project import compile_text
from selinon_core.simulating.world import World

START = {"v": 1, "action": "start", "flow": "order", "id": "run"}
NODE = {"v": 1, "flow": "order", "id": "run", "number": 1, "task": "Ship"}
BODY = [[], {"v": 1}, {"chord": None}]
YAML = """
tasks:
  - {name: Ship, import: json, classname: JSONDecoder}
flow-definitions:
  - {name: order, edges: [{from: , to: Ship}]}
"""


def message(payload: Any, **headers: Any) -> Any:
    """A message as Celery's main process has it."""
    return SimpleNamespace(payload=payload, headers=headers, body=json.dumps(payload))


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "parts",
    [
        {"parent": {"Ship": 1}},
        {"parent": {"flow": {"Ship": [1]}}},
        {"failures": {"Ship": 1}},
        {"result_locations": {"id": ["order"]}},
        {"selective": {"tasks": ["Ship"]}},
        {"selective": {"tasks": [1], "edges": {}}},
        {"selective": {"tasks": [], "edges": {"order": {"first": []}}}},
    ],
)
def test_what_is_not_of_its_shape_is_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(MessageRefused):
        read_dispatch({**START, **parts}, 1 << 20)
    if "selective" not in parts:
        with pytest.raises(MessageRefused):
            read_nodes({**NODE, **parts}, 1 << 20)


@given(
    parts=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("parent", "failures", "result_locations", "selective"), json_values)
    )
)
def test_a_start_that_is_not_refused_can_be_begun(parts: dict[str, Any]) -> None:
    try:
        read_dispatch({**START, **parts}, 1 << 20)
    except MessageRefused:
        return
    plan = compile_text({"nodes.yaml": YAML}).plan
    assert plan is not None
    world = World(plan, workers=1)
    world.handle(world.workers[0], "selinon.Dispatcher", {**START, **parts}, {}, False)


@pytest.mark.parametrize("payload", [None, [], [1], {}, "text", [[], {}], [[], [], {}], [{}, {}, {}], [[], {}, 1]])
def test_a_body_that_celery_would_stumble_over_is_invalid(payload: Any) -> None:
    with pytest.raises(InvalidTaskError):
        check_form(message(payload))
    for good in (BODY, {"task": "selinon.Dispatcher", "id": "1", "args": [], "kwargs": {}}):
        check_form(message(good))


@pytest.mark.parametrize("limit", ["abc", 5, [1], ["1", None]])
def test_a_time_limit_that_celery_would_stumble_over_is_invalid(limit: Any) -> None:
    with pytest.raises(InvalidTaskError):
        check_form(message(BODY, timelimit=limit))
    for good in (None, [None, None], [7.0, None]):
        check_form(message(BODY, timelimit=good))


@pytest.mark.parametrize("action", ["start", "wake", "cancel"])
@pytest.mark.parametrize("key", ["flow", "id"])
@pytest.mark.parametrize("text", ["", "a\nb", "a\x00b", "\x1b[31m", "\ud800", "\u2028", "x" * 256, 7, ["a"], None])
def test_names_and_ids_fit_in_a_line_and_in_every_store(action: str, key: str, text: Any) -> None:
    with pytest.raises(MessageRefused, match=f'"{key}" is not a'):
        read_dispatch({**START, "action": action, key: text}, 1 << 20)
    if action == "start":
        with pytest.raises(MessageRefused, match=f'"{key}" is not a'):
            read_nodes({**NODE, key: text}, 1 << 20)


def test_an_id_is_at_most_as_long_as_keys_of_every_store() -> None:
    read_dispatch({**START, "id": "x" * 64}, 1 << 20)
    with pytest.raises(MessageRefused, match='"id" is not an id'):
        read_dispatch({**START, "id": "x" * 65}, 1 << 20)


@pytest.mark.parametrize("key", ["number", "delivery"])
@pytest.mark.parametrize("number", [-1, 1 << 31, 1 << 64, True, "1", 1.0])
def test_numbers_fit_in_every_store(key: str, number: Any) -> None:
    with pytest.raises(MessageRefused, match=f'"{key}" is not a count'):
        read_nodes({**NODE, key: number}, 1 << 20)


@pytest.mark.parametrize(
    "caller",
    [[], "run", ["run", 0, "f"], ["run", 1 << 31, "f"], ["a\nb", 1, "f"], ["r", 1, "f\n"], ["r", True, "f"]],
)
def test_a_caller_is_an_id_a_number_and_a_name(caller: Any) -> None:
    with pytest.raises(MessageRefused, match='"caller" is not a caller'):
        read_dispatch({**START, "caller": caller}, 1 << 20)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"action": "dance"}, "not an action"),
        ({"parent": []}, '"parent" is not a mapping'),
        ({"parent": {"a": 1}}, '"parent" contains a value that is not an id'),
        ({"selective": {"a": 1}}, '"selective" is not a selection'),
        ({"v": "7"}, "its format is '7', which is not a number"),
    ],
)
def test_why_a_message_was_refused_is_a_sentence(parts: dict[str, Any], text: str) -> None:
    with pytest.raises(MessageRefused, match=text):
        read_dispatch({**START, **parts}, 1 << 20)


@pytest.mark.parametrize(
    "args", [float("nan"), {"a": float("inf")}, [float("nan")] * 200], ids=["plain", "flat", "long"]
)
def test_numbers_that_json_does_not_have_are_refused(args: Any) -> None:
    for read, fields in ((read_dispatch, START), (read_nodes, NODE)):
        with pytest.raises(MessageRefused, match=r"not finite|does not have"):
            read({**fields, "args": args}, 1 << 20)


def test_what_is_nested_too_deeply_is_refused_before_it_is_pickled() -> None:
    """Celery's main process pickles messages for its pool, and ends when it runs out of stack."""
    check_json(nested(MAX_DEPTH), 1 << 20)
    read_dispatch({**START, "args": nested(MAX_DEPTH)}, 1 << 20)
    check_form(message([[], {**START, "args": nested(MAX_DEPTH)}, {}]))
    check_form(message([[], {**NODE, "nodes": [{"args": nested(MAX_DEPTH)}]}, {}]))
    for levels in (500, 900):
        with pytest.raises(RequestError, match="more than 100 lists and mappings"):
            check_json(nested(levels), 1 << 20)
        with pytest.raises(MessageRefused, match="more than 100 lists and mappings"):
            read_dispatch({**START, "args": nested(levels)}, 1 << 20)
        with pytest.raises(InvalidTaskError, match="more than 100 lists and mappings"):
            check_form(message([[], {**START, "args": {"d": nested(levels)}}, {}]))


def test_a_deep_value_of_a_flow_stays_in_the_store() -> None:
    """Results become arguments without a caller that could be notified."""
    inline, payload = split_payload({"args": nested(500), "parent": {"A": "id"}})
    assert inline == {"parent": {"A": "id"}}
    assert payload is not None
    assert split_payload({"args": nested(20)}) == ({"args": nested(20)}, None)


@pytest.mark.parametrize("header", ["id", "root_id", "shadow"])
@pytest.mark.parametrize("text", ["a\nforged", "\x1b[2J", "x" * 400, 7, ["a"]])
def test_headers_that_celery_logs_fit_in_a_line(header: str, text: Any) -> None:
    with pytest.raises(InvalidTaskError, match=f'"{header}" is not a name'):
        check_form(message(BODY, **{header: text}))
    check_form(message(BODY, id="0", root_id="0", shadow="selinon.task.Ship", parent_id=None))
