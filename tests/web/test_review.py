"""The page of what waits for an answer, and the API that takes it."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.web.access import ACTION_HEADER
from selinon_core.web.review_page import review_main, simple_properties
from tests.celery.counted_waits import RAN, ran
from tests.celery.waiting_project import project
from tests.watch.browser import Browser
from tests.web.viewed import Client, Viewed, served


def authorize(request: Any) -> tuple[str, str]:
    return "operator", "anna"


@pytest.fixture
def waiting() -> tuple[Viewed, str]:
    RAN.clear()
    viewed = Viewed(project())
    id = viewed.world.start("order", {"number": "<b>7</b>"})
    viewed.world.work(until=viewed.world.now + 60)
    return viewed, id


def test_what_waits_is_listed_and_answered(waiting: tuple[Viewed, str]) -> None:
    viewed, id = waiting
    client = Client(viewed.page(authorize=authorize))
    found = client.get("/api/waits").json()
    (wait,) = found["waits"]
    assert (found["version"], found["next"]) == (1, None)
    assert (wait["run"], wait["node"], wait["flow"], wait["title"]) == (id, "Approve", "order", "Ship <b>7</b>?")
    assert wait["schema"]["required"] == ["ok"]
    page = client.get("/review").text
    assert "Ship &lt;b&gt;7&lt;/b&gt;?" in page
    assert 'data-field="ok"' in page

    def post(status: int, **body: Any) -> Any:
        answer = client.request("POST", f"/api/runs/{id}/signal", json=body, headers={ACTION_HEADER: "1"})
        assert answer.status_code == status, answer.text
        return answer.json()

    assert "does not fit" in post(409, node=wait["id"], value={"ok": 3})["error"]["message"]
    assert "two different answers" in post(400, node=wait["id"], value={}, reject="no")["error"]["message"]
    assert '"early"' in post(400, node="Approve", value={"ok": True}, early="yes")["error"]["message"]
    post(400, value={"ok": True})
    post(202, node=wait["id"], value={"ok": True})
    viewed.world.work()
    assert ran() == ["A", "B"]
    assert client.get("/api/waits").json()["waits"] == []
    assert "Nothing waits" in client.get("/review").text


def test_a_run_says_what_it_waits_for(waiting: tuple[Viewed, str]) -> None:
    viewed, id = waiting
    client = Client(viewed.page(authorize=authorize))
    run = client.get(f"/api/runs/{id}").json()
    assert run["waits"] == client.get("/api/waits").json()["waits"]
    (wait,) = run["waits"]
    (node,) = client.get(f"/api/runs/{id}/nodes?name=Approve").json()["nodes"]
    assert node["wait"] == {key: wait[key] for key in ("title", "since", "deadline")}
    assert (node["id"], node["status"]) == (wait["id"], "waiting")
    page = client.get(f"/runs/{id}").text
    assert '<a href="../review">Ship &lt;b&gt;7&lt;/b&gt;?</a>' in page
    before = run["revision"]
    client.request(
        "POST",
        f"/api/runs/{id}/signal",
        json={"node": wait["id"], "value": {"ok": True}},
        headers={ACTION_HEADER: "1"},
    )
    viewed.world.work()
    run = client.get(f"/api/runs/{id}").json()
    assert (run["status"], run["waits"]) == ("success", [])
    assert run["revision"] > before
    (node,) = client.get(f"/api/runs/{id}/nodes?name=Approve").json()["nodes"]
    assert "wait" not in node


def test_a_viewer_sees_what_waits_and_has_no_form(waiting: tuple[Viewed, str]) -> None:
    page = Client(waiting[0].page()).get("/review").text
    assert "Operators can answer it" in page
    assert "<form" not in page


def test_a_schema_that_is_no_simple_object_has_a_text_area() -> None:
    assert simple_properties({"type": "object", "properties": {"a": {"type": "array"}}}) is None
    assert simple_properties({"type": "array"}) is None
    assert simple_properties(None) is None
    assert simple_properties({"type": "object", "properties": {"a": {"type": ["string", "null"]}}}) is None
    assert (
        simple_properties({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]}) is None
    )
    wait = {"run": "r" * 9, "node": "A", "id": "n", "flow": "f", "title": "", "since": 0.0, "deadline": 9.0}
    assert "<textarea" in review_main([{**wait, "schema": {"type": "array"}}], None, True)
    fields = {
        "kind": {"enum": ["a", 1]},
        "count": {"type": "integer"},
        "price": {"type": "number"},
        "note": {"type": "string", "title": '"><script>'},
        "ok": {"type": "boolean"},
    }
    form = review_main(
        [{**wait, "schema": {"type": "object", "properties": fields, "required": ["ok"]}}], "c", True
    )
    assert all(f'data-field="{name}"' in form for name in fields)
    assert "<script>" not in form


def test_the_form_of_a_schema_sends_and_rejects_in_a_browser(
    browser: Browser, waiting: tuple[Viewed, str]
) -> None:
    viewed, sent = waiting
    rejected = viewed.world.start("order", {"number": "8"})
    viewed.world.work(until=viewed.world.now + 60)
    with served(viewed.page(authorize=authorize)) as address:
        tab = browser.open(address + "review")
        tab.until("document.body.classList.contains('scripted')")
        form, other = (f"form[data-run='{id}']" for id in (sent, rejected))
        tab.shows("Ship <b>7</b>?")
        tab.click(f"{form} [data-reject]")
        tab.shows("say why it is rejected", f"{form} .answer")
        tab.click(f"{form} .primary")  # the browser itself asks for the field that is required
        tab.run(f"document.querySelector(\"{form} [data-field=ok]\").value = 'true'")
        tab.click(f"{form} .primary")
        tab.shows("Sent. A worker takes it.", f"{form} .answer")
        assert tab.run(f'[...document.querySelector("{form}").elements].every((each) => each.disabled)')
        # Enter in the reason rejects, although the value could be sent as well
        tab.run(f"document.querySelector(\"{other} [data-field=ok]\").value = 'true'")
        tab.click(f"{other} [name=reject]")
        tab.press("n")
        tab.press("Enter")
        tab.shows("Sent. A worker takes it.", f"{other} .answer")
        assert tab.complaints() == []
        tab.call("Page.navigate", url="about:blank")
    viewed.world.work()
    assert [viewed.world.store.header(id)["status"] for id in (sent, rejected)] == ["success", "success"]
    assert ran() == ["A", "A", "B", "C"]
