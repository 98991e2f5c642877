"""The page in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.celery.rerunning import rerun
from tests.watch.browser import Browser, Tab
from tests.web.viewed import HOSTILE, PROJECT, Viewed, project, served

WIDTHS = [375, 1280, 1920]
#: Numbers of elements: of a page whose run has 10 000 nodes, and of its largest part.
MANY = 10_000


@contextmanager
def opened(
    browser: Browser, shop: Viewed, path: str = "", clean: bool = True, page: Any = None, **look: Any
) -> Iterator[Tab]:
    """A page of the app; nothing on it may have been complained about by the browser, and no script have run."""
    with served(shop.page(**(page or {}))) as address:
        tab = browser.open(address + path, **look)
        tab.run("window.hacked = () => { window.wasHacked = true; }")
        yield tab
        assert not tab.run("Boolean(window.wasHacked)")
        if clean:
            assert tab.complaints() == []
            own = tab.run("location.origin")
            assert all(url.startswith((own, "about:")) for url in tab.requests())
        tab.call("Page.navigate", url="about:blank")


def state_of(tab: Tab, name: str) -> Any:
    return tab.run(f"document.querySelector('#graph [data-name={name}]').dataset.state")


def group(name: str) -> str:
    return f".group[data-name={name}] > .group-head"


def test_a_run_appears_in_the_list_and_ends_there(browser: Browser, shop: Viewed) -> None:
    with opened(browser, shop) as tab:
        tab.shows("There are no runs", "#runs")
        tab.shows("live", "#status")
        id = shop.begun("order", {"pages": 2})
        tab.shows("running", "#runs")
        assert id[:8] in tab.text("#runs")
        tab.run("window.notReloaded = true")
        shop.world.work()
        tab.shows("success", "#runs")
        assert tab.run("window.notReloaded")


def test_filters_are_in_the_address(browser: Browser, shop: Viewed) -> None:
    shop.finished("order", {"declined": True})
    shop.finished("pages", {"pages": 1})
    with opened(browser, shop) as tab:
        tab.shows("live", "#status")
        tab.run("document.querySelector('[name=status]').value = 'failure'")
        tab.click("form button")
        tab.until("location.search === '?status=failure'")
        tab.shows("order", "#runs")
        assert tab.run("document.querySelectorAll('#runs tbody tr').length") == 1
        tab.run("history.back()")
        tab.until("document.querySelectorAll('#runs tbody tr').length === 2")


def test_states_are_live_on_the_graph_and_in_the_groups(browser: Browser, shop: Viewed) -> None:
    id = shop.begun("order", {"pages": 3, "declined": True})
    with opened(browser, shop, f"runs/{id}") as tab:
        tab.until("document.querySelector('#graph [data-name=Load]').dataset.state === 'waiting'")
        assert state_of(tab, "Charge") == "unreached"
        tab.run("window.notReloaded = true")
        shop.world.work()
        tab.until("document.querySelector('#graph [data-name=Charge]').dataset.state === 'failure'")
        assert [state_of(tab, name) for name in ("Load", "Price", "Ship")] == ["success", "success", "unreached"]
        tab.shows("failure", "#run .badge")
        tab.shows("Charge", "#reason")
        first = tab.run("document.querySelector('.group').dataset.name")
        assert first == "Charge"
        assert tab.run("window.notReloaded")
        assert "failure" in tab.run("document.title")


def test_a_node_of_the_graph_opens_its_node_runs(browser: Browser, shop: Viewed) -> None:
    id = shop.finished("order", {"pages": 3, "declined": True})
    with opened(browser, shop, f"runs/{id}") as tab:
        tab.until("document.querySelector('#graph [data-name=Charge]')")
        tab.click("#graph [data-name=Charge]")
        tab.shows("Traceback", ".group[data-name=Charge] details[open]")
        tab.shows('"declined": true', ".group[data-name=Charge] details[open]")
        assert tab.run("document.querySelector('#graph .selected').dataset.name") == "Charge"


@pytest.mark.parametrize("width", [375, 1280])
def test_what_a_rerun_reuses_leads_to_the_run_that_made_it(
    browser: Browser, shop: Viewed, tmp_path: Path, width: int
) -> None:
    id = shop.finished("order", {"pages": 1, "declined": True})
    again = rerun(shop.world, id)
    with opened(browser, shop, f"runs/{again}", width=width, height=900) as tab:
        tab.until("document.querySelector('#graph [data-name=Load]')")
        tab.click("#graph [data-name=Load]")
        tab.shows("The result was made by the run", ".group[data-name=Load]")
        check_look(tab, width, False)
        tab.screenshot(tmp_path / "page.png")
        tab.click(".group[data-name=Load] .member a")
        tab.until(f"location.pathname.endsWith({json.dumps(id)})")
        tab.shows(id, "#title")


@pytest.mark.parametrize("width", [375, 1280])
def test_the_result_of_a_task_is_shown_as_text(browser: Browser, shop: Viewed, tmp_path: Path, width: int) -> None:
    id = shop.finished("order", {"pages": 1})
    with opened(browser, shop, f"runs/{id}", width=width, height=900) as tab:
        tab.until("document.querySelector('#graph [data-name=Load]')")
        tab.click("#graph [data-name=Load]")
        tab.shows("Show its result", ".group[data-name=Load]")
        tab.click(".group[data-name=Load] .result button")
        tab.shows('"total": 12', ".result pre")
        tab.shows("<script>hacked()</script>", ".result pre")
        tab.click("#graph [data-name=Price]")
        tab.shows("Show its result", ".group[data-name=Price]")
        tab.click(".group[data-name=Price] .result button")
        tab.shows("No result: the task has no storage", ".group[data-name=Price] .result")
        check_look(tab, width, False)
        tab.screenshot(tmp_path / "page.png")


def test_a_node_of_the_graph_that_did_not_run_says_why(browser: Browser, shop: Viewed) -> None:
    id = shop.finished("order", {"pages": 1, "declined": True})
    with opened(browser, shop, f"runs/{id}") as tab:
        tab.until("document.querySelector('#graph [data-name=Ship]')")
        tab.click("#graph [data-name=Ship]")
        tab.shows("Ship did not run in order.", "#why")
        tab.shows("edge Charge -> Ship was not considered: Charge failed", "#why pre")
        tab.click("#why button")
        tab.shows("order failed: no fallback applies to the failed nodes: Charge.", "#why")


def test_a_sub_flow_is_shown_in_place_and_by_itself(browser: Browser, shop: Viewed) -> None:
    id = shop.finished("order", {"pages": 3})
    with opened(browser, shop, f"runs/{id}") as tab:
        tab.until(f"document.querySelector({json.dumps(group('pages'))})")
        tab.click(group("pages"))
        tab.shows("3 success", ".subflow .group[data-name=Fetch]")
        tab.click(f".subflow {group('Fetch')}")
        tab.until("document.querySelectorAll('.subflow .member').length === 3")
        tab.click(".subflow > a")
        tab.shows("pages", "#title")
        tab.shows("Started by", "#facts")


def test_the_history_says_what_conditions_saw(browser: Browser, shop: Viewed) -> None:
    id = shop.finished("order", {"pages": 45})
    with opened(browser, shop, f"runs/{id}") as tab:
        tab.shows("Load", ".groups")
        tab.click("#show-history")
        tab.shows("if Load.total > 10 · saw Load.total = 12", "#history")
        tab.click("#history li summary")
        tab.shows("{", "#history li pre")


def test_the_list_and_a_run_say_everything_without_scripts(browser: Browser, shop: Viewed) -> None:
    id = shop.finished("order", {"pages": 3, "declined": True})
    with served(shop.page()) as address:
        tab = browser.open("about:blank")
        tab.call("Emulation.setScriptExecutionDisabled", value=True)
        for path, texts in (
            ("", ["failure", "order", id[:8], "UTC"]),
            (f"runs/{id}", ["failure", "Charge", "1 failure", "Arguments", "as a picture"]),
            ("flows", ["order", "100.0%"]),
            ("schedules", ["nightly", "30 2 * * *"]),
            (f"api/runs/{id}/graph.svg", ["Charge", "failed after"]),
        ):
            tab.call("Page.navigate", url=address + path)
            for text in texts:
                tab.until(f"document.documentElement.textContent.includes({json.dumps(text)})")
        tab.call("Emulation.setScriptExecutionDisabled", value=False)
        tab.call("Page.navigate", url="about:blank")


def test_the_page_keeps_what_it_has_while_the_store_is_away(browser: Browser, shop: Viewed) -> None:
    id = shop.begun("order", {"pages": 2})
    with opened(browser, shop, f"runs/{id}") as tab:
        tab.shows("live", "#status")
        tab.shows("Load", "#groups")
        tab.until("document.querySelector('#graph [data-name=Load]')")  # all that the page asks for is there
        shop.store.away = True
        tab.shows("the state store is away since", "#status")
        assert "Load" in tab.text("#groups")
        shop.store.away = False
        shop.world.work()
        tab.shows("live", "#status")
        tab.until("document.querySelector('#graph [data-name=Ship]').dataset.state === 'success'")


def test_the_page_says_since_when_the_server_is_gone(browser: Browser, shop: Viewed) -> None:
    id = shop.finished("order", {})
    with opened(browser, shop, f"runs/{id}", clean=False) as tab:
        tab.shows("live", "#status")
        tab.until("document.querySelector('#graph [data-name=Load]')")
        connect(tab, False)
        tab.run("document.dispatchEvent(new Event('visibilitychange'))")
        tab.shows("no connection since", "#status")
        assert "Load" in tab.text("#groups")
        connect(tab, True)
        tab.shows("live", "#status")


def connect(tab: Tab, there: bool) -> None:
    """Take the network away from a tab, or give it back."""
    speed = -1 if there else 0
    tab.call(
        "Network.emulateNetworkConditions",
        offline=not there,
        latency=0,
        downloadThroughput=speed,
        uploadThroughput=speed,
    )


def test_everything_from_outside_is_text(browser: Browser, shop: Viewed) -> None:
    id = shop.finished("order", {HOSTILE: HOSTILE, "declined": True})
    with opened(browser, shop, f"runs/{id}") as tab:
        tab.until("document.querySelector('#graph [data-name=Load]')")
        tab.click(group("Charge"))
        tab.shows("declined: <script>hacked()</script>", ".group[data-name=Charge]")
        tab.click("#show-history")
        tab.shows("<script>hacked()</script>", "#history")
        assert tab.run("document.querySelectorAll('main script, main img, main iframe').length") == 0
        tab.call("Page.navigate", url=tab.run("new URL('../', location.href).href"))
        tab.shows("<script>hacked()</script>", "#runs")
        assert tab.run("document.querySelectorAll('main script, main img, main iframe').length") == 0


def test_the_keyboard_is_enough(browser: Browser, shop: Viewed) -> None:
    shop.finished("order", {"declined": True})
    with opened(browser, shop) as tab:
        tab.shows("live", "#status")
        to_focus(tab, "document.activeElement.closest('#runs')")
        tab.press("Enter")
        tab.until("document.querySelector('#graph [data-name=Charge]')")
        to_focus(tab, "document.activeElement.dataset.name === 'Charge'")
        tab.press("Enter")
        tab.shows("Traceback", ".group[data-name=Charge]")
        to_focus(tab, "document.activeElement.closest('.group')?.dataset.name === 'Load'")
        tab.press("Enter")
        tab.until("document.activeElement.getAttribute('aria-expanded') === 'true'")
        to_focus(tab, "document.activeElement.id === 'show-history'")
        tab.press("Enter")
        tab.shows("FLOW_FAILURE", "#history")


def to_focus(tab: Tab, script: str) -> None:
    """Press Tab until something has the focus."""
    for _ in range(60):
        tab.press("Tab")
        if tab.run(f"Boolean({script})"):
            return
    raise AssertionError(f"not reached with Tab: {script}")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_fits_windows_of_any_width_in_both_schemes(
    browser: Browser, shop: Viewed, tmp_path: Path, width: int, dark: bool
) -> None:
    id = shop.finished("order", {"declined": True, "note": "x" * 300, "pages": 2})
    with opened(browser, shop, width=width, height=900, dark=dark) as tab:
        tab.shows("order", "#runs")
        check_look(tab, width, dark)
        for path, there in (("flows", "order"), (f"runs/{id}", "Charge")):
            tab.call("Page.navigate", url=tab.run("location.origin + '/'") + path)
            tab.shows(there, "main")
            check_look(tab, width, dark)
        tab.until("document.querySelector('#graph [data-name=Charge]')")
        tab.click("#graph [data-name=Charge]")
        tab.shows("Traceback", "#groups")
        tab.click("#show-history")
        tab.shows("FLOW_FAILURE", "#history")
        check_look(tab, width, dark)
        tab.screenshot(tmp_path / "page.png")


def check_look(tab: Tab, width: int, dark: bool) -> None:
    """Nothing sticks out at the side, and colours follow the scheme."""
    tab.until("document.readyState === 'complete'")
    out = tab.run(
        "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth"
        " && !e.closest('#graph')).slice(-1).map(e => e.outerHTML.slice(0, 300))"
    )
    assert tab.run("document.documentElement.scrollWidth") <= width, out
    text, ground = tab.run(
        "(() => { const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]; })()"
    )
    assert (brightness(text) > brightness(ground)) is dark


def brightness(color: str) -> int:
    return sum(int(number) for number in re.findall(r"\d+", color)[:3])


def test_a_run_of_10000_nodes_is_few_elements(browser: Browser, shop: Viewed) -> None:
    id = shop.world.start("pages", {"pages": MANY})
    shop.world.work_some(MANY // 2)
    with opened(browser, shop, f"runs/{id}") as tab:
        tab.shows("success", group("Fetch"))
        few = tab.run("document.querySelectorAll('*').length")
        assert few < 300
        tab.click(group("Fetch"))
        tab.until("document.querySelectorAll('.member').length === 100")
        assert "failure" in tab.text(".member")
        assert tab.run("document.querySelectorAll('*').length") < few + 3000
        tab.click(".members > button")
        tab.until("document.querySelectorAll('.member').length === 200")


LINKS = {
    "the run": "https://logs.example.com/run/{dispatcher_id}",
    "<b>its logs</b>": "https://logs.example.com/?q={task_id}",
}


@pytest.mark.parametrize("width", WIDTHS)
def test_links_of_the_project_are_on_the_page(browser: Browser, tmp_path: Path, width: int) -> None:
    yaml = PROJECT.replace("global:\n", f"global:\n  links: {json.dumps(LINKS)}\n")
    with project(tmp_path, yaml) as linked:
        id = linked.finished("order", {"pages": 1, "declined": True})
        with opened(browser, linked, f"runs/{id}", width=width, height=900) as tab:
            tab.until("document.querySelector('#graph [data-name=Charge]')")
            tab.click("#graph [data-name=Charge]")
            tab.shows("<b>its logs</b>", "#groups")
            links = tab.run(
                "[...document.querySelectorAll('.outside')].map(a => [a.text, a.href, a.target, a.rel])"
            )
            assert [link[0] for link in links] == ["the run", "<b>its logs</b>"]
            assert all(url.startswith("https://logs.example.com/") for _, url, _, _ in links)
            assert all(rest == ["_blank", "noopener noreferrer"] for _, _, *rest in links)
            check_look(tab, width, False)
            tab.run("document.querySelector('.member .outside').scrollIntoView({block: 'center'})")
            tab.screenshot(tmp_path / "page.png")


OPERATOR = {"authorize": lambda request: ("operator", "anna")}


@pytest.mark.parametrize(("width", "dark"), [(375, True), (1280, False)])
def test_a_failed_run_is_retried_with_the_keyboard(
    browser: Browser, shop: Viewed, tmp_path: Path, width: int, dark: bool
) -> None:
    id = shop.finished("order", {"declined": True, "pages": 1})
    with opened(browser, shop, f"runs/{id}", page=OPERATOR, width=width, dark=dark) as tab:
        tab.shows("live", "#status")
        tab.run("document.querySelector('[data-action=retry]').focus()")
        tab.press("Enter")
        tab.shows("Runs again: Charge. Nothing that succeeded runs again.", "dialog")
        assert tab.run("document.documentElement.scrollWidth <= innerWidth")
        tab.screenshot(tmp_path / f"retry-{width}.png")
        assert shop.world.store.audit.read().entries == []
        tab.press("Enter")  # the confirmation has the focus
        tab.shows("A worker was asked to do it", "dialog")
        tab.press("Enter")
        tab.until("!document.querySelector('dialog')")
        shop.world.work()
        tab.shows("retry by anna", "#asked")
    assert [entry.what for entry in shop.world.store.audit.read(id).entries] == ["retry"]


def test_a_run_that_is_run_again_leads_to_the_new_one(browser: Browser, shop: Viewed) -> None:
    id = shop.finished("order", {"declined": True, "pages": 1})
    with opened(browser, shop, f"runs/{id}", page=OPERATOR, width=375) as tab:
        tab.shows("live", "#status")
        tab.click("[data-action=rerun]")
        tab.shows("Charge", "dialog")
        tab.press("Enter")  # the confirmation has the focus
        tab.shows("The new run:", "dialog")
        assert tab.run("document.documentElement.scrollWidth <= innerWidth")
        shop.world.work()
        tab.click("dialog a")
        tab.until(f"document.querySelector('#title') && !location.href.includes({json.dumps(id)})")
        tab.shows("reused", "#groups")


@pytest.mark.parametrize(("width", "dark"), [(375, True), (1280, False)])
def test_failed_runs_are_retried_from_the_list(
    browser: Browser, shop: Viewed, tmp_path: Path, width: int, dark: bool
) -> None:
    ids = [shop.finished("order", {"declined": True, "pages": 1}) for _ in range(7)]
    shop.finished("order", {"pages": 1})
    with opened(browser, shop, "?flow=order", page=OPERATOR, width=width, dark=dark) as tab:
        tab.shows("live", "#status")
        tab.run("document.querySelector('[data-action=retry]').focus()")
        tab.press("Enter")
        tab.shows("7 flow runs:", "dialog")
        tab.shows("and 2 more.", "dialog")
        assert tab.run("document.querySelector('dialog').scrollWidth <= innerWidth")
        tab.screenshot(tmp_path / f"batch-{width}.png")
        tab.run("document.querySelector('#rate').value = '1000/s'")
        tab.press("Enter")
        tab.shows("Done: 7 asked for, 0 refused, 0 left.", "dialog")
    asked = shop.world.store.audit.read().entries
    assert sorted(entry.run or "" for entry in asked) == sorted(ids)


def test_viewers_get_no_buttons(shop: Viewed) -> None:
    id = shop.finished("order", {"declined": True, "pages": 1})
    for page in ({}, {**OPERATOR, "read_only": True}):
        for path in ("/", f"/runs/{id}"):
            assert "data-action" not in shop.client(**page).get(path).text
    assert "data-action" in shop.client(**OPERATOR).get("/").text
