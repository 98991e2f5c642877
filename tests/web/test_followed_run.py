"""A run that is followed batch by batch says what ``status`` says, which reads everything anew each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import scripted

from selinon_core.celery.reporting.run_reader import RunReader
from selinon_core.celery.reporting.run_status import describe
from selinon_core.errors import RequestError
from selinon_core.project import compile_project
from selinon_core.simulating.world import World
from selinon_core.web.followed_run import FollowedRun
from selinon_core.web.run_json import groups_json
from tests.celery.stores import MARKED_KINDS, fresh_store
from tests.conformance.recorded import recorded_cases, write_configuration
from tests.web.viewed import Viewed, project

Json = dict[str, Any]

#: The start of a selective run is tried elsewhere.
CASES = [case for case in recorded_cases() if case["request"]["selective"] is None][::4]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_following_is_as_good_as_reading_anew(case: Json, tmp_path: Path) -> None:
    request = case["request"]
    plan = compile_project([write_configuration(case, tmp_path)]).plan
    assert plan is not None
    scripted.set_up(case["behaviour"])
    world = World(plan, workers=2, shuffle=True, seed=len(case["name"]))
    flows = world.workers[0].flow_versions
    id = world.start(request["flow"], request["node_args"])
    followed = FollowedRun(RunReader(world.store, flows), id)
    looks = 0
    busy = True
    while busy:
        busy = world.step()
        if world.store.header(id) is None:
            continue
        followed.catch_up()
        looks += 1
        compare(followed, describe(world.store, flows, id, depth=0))
    assert looks > 1


def compare(followed: FollowedRun, status: Json) -> None:
    assert followed.header is not None
    assert followed.header.status == status["status"]
    assert followed.undecided == status["undecided"]
    if followed.undecided:  # what waits in the inbox is known here, and not to status
        return
    expected = [(node["id"], node["number"], node["flow_attempt"]) for node in status["nodes"]]
    found = [(node.node.id, node.node.number, node.node.flow_attempt) for node in followed.nodes]
    assert found == expected
    for node, other in zip(followed.nodes, status["nodes"], strict=True):
        if node.node.is_flow and node.status == "running":
            continue  # a sub-flow that exists runs; status has its record only
        assert node.status == other["status"], node.node
        if node.status == "failure" and not node.node.is_flow:
            assert followed.error(node) == other["error"]
    counted = sum(group["count"] for group in groups_json(followed))
    assert counted == sum(node["flow_attempt"] == status["attempt"] for node in status["nodes"])


@pytest.mark.parametrize("kind", MARKED_KINDS)
def test_a_run_is_followed_in_every_store(kind: str, tmp_path: Path) -> None:
    with fresh_store(kind, tmp_path) as store, project(tmp_path, store=store) as shop:
        id = shop.begun("order", {"pages": 3, "declined": True})
        followed = FollowedRun(RunReader(store, shop.services.flow_versions), id)
        for _ in range(30):
            followed.catch_up()
            compare(followed, describe(store, shop.services.flow_versions, id, depth=0))
            shop.world.work_some(1)
        followed.catch_up()
        assert followed.header is not None
        assert followed.header.status == "failure"
        assert {node.node.name: node.status for node in followed.nodes}["Charge"] == "failure"


def test_a_run_that_starts_anew_under_its_id_is_read_anew(shop: Viewed) -> None:
    id = shop.finished("order", {"declined": True})
    followed = FollowedRun(RunReader(shop.store, shop.services.flow_versions), id)
    followed.catch_up()
    assert followed.header is not None
    assert followed.header.status == "failure"
    shop.world.store.clear()
    with pytest.raises(RequestError):
        followed.catch_up()
    shop.begun("order", {}, id)
    followed.catch_up()
    assert followed.header.status == "running"
    assert [node.status for node in followed.nodes] == ["waiting"]


def test_to_follow_a_run_reads_only_what_is_new(shop: Viewed) -> None:
    id = shop.begun("pages", {"pages": 30})
    followed = FollowedRun(RunReader(shop.store, shop.services.flow_versions), id)
    versions = []
    for _ in range(10):
        followed.catch_up()
        versions.append(followed.version)
        shop.world.work_some(1)
    assert shop.store.asked["read"] == 0
    assert shop.store.asked["since"] == 10
    assert versions == sorted(versions)
