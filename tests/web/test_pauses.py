"""Pauses of the starts of flows and of schedules: the API, and their buttons on the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from selinon_core.celery.steering.starts import StartSteering
from selinon_core.celery.stores.items import HELD, Item
from selinon_core.web.access import ACTION_HEADER
from tests.watch.browser import Browser
from tests.web.viewed import HOSTILE, Client, Viewed, served

OPERATOR = {"authorize": lambda request: ("operator", "anna")}


def post(shop: Viewed, path: str, status: int, **body: Any) -> Any:
    shop.world.now += 1  # the audit is in the order of times
    client = Client(shop.page(**OPERATOR))
    answer = client.request("POST", f"/api/{path}", json=body, headers={ACTION_HEADER: "1"})
    assert answer.status_code == status, answer.text
    return answer.json()


def paused(shop: Viewed) -> list[dict[str, Any]]:
    found = shop.client().get("/api/starts").json()
    assert found["version"] == 1
    return list(found["paused"])


def asked(shop: Viewed) -> list[tuple[str, str, dict[str, Any]]]:
    return [(e.who, e.what, dict(e.details)) for e in reversed(shop.world.store.audit.read().entries)]


def status(shop: Viewed, id: str) -> str:
    return str(shop.client().get(f"/api/runs/{id}").json()["status"])


def hold(shop: Viewed, flow: str, by: str) -> None:
    """Pause the starts of a flow that need not be in the files."""
    store = shop.world.store
    store.items.put(Item(HELD, flow, shop.world.now, f'{{"by": "{by}"}}'), shop.world.now + 1e6)


def test_starts_of_a_flow_are_paused_and_resumed(shop: Viewed) -> None:
    looked = post(shop, "starts/pause", 200, flow="order", dry_run=True)
    assert looked["says"] == "New runs of order are queued until its starts are resumed. Runs that began go on."
    assert (looked["changes"], paused(shop), asked(shop)) == (True, [], [])
    did = post(shop, "starts/pause", 200, flow="order")
    assert (did["action"], did["flow"], did["changes"]) == ("pause", "order", True)
    at = shop.world.now
    shop.world.now += 2  # what workers know of it is a second old at most
    id = shop.world.start("order", {"pages": 1})
    shop.world.work()
    assert status(shop, id) == "queued"
    assert paused(shop) == [{"flow": "order", "at": at, "by": "anna", "waiting": 1}]
    assert post(shop, "starts/pause", 200, flow="order")["says"] == "The starts of order are paused already."
    assert post(shop, "starts/resume", 200, flow="order")["changes"]
    shop.world.work()
    assert status(shop, id) == "success"
    again = post(shop, "starts/resume", 200, flow="order")
    assert (again["says"], again["changes"]) == ("The starts of order are not paused.", False)
    assert paused(shop) == []
    assert asked(shop) == [("anna", "pause", {"flow": "order"}), ("anna", "resume", {"flow": "order"})]


def test_a_schedule_is_paused_and_resumed(shop: Viewed) -> None:
    def pause() -> Any:
        return shop.client().get("/api/schedules").json()["schedules"][0]["paused"]

    assert "skipped" in post(shop, "schedules/pause", 200, schedule="nightly", dry_run=True)["says"]
    assert pause() is None
    post(shop, "schedules/pause", 200, schedule="nightly")
    assert pause() == {"since": shop.world.now, "by": "anna"}
    again = post(shop, "schedules/pause", 200, schedule="nightly")
    assert (again["says"], again["changes"]) == ("Schedule nightly is paused already.", False)
    post(shop, "schedules/resume", 200, schedule="nightly")
    assert pause() is None
    whose = {"schedule": "nightly"}
    assert asked(shop) == [("anna", "pause", whose), ("anna", "resume", whose)]


@pytest.mark.parametrize("kind", ["flow", "schedule"])
@pytest.mark.parametrize("action", ["pause", "resume"])
def test_an_unknown_name_and_a_body_that_cannot_be_read_are_refused(shop: Viewed, kind: str, action: str) -> None:
    path = {"flow": "starts", "schedule": "schedules"}[kind] + "/" + action
    slip = {"flow": "ordre", "schedule": "nightli"}[kind]
    error = post(shop, path, 404, **{kind: slip})["error"]
    assert error["code"] == f"no_such_{kind}"
    assert "did you mean" in error["message"]
    for body in ({}, {kind: 1}, {kind: ""}, {kind: "x" * 256}, {kind: slip, "dry_run": "no"}, {"all": True}):
        assert post(shop, path, 400, **body)["error"]["code"] == "bad_request"
    assert (paused(shop), asked(shop)) == ([], [])


def test_what_is_paused_and_gone_from_the_files_can_be_resumed(shop: Viewed) -> None:
    hold(shop, "gone", "bert")
    assert "no runs of its own" in shop.client().get("/flows").text
    assert post(shop, "starts/resume", 200, flow="gone")["changes"]
    assert paused(shop) == []
    assert post(shop, "starts/resume", 404, flow="gone")["error"]["code"] == "no_such_flow"


def test_while_the_store_or_the_broker_is_away_it_is_said(shop: Viewed) -> None:
    post(shop, "starts/pause", 200, flow="order")
    shop.broker.away = True
    assert post(shop, "starts/resume", 503, flow="order")["error"]["code"] == "broker_away"
    shop.store.away = True
    for path, body in (("starts/pause", {"flow": "order"}), ("schedules/pause", {"schedule": "nightly"})):
        assert post(shop, path, 503, **body)["error"]["code"] == "store_away"


def test_a_page_shows_what_this_server_changed_at_once(shop: Viewed) -> None:
    """Although it repeats other answers for a while."""
    client = Client(shop.page(**OPERATOR, pace=3600.0))

    def read() -> tuple[int, bool]:
        schedules = client.get("/api/schedules").json()["schedules"]
        return len(client.get("/api/starts").json()["paused"]), schedules[0]["paused"] is not None

    assert read() == (0, False)
    for path, body in (("starts/pause", {"flow": "order"}), ("schedules/pause", {"schedule": "nightly"})):
        client.request("POST", f"/api/{path}", json=body, headers={ACTION_HEADER: "1"})
    assert read() == (1, True)


def test_viewers_see_pauses_and_no_buttons_and_hostile_names_are_text(shop: Viewed) -> None:
    assert "Starts<" not in shop.client().get("/flows").text
    hold(shop, HOSTILE.replace('"', "'"), "x")
    StartSteering(shop).pause("order", HOSTILE)  # type: ignore[arg-type]
    for options in ({}, {**OPERATOR, "read_only": True}):
        client = shop.client(**options)
        page = client.get("/flows").text
        assert page.count("badge paused") == 2
        assert "&lt;script&gt;hacked()" in page
        assert "<script>hacked" not in page
        assert "data-post" not in page + client.get("/schedules").text
    for path in ("/flows", "/schedules"):
        page = shop.client(**OPERATOR).get(path).text
        assert "data-post" in page
        assert "<script>hacked" not in page


@pytest.mark.parametrize(("width", "dark"), [(375, True), (1280, False)])
def test_starts_and_schedules_are_paused_on_their_pages(
    browser: Browser, shop: Viewed, tmp_path: Path, width: int, dark: bool
) -> None:
    hostile = HOSTILE.replace('"', "'")
    hold(shop, hostile, "x")
    shop.finished("order", {"pages": 1})
    with served(shop.page(**OPERATOR)) as address:
        tab = browser.open(address + "flows", width=width, dark=dark)
        tab.until("document.body.classList.contains('scripted')")
        tab.run("document.querySelector('[data-post=\"api/starts/pause\"]').focus()")
        tab.press("Enter")
        tab.shows("New runs of order are queued", "dialog")
        assert tab.run("document.querySelector('dialog').scrollWidth <= innerWidth")
        assert len(paused(shop)) == 1
        tab.press("Enter")  # the confirmation has the focus
        tab.until("!document.querySelector('dialog')")
        tab.shows("by anna", "#flows")
        tab.until("document.activeElement.textContent === 'Resume starts'")
        assert tab.run("document.documentElement.scrollWidth <= innerWidth")
        tab.screenshot(tmp_path / f"flows-{width}.png")
        StartSteering(shop).resume("order", "bert")  # type: ignore[arg-type]  # another operator was faster
        tab.press("Enter")
        tab.shows("The starts of order are not paused.", "dialog")
        tab.shows("Pause starts", "#flows")
        tab.press("Escape")
        tab.click("tr:last-child [data-post='api/starts/resume']")
        tab.shows("Queued runs of <script>", "dialog")
        tab.press("Enter")
        tab.until("document.querySelectorAll('.badge.paused').length === 0")
        tab.call("Page.navigate", url=address + "schedules")
        tab.until("location.pathname === '/schedules' && document.body.classList.contains('scripted')")
        tab.click("[data-post='api/schedules/pause']")
        tab.shows("starts nothing until it is resumed", "dialog")
        tab.press("Enter")
        tab.shows("by anna", "#schedules")
        tab.screenshot(tmp_path / f"schedules-{width}.png")
        assert tab.run("document.querySelectorAll('main script, main img').length") == 0
        assert tab.complaints() == []
        tab.call("Page.navigate", url="about:blank")
    told = [(who, what, details.get("flow", details.get("schedule"))) for who, what, details in asked(shop)]
    expected = {
        ("anna", "pause", "order"),
        ("bert", "resume", "order"),
        ("anna", "resume", hostile),
        ("anna", "pause", "nightly"),
    }
    assert (set(told), len(told)) == (expected, 4)
