"""What the API answers, and how it refuses what it cannot answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from selinon_core.celery.stores.items import LOG, PROGRESS, Item
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.redaction import redaction
from selinon_core.runtime.storages import Storages
from tests.celery.rerunning import rerun
from tests.web.viewed import HOSTILE, PROJECT, TASKS, Client, Viewed, project

Json = dict[str, Any]


def get(client: Client, path: str, status: int = 200) -> Json:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    value = answer.json()
    assert isinstance(value, dict)
    assert value["version"] == 1
    return value


def test_a_run_has_its_nodes_by_name_and_those_that_failed_first(shop: Viewed) -> None:
    id = shop.finished("order", {"pages": 3, "declined": True})
    run = get(shop.client(), f"/api/runs/{id}")
    assert (run["flow"], run["status"], run["attempt"]) == ("order", "failure", 1)
    assert run["args"]["text"] == json.dumps({"pages": 3, "declined": True}, indent=2)
    assert [(group["name"], group["failure"], group["success"]) for group in run["groups"]] == [
        ("Charge", 1, 0),
        ("Load", 0, 1),
        ("pages", 0, 1),
        ("Price", 0, 1),
    ]
    assert run["progress"] == {"done": 3, "failed": 1, "started": 4}
    assert "Charge" in run["reason"]
    assert run["ended"] >= run["begun"] >= run["created"]
    assert run["critical_path"][0]["name"] == "Load"


def test_why_a_node_did_not_run(shop: Viewed) -> None:
    id = shop.finished("order", {"pages": 1, "declined": True})
    client = shop.client()
    (answer,) = get(client, f"/api/runs/{id}/explain?node=Ship")["answers"]
    assert (answer["node"], answer["verdict"]) == ("Ship", "not_run")
    assert answer["text"]["text"] == "Ship did not run in order"
    first, *_ = answer["because"]["text"].splitlines()
    assert first.startswith("edge Charge -> Ship was not considered: Charge failed")
    whole = get(client, f"/api/runs/{id}/explain")
    assert [each["node"] for each in whole["answers"]] == [None, "Ship"]
    assert whole["left_out"] == 0
    assert "did you mean" in get(client, f"/api/runs/{id}/explain?node=Shipp", 400)["error"]["message"]
    assert get(client, "/api/runs/nowhere/explain", 404)["error"]["code"] == "no_such_run"


def test_why_a_node_waits(shop: Viewed) -> None:
    id = shop.begun("order", {"pages": 1})
    (answer,) = get(shop.client(), f"/api/runs/{id}/explain?node=Ship")["answers"]
    assert answer["text"]["text"] == "Ship has not run yet in order"


def test_what_is_at_work_is_told_from_what_waits(shop: Viewed) -> None:
    id = shop.world.start("pages", {"pages": 4})
    shop.world.work_some(3)
    (group,) = get(shop.client(), f"/api/runs/{id}")["groups"]
    assert (group["success"], group["waiting"], group["ended"]) == (2, 2, None)


def test_node_runs_come_in_pages_of_100_with_those_that_failed_first(shop: Viewed) -> None:
    id = shop.finished("pages", {"pages": 260})
    client = shop.client()
    found, after = [], ""
    while after is not None:
        page = get(client, f"/api/runs/{id}/nodes?name=Fetch" + (f"&after={after}" if after else ""))
        assert page["count"] == 260
        found.append(page["nodes"])
        after = page["next"]
    assert [len(nodes) for nodes in found] == [100, 100, 60]
    numbers = [node["number"] for nodes in found for node in nodes]
    assert sorted(numbers) == list(range(1, 261))
    assert [node["status"] for node in found[0][:4]] == ["failure", "failure", "failure", "success"]
    error = found[0][0]["error"]
    assert (error["type"]["text"], error["message"]["text"]) == ("RuntimeError", "page 50 is away")
    assert "Traceback" in error["traceback"]["text"]
    assert found[0][0]["args"]["text"] == "50"
    assert numbers[3:] == sorted(numbers[3:])


def test_a_sub_flow_has_a_run_of_its_own(shop: Viewed) -> None:
    id = shop.finished("order", {"pages": 2})
    client = shop.client()
    (node,) = get(client, f"/api/runs/{id}/nodes?name=pages")["nodes"]
    assert node["kind"] == "flow"
    below = get(client, f"/api/runs/{node['id']}")
    assert (below["flow"], below["parent"], below["groups"][0]["success"]) == ("pages", id, 2)


def test_the_history_has_what_conditions_saw(shop: Viewed) -> None:
    id = shop.finished("order", {"pages": 1})
    events = get(shop.client(), f"/api/runs/{id}/history")["events"]
    (condition,) = [event for event in events if event["event"] == "EDGE_COND_TRUE"]
    assert condition["text"] == "Load → Price · if Load.total > 10 · saw Load.total = 12"
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    assert {event["flow"] for event in events} == {"order", "pages"}


def test_a_rerun_names_the_runs_that_made_what_it_reuses(shop: Viewed) -> None:
    id = shop.finished("order", {"pages": 1, "declined": True})
    again = rerun(shop.world, rerun(shop.world, id))
    client = shop.client()
    assert get(client, f"/api/runs/{again}")["rerun_of"] != id
    (node,) = get(client, f"/api/runs/{again}/nodes?name=Load")["nodes"]
    assert (node["status"], node["reused_from"]) == ("reused", id)
    (node,) = get(client, f"/api/runs/{again}/nodes?name=Charge")["nodes"]
    assert "reused_from" not in node
    (node,) = get(client, f"/api/runs/{id}/nodes?name=Load")["nodes"]
    assert "reused_from" not in node


def test_the_result_of_a_task_is_shown_when_it_is_asked_for(shop: Viewed) -> None:
    id = shop.finished("order", {"pages": 1, "declined": True})
    client = shop.client()
    nodes = {
        name: get(client, f"/api/runs/{id}/nodes?name={name}")["nodes"][0]
        for name in ("Load", "Price", "Charge", "pages")
    }
    found = {name: get(client, f"/api/runs/{id}/result?node={node['id']}") for name, node in nodes.items()}
    assert json.loads(found["Load"]["result"]["text"]) == {"total": 12, "note": HOSTILE}
    assert (found["Load"]["name"], found["Load"]["missing"]) == ("Load", None)
    assert [found[name]["result"] for name in ("Price", "Charge", "pages")] == [None, None, None]
    assert "no storage" in found["Price"]["missing"]
    assert found["Charge"]["missing"] == "its status is failure"
    assert "sub-flow" in found["pages"]["missing"]
    assert "no node run" in get(client, f"/api/runs/{id}/result?node={id}", 400)["error"]["message"]
    assert get(client, f"/api/runs/{id}/result", 400)["error"]["code"] == "bad_request"
    assert get(client, f"/api/runs/nowhere/result?node={id}", 404)["error"]["code"] == "no_such_run"


def test_a_long_result_is_cut_and_a_redacted_one_is_masked(tmp_path: Path) -> None:
    hidden = PROJECT.replace("global:\n", "global:\n  redact: [total]\n")
    with project(tmp_path, hidden, TASKS.replace('"note": HOSTILE', '"note": "y" * 5000')) as shop:
        id = shop.finished("order", {"pages": 1})
        client = shop.client()
        (node,) = get(client, f"/api/runs/{id}/nodes?name=Load")["nodes"]
        result = get(client, f"/api/runs/{id}/result?node={node['id']}")["result"]
        assert result["cut"]
        assert result["bytes"] > 5000
        assert len(result["text"]) == 4096
        assert "12" not in result["text"]
        assert '"total": "***"' in result["text"]


def test_a_result_that_is_gone_says_so(shop: Viewed) -> None:
    id = shop.finished("order", {"pages": 1})
    client = shop.client()
    (node,) = get(client, f"/api/runs/{id}/nodes?name=Load")["nodes"]
    # another process, which does not have what is kept in memory
    shop.services.storages = Storages(shop.plan, Imports(()), lambda event, details: None)
    found = get(client, f"/api/runs/{id}/result?node={node['id']}")
    assert found["result"] is None
    assert node["id"] in found["missing"]


def test_a_node_run_has_what_it_logged_and_how_far_it_is(shop: Viewed) -> None:
    id = shop.begun("order", {"pages": 1})
    client = shop.client()
    (node,) = get(client, f"/api/runs/{id}/nodes?name=Load")["nodes"]
    assert get(client, f"/api/runs/{id}/logs?node={node['id']}")["logs"] == []
    shop.world.store.heartbeat(id, [1], shop.world.now)
    shop.world.store.claim_delivery(id, 1, 0, False, shop.world.now)
    log = {"number": 1, "task": "Load", "attempt": 1, "dropped": 2, "lines": [[1.5, "ERROR", HOSTILE]]}
    progress = {"number": 1, "attempt": 1, "done": 1, "of": 2, "text": HOSTILE}
    items = shop.world.store.items
    items.put(Item(LOG, f"{node['id']}:1", shop.world.now, json.dumps(log), id), shop.world.now + 60)
    before = get(client, f"/api/runs/{id}")["revision"]
    items.put(Item(PROGRESS, node["id"], shop.world.now, json.dumps(progress), id), shop.world.now + 60)
    (entry,) = get(client, f"/api/runs/{id}/logs?node={node['id']}")["logs"]
    assert entry["lines"] == [{"at": 1.5, "level": "ERROR", "text": HOSTILE}]
    (node,) = get(client, f"/api/runs/{id}/nodes?name=Load")["nodes"]
    assert node["progress"] == {"done": 1, "of": 2, "text": HOSTILE, "at": shop.world.now}
    assert get(client, f"/api/runs/{id}")["revision"] > before  # viewers are told
    assert client.get(f"/api/runs/{id}/logs").status_code == 400
    assert client.get(f"/api/runs/unknown-run/logs?node={node['id']}").status_code == 404


def test_a_long_history_comes_in_pages(shop: Viewed) -> None:
    id = shop.finished("pages", {"pages": 120})
    client = shop.client()
    first = get(client, f"/api/runs/{id}/history")
    assert (len(first["events"]), first["next"]) == (200, 200)
    second = get(client, f"/api/runs/{id}/history?after=200")
    assert len(first["events"]) + len(second["events"]) == first["count"]
    assert second["next"] is None


def test_values_are_cut_at_4_kib(shop: Viewed) -> None:
    id = shop.finished("order", {"long": "ä" * 10_000})
    args = get(shop.client(), f"/api/runs/{id}")["args"]
    assert args["cut"]
    assert args["bytes"] > 20_000
    assert len(args["text"].encode()) <= 4096


def test_what_is_redacted_is_on_no_page(tmp_path: Path) -> None:
    hidden = PROJECT.replace("global:\n", "global:\n  redact: [declined]\n")
    secret = "secret-of-acme"
    failing = TASKS.replace('"declined: " + HOSTILE', '"declined: %s" % node_args')
    with project(tmp_path, hidden, tasks=failing) as shop:
        id = shop.finished("order", {"declined": secret, "open": "seen"})
        # Of each a server that has seen nothing before: what an error quotes is found all the same.
        for path in ("nodes?name=Charge", "nodes?name=Load", "", "history", "graph.svg"):
            redaction.cache_clear()
            text = shop.client().get(f"/api/runs/{id}/{path}".rstrip("/")).text
            assert secret not in text, path
            assert path == "graph.svg" or "***" in text, path
        for path in (f"/runs/{id}", "/runs", "/api/runs"):
            assert secret not in shop.client().get(path).text, path
        assert '"open\\": \\"seen' in shop.client().get(f"/api/runs/{id}").text


def test_a_drawing_has_the_run_on_it(shop: Viewed) -> None:
    id = shop.finished("order", {"declined": True})
    client = shop.client()
    answer = client.get(f"/api/runs/{id}/graph.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "script" not in answer.headers["content-security-policy"]
    assert "failed" in answer.text
    plain = get(client, f"/api/runs/{id}/graph")
    assert ["task", "Charge"] in plain["nodes"].values()
    assert "failed after" not in plain["svg"]


def test_a_list_shows_runs_newest_first(shop: Viewed) -> None:
    ids = []
    for _ in range(3):
        ids.append(shop.begun("order", {}))
        shop.world.now += 1
    runs = get(shop.client(), "/api/runs?limit=2")
    assert [run["id"] for run in runs["runs"]] == ids[:0:-1]
    more = get(shop.client(), f"/api/runs?limit=2&cursor={runs['next']}")
    assert [run["id"] for run in more["runs"]] == ids[:1]
    assert more["next"] is None
    assert get(shop.client(), "/api/runs?flow=pages")["runs"] == []


def test_the_first_page_is_a_table_without_scripts(shop: Viewed) -> None:
    id = shop.begun("order", {})
    page = shop.client().get("/?flow=order&status=running").text
    assert f'href="runs/{id}"' in page
    assert '<option value="order" selected>' in page
    assert "<script>" not in page
    assert "running" in shop.client().get(f"/runs/{id}").text


def test_the_beginning_of_an_id_leads_to_the_run(shop: Viewed) -> None:
    first, second = "00000000-0000-4000-8000-aaaa00000000", "00000000-0000-4000-8000-bbbb00000000"
    for id in (first, second):
        shop.begun("order", {}, id)
    client = shop.client()
    answer = client.get("/runs/00000000-0000-4000-8000-a")
    assert (answer.status_code, answer.headers["location"]) == (302, first)
    ambiguous = client.get("/runs/00000000")
    assert ambiguous.status_code == 409
    assert second in ambiguous.text


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("status=lost", "there is no status"),
        ("since=yesterday", "write how long ago"),
        ("since=1e400", "write how long ago"),
        ("until=-", "write how long ago"),
        ("limit=0", "from 1 to 200"),
        ("limit=999", "from 1 to 200"),
        ("limit=²", "from 1 to 200"),
        ("label=customer", "NAME=VALUE"),
        ("id=../../etc/passwd", "not an id"),
        ("cursor=1", "cursor"),
        ("flows=order", 'there is no filter "flows"'),
        ("since=1h&since=2h", "given twice"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused_with_the_remedy(shop: Viewed, query: str, says: str) -> None:
    error = get(shop.client(), f"/api/runs?{query}", 400)["error"]
    assert error["code"] == "bad_request"
    assert says in error["message"]
    page = shop.client().get(f"/?{query}")
    assert page.status_code == 400
    assert "<h2>" in page.text


@pytest.mark.parametrize("path", ["", "/nodes?name=Fetch", "/history", "/graph", "/graph.svg", "/nodes"])
@pytest.mark.parametrize("id", ["00000000-0000-4000-8000-00000000abcd", "nothing"])
def test_an_unknown_run_is_not_found(shop: Viewed, path: str, id: str) -> None:
    status = 400 if path == "/nodes" else 404
    error = get(shop.client(), f"/api/runs/{id}{path}", status)["error"]
    assert (error["code"] == "no_such_run") is (status == 404)


@pytest.mark.parametrize(
    "id",
    ["%2e%2e%2fetc", "..%2f..%2fetc%2fpasswd", "%00", "a%20b", "%3Cscript%3E", "a" * 201, "%F0%9F%98%80", "~"],
)
def test_an_id_that_is_a_path_or_markup_is_refused(shop: Viewed, id: str) -> None:
    client = shop.client()
    before = shop.store.asked.total()
    for path in (f"/api/runs/{id}", f"/runs/{id}", f"/api/runs/{id}/nodes?name=x", f"/api/runs/{id}/events"):
        answer = client.get(path)
        assert answer.status_code in (400, 404, 405), path
        if answer.headers["content-type"] != "application/json":
            assert "<script>" not in answer.text
    assert shop.store.asked.total() == before


def test_parameters_that_are_not_known_are_refused(shop: Viewed) -> None:
    id = shop.finished("order", {})
    client = shop.client()
    for path in (
        f"/api/runs/{id}?x=1",
        f"/api/runs/{id}/nodes?name=Load&name=Load",
        f"/api/runs/{id}/nodes?name=Load&after=x",
        f"/api/runs/{id}/history?after=-1",
        f"/api/runs/{id}/events?after=x",
    ):
        assert get(client, path, 400)["error"]["code"] == "bad_request"


def test_while_the_store_is_away_clients_are_told_when_to_come_back(shop: Viewed) -> None:
    id = shop.finished("order", {})
    client = shop.client()
    shop.store.away = True
    for path in ("/api/runs", f"/api/runs/{id}", "/healthz", f"/api/runs/{id}/history", "/api/flows"):
        answer = client.get(path)
        assert answer.status_code == 503, path
        assert answer.headers["retry-after"] == "2"
        assert answer.json()["error"]["code"] == "store_away"
    page = client.get("/")
    assert (page.status_code, page.headers["refresh"]) == (503, "2")
    assert "it was taken away" in page.text
    shop.store.away = False
    assert client.get("/healthz").json() == {"version": 1, "status": "ok"}
    assert get(client, f"/api/runs/{id}")["status"] == "success"


def test_a_run_whose_log_does_not_fit_is_still_shown(shop: Viewed) -> None:
    id = shop.finished("order", {})
    shop.world.store._definitions.clear()
    shop.services.flow_versions = shop.world.new_worker(0).flow_versions
    other = [name for name in ("initial_definition",) if name in shop.world.store._runs[id].header]
    shop.world.store._runs[id].header.update(dict.fromkeys(other, "lost"))
    run = get(shop.client(), f"/api/runs/{id}")
    assert run["status"] == "success"
    assert "does not fit" in run["problem"]
    assert shop.client().get(f"/runs/{id}").status_code == 200


def test_hostile_values_are_text_in_pages(shop: Viewed) -> None:
    id = shop.world.start("order", {HOSTILE: HOSTILE, "declined": True})
    shop.world.work()
    for path in (f"/runs/{id}", "/", f"/?label=x%3D{HOSTILE}", "/flows", "/nowhere"):
        page = shop.client().get(path).text
        assert "<script>" not in page
        assert "<img" not in page


def test_flows_are_counted(shop: Viewed) -> None:
    shop.begun("order", {})
    flows = get(shop.client(), "/api/flows")["flows"]
    assert flows[0]["flow"] == "order"
    assert (flows[0]["started"], flows[0]["open"], flows[0]["failure_rate"]) == (1, 1, None)
    assert "order" in shop.client().get("/flows").text
