"""What operators may do from the page: one run, many runs, what is refused, and that twice is once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from selinon_core.web.access import ACTION_HEADER
from selinon_core.web.actions import ACTIONS, actions_of
from tests.web.viewed import Client, Viewed

UNKNOWN = "00000000-0000-4000-8000-00000000abcd"


def authorize(request: Any) -> Any:
    return "operator", request.headers.get("x-user", "anna")


class Operator:
    """A client that may act."""

    def __init__(self, shop: Viewed, **options: Any) -> None:
        self.app = shop.page(authorize=authorize, **options)
        self.client = Client(self.app)

    def post(self, path: str, status: int, **body: Any) -> Any:
        answer = self.client.request("POST", path, json=body, headers={ACTION_HEADER: "1"})
        assert answer.status_code == status, answer.text
        return answer.json()

    def refused(self, path: str, status: int, **body: Any) -> dict[str, str]:
        found = self.post(path, status, **body)
        assert found["error"].keys() == {"code", "message", "hint"}
        error: dict[str, str] = found["error"]
        return error

    def ended(self, token: str) -> Any:
        """The progress of a batch when it has ended."""
        while (found := self.client.get(f"/api/batch/{token}").json())["state"] == "running":
            time.sleep(0.001)
        return found


@pytest.fixture
def operator(shop: Viewed) -> Iterator[Operator]:
    operator = Operator(shop)
    yield operator
    operator.app.state.close()


def mend(shop: Viewed) -> None:
    """From now on nothing is declined."""
    import viewed_tasks  # type: ignore[import-not-found]

    viewed_tasks.Charge.run = lambda self, node_args: None


def status(shop: Viewed, id: str) -> str:
    header = shop.world.store.header(id)
    assert header is not None
    return header["status"]


def asked(shop: Viewed) -> list[tuple[str, str, str | None]]:
    """The audit, oldest first."""
    return [(entry.who, entry.what, entry.run) for entry in reversed(shop.world.store.audit.read().entries)]


# -- one run ------------------------------------------------------------------------------------------------------


def test_a_failed_run_is_retried(shop: Viewed, operator: Operator) -> None:
    id = shop.finished("order", {"declined": True, "pages": 1})
    before = shop.world.store.read(id)
    looked = operator.post(f"/api/runs/{id}/retry", 200, dry_run=True)
    assert looked["nodes"] == {"Charge": 1}
    assert looked["says"] == "Runs again: Charge. Nothing that succeeded runs again."
    assert (shop.world.store.read(id), asked(shop)) == (before, [])
    mend(shop)
    did = operator.post(f"/api/runs/{id}/retry", 202, log_version=looked["log_version"])
    assert (did["run"], did["action"], did["says"]) == (id, "retry", looked["says"])
    assert asked(shop) == [("anna", "retry", id)]
    shop.world.work()
    assert status(shop, id) == "success"


def test_a_failed_run_is_run_again_as_a_new_one(shop: Viewed, operator: Operator) -> None:
    id = shop.finished("order", {"declined": True, "pages": 1})
    before = shop.world.store.read(id)
    looked = operator.post(f"/api/runs/{id}/rerun", 200, dry_run=True)
    assert looked["nodes"]["Charge"] == 1
    assert looked["says"].startswith(f"Starts a new run of order, {looked['starts']}. It runs: Charge")
    assert asked(shop) == []
    mend(shop)
    did = operator.post(f"/api/runs/{id}/rerun", 202, log_version=looked["log_version"])
    assert (did["run"], did["starts"], did["warnings"]) == (id, looked["starts"], [])
    assert asked(shop) == [("anna", "rerun", id)]
    shop.world.work()
    assert f'<dt>Runs again</dt><dd><a href="../runs/{id}">' in shop.client().get(f"/runs/{did['starts']}").text
    shop.world.work()
    assert status(shop, did["starts"]) == "success"
    assert shop.world.store.read(id) == before
    error = operator.refused(f"/api/runs/{id}/rerun", 409)
    assert error["message"] == f"flow run {id} was run again already, as flow run {did['starts']}"
    assert "list of 1 to 100 selectors" in operator.refused(f"/api/runs/{id}/rerun", 400, select=7)["message"]
    assert "no node Chargee ran" in operator.refused(f"/api/runs/{id}/rerun", 409, select=["Chargee"])["message"]
    looked = operator.post(f"/api/runs/{did['starts']}/rerun", 200, dry_run=True, select=["Charge"])
    assert looked["says"].endswith("These succeeded, and run once more: Charge, Ship.")


def test_named_nodes_are_retried(shop: Viewed, operator: Operator) -> None:
    id = shop.finished("order", {"declined": True, "pages": 1})
    assert operator.refused(f"/api/runs/{id}/retry", 409, nodes=["Load"])["message"].endswith("did not fail")
    assert "did you mean" in operator.refused(f"/api/runs/{id}/retry", 409, nodes=["Chargee"])["message"]
    operator.post(f"/api/runs/{id}/retry", 202, nodes=["Charge"])
    (entry,) = shop.world.store.audit.read(id).entries
    assert entry.details == {"nodes": ["Charge"]}


def test_a_running_run_is_cancelled(shop: Viewed, operator: Operator) -> None:
    id = shop.begun("order", {"pages": 1})
    looked = operator.post(f"/api/runs/{id}/cancel", 200, dry_run=True)
    assert looked["says"].endswith("Not ended yet: Load. Tasks that run finish, sub-flows end too.")
    operator.post(f"/api/runs/{id}/cancel", 202)
    shop.world.work()
    assert status(shop, id) == "cancelled"


def test_a_run_is_ended_with_the_tasks_that_run(shop: Viewed, operator: Operator) -> None:
    id = shop.begun("order", {"pages": 1})
    shop.world.store.claim_delivery(id, 1, 0, False, shop.world.now)  # a worker runs Load
    shop.control.pools = {"w1@a": "celery.concurrency.thread:TaskPool"}
    looked = operator.post(f"/api/runs/{id}/terminate", 200, dry_run=True)
    assert looked["nodes"] == {"Load": 1}
    assert looked["says"].endswith("Stops the tasks that run, which clean nothing up: Load.")
    assert (shop.control.revoked, asked(shop)) == ([], [])
    did = operator.post(f"/api/runs/{id}/terminate", 202, log_version=looked["log_version"])
    (warning,) = did["warnings"]
    assert warning.startswith("Worker w1@a has the pool thread, which cannot stop a task")
    assert len(shop.control.revoked) == 1
    shop.world.work()
    assert status(shop, id) == "cancelled"
    assert asked(shop) == [("anna", "cancel", id)]
    assert operator.refused(f"/api/runs/{id}/terminate", 409)["code"] == "wrong_status"


def test_a_run_without_tasks_at_work_says_so(shop: Viewed, operator: Operator) -> None:
    id = shop.begun("order", {"pages": 1})
    looked = operator.post(f"/api/runs/{id}/terminate", 200, dry_run=True)
    assert looked["says"].endswith("No task of it runs at a worker now.")
    assert operator.client.get(f"/api/runs/{id}").json()["actions"] == ["pause", "cancel", "terminate"]
    body = {"action": "terminate", "filter": {"flow": "order"}}
    assert "one run at a time" in operator.refused("/api/batch", 400, **body)["message"]


@pytest.mark.parametrize("action", ["retry", "cancel"])
def test_twice_is_once(shop: Viewed, operator: Operator, action: str) -> None:
    id = shop.begun("order", {"pages": 1, "declined": True})
    if action == "retry":
        shop.world.work()
    for _ in range(2):
        operator.post(f"/api/runs/{id}/{action}", 202)
    shop.world.work()
    log = "".join(shop.world.store.read(id)[1])  # type: ignore[index]
    assert log.count('["R"' if action == "retry" else '["k"') == 1


def test_a_run_is_paused_and_resumed(shop: Viewed, operator: Operator) -> None:
    id = shop.begun("order", {"pages": 1, "declined": True})
    operator.post(f"/api/runs/{id}/resume", 409)
    for action, status, number in (("pause", "paused", "1"), ("resume", "failure", "2")):
        for _ in range(2):  # twice is once
            operator.post(f"/api/runs/{id}/{action}", 202)
        shop.world.work()
        header = shop.world.store.header(id)
        assert header is not None
        assert header["paused"] == number
        assert operator.client.get(f"/api/runs/{id}").json()["status"] == status


def test_a_queued_run_can_be_paused_and_cancelled() -> None:
    assert actions_of("queued") == ["pause", "cancel"]


def test_what_the_status_does_not_allow_is_refused(shop: Viewed, operator: Operator) -> None:
    id = shop.finished("order", {"pages": 1})
    error = operator.refused(f"/api/runs/{id}/retry", 409)
    assert (error["code"], error["message"]) == ("wrong_status", f"flow run {id} succeeded")
    assert error["hint"] == "only a run with status failure can be retried"
    assert operator.refused(f"/api/runs/{id}/cancel", 409)["code"] == "wrong_status"
    assert asked(shop) == []


def test_a_run_that_went_on_since_it_was_looked_at_is_left_alone(shop: Viewed, operator: Operator) -> None:
    id = shop.begun("order", {"pages": 1})
    looked = operator.post(f"/api/runs/{id}/cancel", 200, dry_run=True)
    shop.world.work_some(2)
    error = operator.refused(f"/api/runs/{id}/cancel", 409, log_version=looked["log_version"])
    assert error["code"] == "changed"
    assert asked(shop) == []


def test_what_is_not_known_is_not_found(shop: Viewed, operator: Operator) -> None:
    id = shop.finished("order", {"pages": 1})
    assert operator.refused(f"/api/runs/{UNKNOWN}/retry", 404)["code"] == "no_such_run"
    error = operator.refused(f"/api/runs/{id}/retyr", 404)
    assert (error["code"], error["hint"]) == ("no_such_action", f"there are: {', '.join(ACTIONS)}")
    assert 'did you mean "retry"?' in error["message"]


def test_while_store_or_broker_are_away_it_says_so(shop: Viewed, operator: Operator) -> None:
    id = shop.finished("order", {"declined": True, "pages": 1})
    shop.broker.away = True
    assert operator.refused(f"/api/runs/{id}/retry", 503)["code"] == "broker_away"
    shop.store.away = True
    assert operator.refused(f"/api/runs/{id}/retry", 503)["code"] == "store_away"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"node": ["Charge"]}, 'there is no "node"; did you mean "nodes"?'),
        ({"nodes": []}, "1 to 100 names"),
        ({"nodes": "Charge"}, "1 to 100 names"),
        ({"nodes": ["x"] * 101}, "1 to 100 names"),
        ({"dry_run": "yes"}, "true or false"),
        ({"log_version": "7"}, "a number"),
    ],
    ids=str,
)
def test_a_body_that_cannot_be_read_is_refused(shop: Viewed, operator: Operator, body: Any, says: str) -> None:
    id = shop.finished("order", {"declined": True, "pages": 1})
    assert says in operator.refused(f"/api/runs/{id}/retry", 400, **body)["message"]
    assert asked(shop) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"nodes": ["\\ud800"]}', b"[" * 60_000, b"\xff", b"NaN"])
def test_what_is_no_json_object_is_refused(shop: Viewed, operator: Operator, body: bytes) -> None:
    headers = {ACTION_HEADER: "1", "content-type": "application/json"}
    answer = operator.client.request("POST", f"/api/runs/{UNKNOWN}/retry", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


# -- many runs ----------------------------------------------------------------------------------------------------


def test_many_runs_are_previewed_and_then_retried(shop: Viewed, operator: Operator) -> None:
    failed = [shop.finished("order", {"declined": True, "pages": 1}) for _ in range(7)]
    shop.finished("order", {"pages": 1})
    looked = operator.post("/api/batch", 200, action="retry", filter={"flow": "order", "since": "1d"})
    assert (looked["matched"], looked["more"], len(looked["sample"])) == (7, False, 5)
    assert looked["sample"][0]["says"].startswith("Runs again: Charge.")
    later = shop.finished("order", {"declined": True, "pages": 1})
    mend(shop)
    assert asked(shop) == []
    started = operator.post("/api/batch", 202, token=looked["token"], rate="1000/s")
    assert started["matched"] == 7
    found = operator.ended(looked["token"])
    assert (found["state"], found["done"], found["refused"], found["left"]) == ("ended", 7, 0, 0)
    again = operator.post("/api/batch", 202, token=looked["token"])
    assert again["state"] == "ended"
    assert sorted(run for _, _, run in asked(shop) if run) == sorted(failed)
    shop.world.work()
    assert {status(shop, id) for id in failed} == {"success"}
    assert status(shop, later) == "failure"


def test_runs_that_are_refused_are_named(shop: Viewed, operator: Operator) -> None:
    first, _ = (shop.finished("order", {"declined": True, "pages": 1}) for _ in range(2))
    looked = operator.post("/api/batch", 200, action="retry", filter={"status": ["failure"]})
    mend(shop)
    operator.post(f"/api/runs/{first}/retry", 202)
    shop.world.work()
    operator.post("/api/batch", 202, token=looked["token"], rate="1000/s")
    found = operator.ended(looked["token"])
    assert (found["done"], found["refused"]) == (1, 1)
    assert found["refusals"] == [{"run": first, "code": "wrong_status", "message": f"flow run {first} succeeded"}]


def test_a_batch_is_bounded(shop: Viewed, operator: Operator) -> None:
    for _ in range(3):
        shop.finished("order", {"declined": True, "pages": 1})
    looked = operator.post("/api/batch", 200, action="retry", filter={"flow": "order"}, limit=2, dry_run=True)
    assert (looked["matched"], looked["more"]) == (2, True)


def test_a_batch_can_be_stopped(shop: Viewed, operator: Operator) -> None:
    for _ in range(2):
        shop.finished("order", {"declined": True, "pages": 1})
    looked = operator.post("/api/batch", 200, action="retry", filter={"flow": "order"})
    operator.post("/api/batch", 202, token=looked["token"], rate="1/h")
    operator.post(f"/api/batch/{looked['token']}/stop", 202)
    found = operator.ended(looked["token"])
    assert (found["state"], found["reason"]) == ("stopped", "it was stopped")
    assert found["done"] + found["left"] == 2
    assert found["left"] >= 1


def test_a_batch_stops_while_the_broker_is_away(shop: Viewed, operator: Operator) -> None:
    shop.finished("order", {"declined": True, "pages": 1})
    looked = operator.post("/api/batch", 200, action="retry", filter={"flow": "order"})
    shop.broker.away = True
    operator.post("/api/batch", 202, token=looked["token"])
    found = operator.ended(looked["token"])
    assert (found["state"], found["left"]) == ("stopped", 1)
    assert found["reason"].startswith("the broker is away")


def test_a_token_is_that_of_its_user_and_of_ten_minutes(shop: Viewed) -> None:
    clock = [0.0]
    operator = Operator(shop)
    (batches,) = [route.endpoint.__self__.batches for route in operator.app.routes if route.path == "/api/batch"]
    batches._surroundings = batches._surroundings._replace(monotonic=lambda: clock[0])
    shop.finished("order", {"declined": True, "pages": 1})
    token = operator.post("/api/batch", 200, action="retry", filter={"flow": "order"})["token"]
    assert operator.refused("/api/batch", 409, token="x" * 20)["code"] == "no_such_batch"
    assert operator.client.get(f"/api/batch/{token}", x_user="bert").status_code == 409
    clock[0] = 599.0
    assert operator.client.get(f"/api/batch/{token}").json()["state"] == "previewed"
    clock[0] = 601.0
    assert operator.refused("/api/batch", 409, token=token)["code"] == "no_such_batch"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, '"action" has to be'),
        ({"action": "retry"}, '"filter" has to be an object'),
        ({"action": "retry", "filter": {}}, "means all runs"),
        ({"action": "retry", "filter": {"flow": ""}}, "means all runs"),
        ({"action": "retry", "filter": {"flows": "order"}}, 'there is no filter "flows"'),
        ({"action": "retry", "filter": {"cursor": "1,x"}}, 'there is no filter "cursor"'),
        ({"action": "retry", "filter": {"since": "yesterday"}}, "write how long ago"),
        ({"action": "retry", "filter": {"flow": 7}}, "a text, or a list"),
        ({"action": "retry", "filter": {"status": "success"}}, "cannot be retried"),
        ({"action": "retry", "filter": {"flow": "order"}, "limit": 0}, "from 1 to 10000"),
        ({"action": "retry", "filter": {"flow": "order"}, "limit": True}, "from 1 to 10000"),
        ({"action": "retry", "filter": {"flow": "order"}, "rate": "fast"}, "not a rate"),
        ({"action": "retry", "filter": {"flow": "order"}, "rate": "0/s"}, "not a rate"),
        ({"action": "retry", "filter": {"flow": "order"}, "dry_run": False}, "previewed first"),
        ({"action": "retry", "filter": {"flow": "order"}, "parameters": {"node": "x"}}, '"parameters"'),
        ({"token": "x" * 20, "action": "retry"}, "leave the others"),
        ({"token": "x" * 20, "dry_run": True}, "without"),
    ],
    ids=str,
)
def test_a_batch_that_cannot_be_read_is_refused(shop: Viewed, operator: Operator, body: Any, says: str) -> None:
    assert says in operator.refused("/api/batch", 400, **body)["message"]


def test_the_audit_is_shown(shop: Viewed, operator: Operator) -> None:
    id = shop.begun("order", {"pages": 1})
    other = shop.begun("order", {"pages": 1})
    for each in (id, other):
        shop.world.now += 1
        operator.post(f"/api/runs/{each}/cancel", 202)
    found = operator.client.get("/api/audit").json()
    assert [(entry["who"], entry["what"], entry["run"]) for entry in found["entries"]] == [
        ("anna", "cancel", other),
        ("anna", "cancel", id),
    ]
    assert len(operator.client.get(f"/api/audit?run={id}").json()["entries"]) == 1
    assert operator.client.get("/api/audit?cursor=x").status_code == 400
