"""Messages are data from anywhere: what does not fit is refused, and never gets further."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import InvalidTaskError
from hypothesis import given
from hypothesis import strategies as st

from selinon_core.celery.transport.message_schema import read_dispatch, read_nodes
from selinon_core.celery.worker.celery_request import check_form
from selinon_core.errors import MessageRefused
from selinon_core.project import compile_text
from tests.celery.simulation import World

START = {"v": 1, "action": "start", "flow": "order", "id": "run"}
NODE = {"v": 1, "flow": "order", "id": "run", "number": 1, "task": "Ship"}
BODY = [[], {"v": 1}, {"chord": None}]
YAML = """
tasks:
  - {name: Ship, import: json, classname: JSONDecoder}
flow-definitions:
  - {name: order, edges: [{from: , to: Ship}]}
"""

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
    world._handle(world.engines[0], "selinon.Dispatcher", {**START, **parts}, {}, False)


@pytest.mark.parametrize("payload", [None, [], [1], {}, "text", [[], {}], [[], [], {}], [{}, {}, {}], [[], {}, 1]])
def test_a_body_that_celery_would_stumble_over_is_invalid(payload: Any) -> None:
    with pytest.raises(InvalidTaskError):
        check_form(SimpleNamespace(payload=payload, headers={}))
    for good in (BODY, {"task": "selinon.Dispatcher", "id": "1", "args": [], "kwargs": {}}):
        check_form(SimpleNamespace(payload=good, headers={}))


@pytest.mark.parametrize("limit", ["abc", 5, [1], ["1", None]])
def test_a_time_limit_that_celery_would_stumble_over_is_invalid(limit: Any) -> None:
    with pytest.raises(InvalidTaskError):
        check_form(SimpleNamespace(payload=BODY, headers={"timelimit": limit}))
    for good in (None, [None, None], [7.0, None]):
        check_form(SimpleNamespace(payload=BODY, headers={"timelimit": good}))
