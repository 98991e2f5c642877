"""What a retry would do is said before, and what cannot go on is refused with the reason."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from selinon_core.celery.reporting.run_status import describe
from selinon_core.celery.steering import Steering
from selinon_core.celery.steering.auditing import this_user
from selinon_core.errors import RequestError
from selinon_core.simulating.world import World
from tests.celery.broken_tasks import BROKEN, NESTED, SUCCEEDED, broken_plan, set_up


class Place:
    """Simulated workers, and the steering of their runs."""

    def __init__(self, flows: str = NESTED, *broken: str) -> None:
        set_up(*broken)
        self.world = World(broken_plan(flows))
        self.id = self.world.start("f")
        self.world.work()
        owner: Any = SimpleNamespace(services=self.world.workers[0])
        self.steering = Steering(owner)

    def retry(self, id: str, *nodes: str, by: str | None = None) -> Any:
        planned = self.steering.retry(id, nodes or None, by, timeout=None)
        self.world.work()
        return planned

    def status(self, id: str) -> dict[str, Any]:
        return describe(self.world.store, self.world.workers[0].flow_versions, id)

    def node(self, name: str, id: str = "") -> dict[str, Any]:
        found: dict[str, Any] = next(n for n in self.status(id or self.id)["nodes"] if n["name"] == name)
        return found

    def refused(self, id: str, *nodes: str) -> str:
        with pytest.raises(RequestError) as error:
            self.steering.preview(id, nodes or None)
        return str(error.value)


def test_a_failed_run_goes_on() -> None:
    place = Place(NESTED, "f.A")
    BROKEN.clear()
    planned = place.retry(place.id, by="me")
    assert ([node.name for node in planned.nodes], planned.decisions) == (["A"], 0)
    assert place.status(place.id)["status"] == "success"
    assert place.refused(place.id) == f"flow run {place.id} succeeded"


def test_a_request_that_is_sent_twice_counts_once() -> None:
    place = Place(NESTED, "f.A")
    first, second = place.steering.preview(place.id), place.steering.preview(place.id)
    place.steering.send(first, timeout=None)
    place.world.work()  # it fails again
    before = place.world.store.read(place.id)
    place.steering.send(second, timeout=None)
    place.world.work()
    assert place.world.store.read(place.id) == before


@pytest.mark.parametrize("by_id", [False, True])
def test_named_nodes_run_again(by_id: bool) -> None:
    place = Place(NESTED, "f.C", "g.A")
    BROKEN.clear()
    planned = place.retry(place.id, place.node("C")["id"] if by_id else "C")
    assert [node.name for node in planned.nodes] == ["C"]
    assert (place.node("C")["status"], place.node("g")["status"]) == ("success", "failure")


def test_a_subflow_goes_on_with_its_parents_and_nothing_else() -> None:
    place = Place(NESTED, "h.C", "f.C")
    g = place.node("g")["id"]
    h = place.node("h", g)["id"]
    BROKEN.clear()
    planned = place.retry(h)
    assert (planned.id, [node.name for node in planned.nodes]) == (place.id, ["g"])
    assert place.status(h)["status"] == place.status(g)["status"] == "success"
    assert place.node("C")["status"] == "failure"
    assert set(SUCCEEDED.values()) == {1}


def test_what_cannot_go_on_is_refused_with_the_reason() -> None:
    place = Place(NESTED, "f.B", "f.E", "f.C", "g.B")
    g = place.node("g")["id"]
    b = place.node("B")["id"]
    assert place.refused("gone") == "there is no flow run gone, or no worker has begun it"
    assert place.refused(place.id, "B") == f"the failure of B ({b}) is handled, by the fallback E"
    assert place.refused(place.id, "A") == f"A ({place.node('A')['id']}) did not fail"
    assert place.refused(place.id, "Charge") == 'no node run with the name or id "Charge" failed'
    assert "is that of a sub-flow, which goes on as a whole: leave the nodes out" in place.refused(g, "B")
    set_up()
    running = place.world.start("f")
    place.world.work_some(1)
    assert place.refused(running) == f"flow run {running} is running"
    place.world.cancel("f", running)
    place.world.work()
    assert place.refused(running) == f"flow run {running} was cancelled: start it again"


def test_a_subflow_whose_failure_is_handled_is_refused() -> None:
    flows = """
  - {name: f, edges: [{from: , to: g}], failures: [{nodes: g, fallback: A}]}
  - {name: g, edges: [{from: , to: B}]}
"""
    place = Place(flows, "g.B")
    g = place.node("g")["id"]
    assert place.refused(g) == f"flow run {place.id} succeeded"
    failing = Place(flows, "g.B", "f.A")
    g = failing.node("g")["id"]
    assert failing.refused(g) == (
        f"flow run {g} is below {failing.id}, where the failure of g ({g}) is handled, by the fallback A"
    )


def test_a_flow_that_changed_without_a_migration_is_refused() -> None:
    place = Place("  - {name: f, edges: [{from: , to: A}, {from: A, to: B}]}\n", "f.B")
    changed = broken_plan("  - {name: f, edges: [{from: , to: A}, {from: A, to: C}]}\n")
    place.world.deploy(0, changed)
    place.world.deploy(1, changed)
    before = place.world.store.read(place.id)
    place.world.retry("f", place.id)  # a worker refuses it too
    place.world.work()
    assert place.world.store.read(place.id) == before
    owner: Any = SimpleNamespace(services=place.world.workers[0])
    place.steering = Steering(owner)
    assert place.refused(place.id) == (
        f"flow run {place.id} cannot go on: its flow changed without a migration (selinon migrate writes one)"
    )


@pytest.mark.parametrize(
    ("by", "kept"),
    [("a\x1b[2J\nb", "a\\x1b[2J\\nb"), ("x" * 400, "x" * 255), ("", this_user())],
)
def test_who_asks_is_cleaned_before_it_is_audited_and_sent(by: str, kept: str) -> None:
    place = Place(NESTED, "f.A")
    BROKEN.clear()
    place.retry(place.id, by=by)
    (entry,) = place.world.store.audit.read(place.id).entries
    assert entry.who == kept
    assert place.status(place.id)["status"] == "success"
