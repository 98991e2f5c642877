"""Parked starts: the list, what operators may do with them, and their page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from selinon_core.web.access import ACTION_HEADER
from tests.watch.browser import Browser
from tests.web.viewed import HOSTILE, Client, Viewed, served

OPERATOR = {"authorize": lambda request: ("operator", "anna")}


def post(shop: Viewed, path: str, status: int, **body: Any) -> Any:
    client = Client(shop.page(**OPERATOR))
    answer = client.request("POST", f"/api/parked/{path}", json=body, headers={ACTION_HEADER: "1"})
    assert answer.status_code == status, answer.text
    return answer.json()


def parked(shop: Viewed) -> list[str]:
    return [row["id"] for row in shop.client().get("/api/parked").json()["parked"]]


def asked(shop: Viewed) -> list[tuple[str, str, str | None]]:
    return [(entry.who, entry.what, entry.run) for entry in reversed(shop.world.store.audit.read().entries)]


def test_what_is_parked_is_listed_the_newest_first(shop: Viewed) -> None:
    ids = []
    for number in range(51):
        shop.world.now += 1
        ids.append(shop.park("order", {"number": number}))
    client = shop.client()
    found = client.get("/api/parked").json()
    assert found["version"] == 1
    assert [row["id"] for row in found["parked"]] == ids[:0:-1]
    assert found["parked"][0] == {
        "id": ids[-1],
        "flow": "order",
        "queue": "celery",
        "at": shop.world.now,
        "reason": "no worker knows the flow",
    }
    rest = client.get(f"/api/parked?cursor={found['next']}").json()
    assert ([row["id"] for row in rest["parked"]], rest["next"]) == (ids[:1], None)
    assert "Older" in client.get("/parked").text
    assert client.get("/api/parked?cursor=x").status_code == 400
    assert client.get("/api/parked?flow=order").status_code == 400


def test_a_start_is_requeued_and_its_run_begins(shop: Viewed) -> None:
    id = shop.park("order", {"pages": 1})
    looked = post(shop, f"{id}/requeue", 200, dry_run=True)
    assert looked["says"] == "Sends the start of order to the queue celery again."
    assert (parked(shop), asked(shop), shop.world.broker.queue) == ([id], [], [])
    did = post(shop, f"{id}/requeue", 200)
    assert (did["action"], did["parked"], did["flow"]) == ("requeue", id, "order")
    assert (parked(shop), asked(shop)) == ([], [("anna", "requeue", id)])
    shop.world.work()
    header = shop.world.store.header(id)
    assert header is not None
    assert header["status"] == "success"
    assert post(shop, f"{id}/requeue", 404)["error"]["code"] == "not_parked"


def test_a_start_is_dropped(shop: Viewed) -> None:
    id, other = shop.park("order"), shop.park("pages")
    assert "does not begin" in post(shop, f"{id}/drop", 200, dry_run=True)["says"]
    post(shop, f"{id}/drop", 200)
    assert (parked(shop), asked(shop), shop.world.broker.queue) == ([other], [("anna", "drop", id)], [])
    assert post(shop, f"{id}/drop", 404)["error"]["code"] == "not_parked"


def test_while_the_broker_is_away_it_stays_parked(shop: Viewed) -> None:
    id = shop.park("order")
    shop.broker.away = True
    assert post(shop, f"{id}/requeue", 503)["error"]["code"] == "broker_away"
    assert parked(shop) == [id]
    shop.store.away = True
    assert post(shop, f"{id}/drop", 503)["error"]["code"] == "store_away"


@pytest.mark.parametrize("body", [{"dry_run": "no"}, {"all": True}], ids=str)
def test_a_body_that_cannot_be_read_is_refused(shop: Viewed, body: dict[str, Any]) -> None:
    id = shop.park("order")
    for action in ("requeue", "drop"):
        assert post(shop, f"{id}/{action}", 400, **body)["error"]["code"] == "bad_request"
    assert (parked(shop), asked(shop)) == ([id], [])


def test_viewers_see_the_list_and_no_buttons(shop: Viewed) -> None:
    shop.park("order", reason=HOSTILE)
    for options in ({}, {**OPERATOR, "read_only": True}):
        page = shop.client(**options).get("/parked").text
        assert "&lt;script&gt;hacked()" in page
        assert "<script>hacked" not in page
        assert "data-parked" not in page
    assert "data-parked" in shop.client(**OPERATOR).get("/parked").text


@pytest.mark.parametrize(("width", "dark"), [(375, True), (1280, False)])
def test_starts_are_requeued_and_dropped_on_the_page(
    browser: Browser, shop: Viewed, tmp_path: Path, width: int, dark: bool
) -> None:
    *others, last = (shop.park("order", {"pages": 1}, f"number {number}: {HOSTILE}") for number in range(7))
    with served(shop.page(**OPERATOR)) as address:
        tab = browser.open(address + "parked", width=width, dark=dark)
        tab.until("document.body.classList.contains('scripted')")
        assert tab.run("document.documentElement.scrollWidth <= innerWidth")
        tab.screenshot(tmp_path / f"parked-{width}.png")
        tab.click(f"tr[data-id='{last}'] [data-parked=drop]")
        tab.shows("Removes the start of order for good", "dialog")
        assert len(parked(shop)) == 7
        tab.press("Enter")  # the confirmation has the focus
        tab.shows("1 of 1 start dropped.", "dialog")
        tab.press("Enter")  # and now closing it has
        tab.until("!document.querySelector('dialog')")
        tab.until("document.querySelectorAll('#parked tr[data-id]').length == 6")  # the list is replaced
        tab.click("#parked > .actions [data-parked=requeue]")
        tab.shows("6 starts are sent to their queues again", "dialog")
        assert tab.run("document.querySelector('dialog').scrollWidth <= innerWidth")
        tab.screenshot(tmp_path / f"requeue-{width}.png")
        shop.world.store.items.remove("parked", [others[0]])  # another operator was faster
        tab.press("Enter")
        tab.shows("5 of 6 starts requeued.", "dialog")
        tab.shows("Nothing is parked.", "#parked")
        assert tab.run("document.querySelectorAll('main script, main img').length") == 0
        # the browser itself says that one answer was 404
        assert all("404" in complaint for complaint in tab.complaints())
        tab.call("Page.navigate", url="about:blank")
    told = [(what, run) for _, what, run in asked(shop)]
    assert sorted(told) == sorted([("drop", last), *(("requeue", id) for id in others[1:])])
