"""The page of ``selinon watch --serve`` in a real browser."""

from __future__ import annotations

import http.server
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.watch.browser import Browser, Tab, real_browser
from tests.watch.watcher import Watcher, watching

NODES = """\
tasks:
  - {name: Fetch, import: work, storage: Memory}
  - {name: Store, import: work}
  - {name: Clean, import: work}
storages:
  - {name: Memory, import: selinon_core.storages.memory, classname: InMemoryStorage}
"""

FLOWS = """\
flow-definitions:
  - name: first
    node_args_from_first: true
    edges:
      - {from: null, to: Fetch}
      - from: Fetch
        to: second
  - name: second
    edges:
      - {from: null, to: [Store, Store]}
      - from: Store
        to: Clean
        condition:
          name: envEqual
          args: {env: NO_SUCH_VARIABLE_AT_ALL, value: '"</text><script>hacked()</script>'}
"""

WORK = """\
class Fetch:
    def __init__(self, **names):
        pass

    def run(self, node_args):
        return {result}

class Store(Fetch):
    def run(self, node_args):
        raise ValueError("stored nothing of " + repr(node_args))

class Clean(Fetch):
    pass
"""

HOSTILE = "<script>hacked()</script><img src=x onerror=hacked()>\"'&amp;</pre>"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with real_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "nodes.yaml").write_text(NODES)
    (tmp_path / "flows.yaml").write_text(FLOWS)
    (tmp_path / "work.py").write_text(WORK.format(result="{'n': 1}"))
    return tmp_path


def save(path: Path, content: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(content)
    os.replace(temporary, path)


def address(watcher: Watcher) -> str:
    watcher.says("page: ", "watching")
    found = re.search(r"page: (\S+)", watcher.err)
    assert found is not None
    return found[1]


@contextmanager
def page(browser: Browser, project: Path, *words: str) -> Iterator[Tab]:
    """The page of a watched project; nothing on it may have been complained about by the browser."""
    with watching(project, "--serve", "--port", "0", *words) as watcher:
        tab = browser.open(address(watcher))
        tab.run("window.hacked = () => { window.wasHacked = true; }")
        yield tab
        assert not tab.run("Boolean(window.wasHacked)")
        assert tab.complaints() == []
        tab.call("Page.navigate", url="about:blank")
        watcher.end()


def test_shows_graph_check_and_run(browser: Browser, project: Path) -> None:
    with page(browser, project, "--run") as tab:
        tab.shows("the run failed", "#status")
        tab.shows("No problems.", "#findings")
        tab.shows("failure of first: 4 node runs", "#outcome")
        assert "Fetch" in tab.text("#graph")
        assert project.name in tab.run("document.title")
        own = tab.run("location.origin")
        assert all(url.startswith((own, "about:")) for url in tab.requests())


def test_a_change_appears_by_itself(browser: Browser, project: Path) -> None:
    with page(browser, project, "--run") as tab:
        tab.shows("No problems.", "#findings")
        tab.run("window.notReloaded = true")
        save(project / "flows.yaml", FLOWS.replace("to: second", "to: secnod"))
        tab.shows('unknown node "secnod"', "#findings")
        tab.shows("flows.yaml:7:13 error SEL201", "#findings")
        tab.shows("1 error", "#status")
        # What is broken has no graph: the last one stays, and is marked as old.
        tab.shows("those of the last good state", "#notice")
        assert "Fetch" in tab.text("#graph")
        save(project / "flows.yaml", FLOWS.replace("name: first", "name: renamed"))
        tab.shows("failure of renamed", "#outcome")
        tab.until("document.querySelector('#notice').hidden")
        assert tab.run("[...document.querySelector('#flow').options].map(o => o.value)") == ["renamed", "second"]
        assert tab.run("window.notReloaded")


def test_click_a_node_to_see_its_runs(browser: Browser, project: Path) -> None:
    with page(browser, project, "--run") as tab:
        tab.until("document.querySelector('#graph [data-name=Fetch]')")
        tab.click("#graph [data-name=Fetch]")
        tab.shows('"n": 1', "#details")
        tab.shows("success at 0 s", "#details")
        assert tab.run("document.querySelector('#graph .selected').dataset.name") == "Fetch"
        # The details follow the next run.
        save(project / "work.py", WORK.format(result="{'n': 'other'}"))
        tab.shows('"n": "other"', "#details")


def test_pick_a_flow(browser: Browser, project: Path) -> None:
    with page(browser, project, "--run") as tab:
        tab.until("document.querySelector('#graph [data-name=second]')")
        tab.run(
            "(() => { const e = document.querySelector('#flow'); e.value = 'second';"
            " e.dispatchEvent(new Event('change')); })()"
        )
        tab.until("document.querySelector('#graph [data-name=Store]')")
        tab.click("#graph [data-name=Store]")
        tab.shows("run 1 of 2: failure", "#details")
        tab.shows("ValueError: stored nothing of", "#details")
        tab.shows("Traceback", "#details")
        tab.click("#graph [data-name=Clean]")
        tab.shows("second/Clean did not run in first.", "#details")
        tab.shows("edge Store -> Clean was not considered: second/Store#1 failed", "#details")
        save(project / "work.py", WORK.format(result="2"))
        tab.until("Number(document.querySelector('#status').dataset.version) >= 3")
        assert tab.run("document.querySelector('#flow').value") == "second"


WHY = """\
flow-definitions:
  - name: first
    edges:
      - {from: null, to: Fetch}
      - {from: Fetch, to: second, condition: Fetch.n > 1}
    failures:
      - {nodes: Fetch, fallback: Store}
  - name: second
    edges:
      - {from: null, to: Clean}
"""


def test_click_a_node_that_did_not_run_to_see_why(browser: Browser, project: Path) -> None:
    (project / "flows.yaml").write_text(WHY)
    with page(browser, project, "--run", "--flow", "first") as tab:
        tab.until("document.querySelector('#graph [data-name=second]')")
        tab.click("#graph [data-name=second]")
        tab.shows("second did not run in first.", "#details")
        tab.shows("edge Fetch -> second was considered once and said no  (flows.yaml:5:9)", "#details")
        tab.shows("Fetch.n > 1    is false: Fetch.n was 1", "#details")
        tab.click("#graph [data-name=Store]")
        tab.shows("fallback Fetch -> Store was not needed: Fetch did not fail", "#details")
        # A flow that was not started, too.
        tab.run(
            "(() => { const e = document.querySelector('#flow'); e.value = 'second';"
            " e.dispatchEvent(new Event('change')); })()"
        )
        tab.until("document.querySelector('#graph [data-name=Clean]')")
        tab.click("#graph [data-name=Clean]")
        tab.shows("flow second did not run", "#details")
        tab.shows("Fetch.n was 1", "#details")
        # It follows the next run.
        save(project / "work.py", WORK.format(result="{'n': 2}"))
        tab.shows("success at 0 s", "#details")


def many_runs(project: Path, work: str) -> None:
    """A node that runs 300 times."""
    (project / "flows.yaml").write_text(
        "flow-definitions:\n  - name: many\n    edges:\n      - from: null\n        to: Store\n"
        "        foreach: {import: work, function: items, propagate_result: true}\n"
    )
    (project / "work.py").write_text(
        f"{WORK.format(result=1)}\n\ndef items(storage_pool, node_args):\n    return list(range(300))\n\n\n"
        f"class Store(Fetch):\n    def run(self, item):\n{work}"
    )


def test_the_runs_that_failed_come_first_and_all_can_be_found(browser: Browser, project: Path) -> None:
    many_runs(
        project, "        if item == 250:\n            raise ValueError('lost')\n        return {'order': item}\n"
    )
    with page(browser, project, "--run") as tab:
        tab.until("document.querySelector('#graph [data-name=Store]')")
        tab.click("#graph [data-name=Store]")
        tab.shows("ValueError: lost", "#details details[open]")
        assert tab.run("document.querySelector('#details summary').textContent").startswith(
            "run 251 of 300: failure"
        )
        tab.shows("and 200 more runs; the filter finds them", "#details")
        find = (
            "(() => {{ const e = document.querySelector('#filter input'); e.value = {!r};"
            " e.dispatchEvent(new Event('input', {{bubbles: true}})); }})()"
        )
        tab.run(find.format('"order":123'))
        tab.shows("run 124 of 300: success", "#details")
        assert tab.run("document.querySelectorAll('#details details').length") == 1
        tab.run(find.format("nowhere"))
        tab.shows("None of the 300 runs has that text.", "#details")
        tab.run(find.format(""))
        tab.shows("and 200 more runs", "#details")


def test_what_is_shown_while_a_run_takes_long_is_greyed(browser: Browser, project: Path) -> None:
    with page(browser, project, "--run") as tab:
        tab.shows("the run failed", "#status")
        assert tab.run("getComputedStyle(document.querySelector('#outcome')).opacity") == "1"
        wait = "import os, time\n        while not os.path.exists('go'):\n            time.sleep(0.01)\n        "
        save(project / "work.py", WORK.format(result=1).replace("return 1", f"{wait}return 1"))
        tab.shows("working …, before: the run failed", "#status")
        tab.until("getComputedStyle(document.querySelector('#outcome')).opacity === '0.4'")
        assert tab.run("document.querySelector('#status').className") == ""
        (project / "go").touch()
        tab.until("document.querySelector('#status').textContent === 'the run failed'")
        tab.until("getComputedStyle(document.querySelector('#outcome')).opacity === '1'")


def test_text_stays_in_its_box_whatever_fonts_there_are(browser: Browser, project: Path) -> None:
    long = "ALongNameThatGoesOnAndOnForMoreThanFortyCharacters"
    for file in ("nodes.yaml", "flows.yaml", "work.py"):
        (project / file).write_text((project / file).read_text().replace("Fetch", long))
    with page(browser, project) as tab:
        tab.until("document.querySelector('#graph .node text')")
        cut = tab.run(
            "[...document.querySelectorAll('#graph .node')].flatMap(node => {"
            "  const box = node.querySelector('path, polygon, ellipse').getBBox();"
            "  return [...node.querySelectorAll('text')].filter(text => {"
            "    const own = text.getBBox();"
            "    return own.x < box.x || own.x + own.width > box.x + box.width; }).map(text => text.textContent);"
            "})"
        )
        assert cut == []


def test_from_a_node_to_its_flow_and_from_the_run_to_a_node(browser: Browser, project: Path) -> None:
    with page(browser, project, "--run") as tab:
        tab.until("document.querySelector('#outcome .names button')")
        tab.click("#outcome .names button")
        tab.shows("second", "#details h3")
        tab.click("#details button")
        tab.until("document.querySelector('#flow').value === 'second'")
        tab.until("document.querySelector('#graph [data-name=Store]')")


def test_keyboard(browser: Browser, project: Path) -> None:
    with page(browser, project, "--run") as tab:
        tab.until("document.querySelector('#graph [data-name=Fetch]')")
        for _ in range(20):
            tab.press("Tab")
            if tab.run("document.activeElement.dataset.name") == "Fetch":
                break
        else:
            raise AssertionError("the node is not reached with Tab")
        tab.press("Enter")
        tab.shows('"n": 1', "#details")
        # The focus survives that the picture is drawn anew.
        save(project / "flows.yaml", FLOWS.replace("- name: first", "- name: first\n    queue: other"))
        tab.shows("queue other", "#graph")
        assert tab.run("document.activeElement.dataset.name") == "Fetch"
        before = tab.run("document.querySelector('#graph svg').getAttribute('width')")
        tab.press("+")
        assert int(tab.run("document.querySelector('#graph svg').getAttribute('width')")) > int(before)
        tab.press("0")
        assert tab.run("document.querySelector('#graph svg').getAttribute('width')") == before


def test_hostile_results_and_errors_are_text(browser: Browser, project: Path) -> None:
    (project / "work.py").write_text(
        WORK.format(result=f"{{{HOSTILE!r}: [{HOSTILE!r}]}}").replace('"stored nothing of "', repr(HOSTILE))
    )
    with page(browser, project, "--run") as tab:
        tab.until("document.querySelector('#graph [data-name=Fetch]')")
        tab.click("#graph [data-name=Fetch]")
        tab.shows(json.dumps(HOSTILE), "#details")
        tab.click("#outcome .names button")
        tab.click("#details button")
        tab.until("document.querySelector('#graph [data-name=Store]')")
        # The condition's value is part of the picture.
        tab.shows("text><script>hacked()</script>", "#graph")
        tab.click("#graph [data-name=Store]")
        tab.shows(HOSTILE, "#details")
        assert tab.run("document.querySelectorAll('main script, main img, main iframe').length") == 0


def test_hostile_names_are_text(browser: Browser, project: Path) -> None:
    name = "<img src=x onerror=hacked()>"
    (project / f"{name}.yaml").write_text(
        f"flow-definitions:\n  - name: {json.dumps(HOSTILE)}\n    edges:\n"
        f"      - {{from: null, to: {json.dumps(HOSTILE)}}}\n"
    )
    with page(browser, project, "--run") as tab:
        tab.shows(f"{name}.yaml:2:11 error", "#findings")
        tab.shows("<script>hacked()</script>", "#findings")
        tab.shows("error", "#status")
        assert tab.run("document.querySelectorAll('main script, main img').length") == 0


def test_large_result(browser: Browser, project: Path) -> None:
    (project / "work.py").write_text(WORK.format(result="'<b>' + 'x' * 1_000_000"))
    with page(browser, project, "--run") as tab:
        tab.until("document.querySelector('#graph [data-name=Fetch]')")
        tab.click("#graph [data-name=Fetch]")
        tab.shows("Show all 1000005 characters", "#details")
        assert len(tab.text("#details")) < 30_000
        tab.click("#details button")
        tab.until("document.querySelector('#details').textContent.length > 1000000")


def test_result_that_json_does_not_know(browser: Browser, project: Path) -> None:
    (project / "work.py").write_text(WORK.format(result="float('nan')"))
    with page(browser, project, "--run") as tab:
        tab.shows("failure of first", "#outcome")


def test_problems_are_reported(browser: Browser, project: Path) -> None:
    with page(browser, project, "--run", "--flow", "first") as tab:
        tab.shows("failure of first", "#outcome")
        save(project / "flows.yaml", FLOWS.replace("name: first", "name: firts"))
        tab.shows('did you mean "firts"', "#outcome")
        tab.shows("the run failed", "#status")
        for path in project.glob("*.yaml"):
            path.unlink()
        tab.shows("no YAML files in", "#findings")
        tab.shows("cannot be checked", "#status")
        save(project / "nodes.yaml", NODES)
        save(project / "flows.yaml", FLOWS)
        tab.shows("failure of first", "#outcome")


def test_without_run(browser: Browser, project: Path) -> None:
    with page(browser, project) as tab:
        tab.shows("Not run", "#outcome")
        tab.shows("fine", "#status")
        tab.click("#graph [data-name=Fetch]")
        tab.shows("There is no run.", "#details")


def test_says_when_the_watcher_is_gone(browser: Browser, project: Path) -> None:
    with watching(project, "--serve", "--port", "0") as watcher:
        tab = browser.open(address(watcher))
        tab.shows("fine", "#status")
        watcher.end()
        tab.shows("the watcher is gone", "#status")
        tab.call("Page.navigate", url="about:blank")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 420])
def test_fits_wide_and_narrow_windows_in_both_schemes(
    browser: Browser, project: Path, width: int, dark: bool
) -> None:
    with page(browser, project, "--run") as tab:
        tab.look(width, 800, dark)
        tab.until("document.querySelector('#graph [data-name=Fetch]')")
        tab.click("#graph [data-name=Fetch]")
        tab.shows('"n": 1', "#details")
        assert tab.run("document.documentElement.scrollWidth") <= width
        text, page_color = tab.run(
            "(() => { const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]; })()"
        )
        assert (brightness(text) > brightness(page_color)) is dark


def brightness(color: str) -> int:
    return sum(int(number) for number in re.findall(r"\d+", color)[:3])


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    """A page on another origin that tries to read the watcher's."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title>")

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_other_origins_get_nothing(browser: Browser, project: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as elsewhere:
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        try:
            with watching(project, "--serve", "--port", "0") as watcher:
                target = json.dumps(address(watcher))
                tab = browser.open(f"http://127.0.0.1:{elsewhere.server_address[1]}/")
                tab.until("document.title === 'elsewhere'")
                read = f"fetch({target} + 'state').then(a => a.text(), () => 'refused')"
                assert tab.run(read) == "refused"
                loaded = (
                    "new Promise(done => {{ const e = document.createElement('{0}');"
                    " e.onload = () => done('loaded'); e.onerror = () => done('refused');"
                    " e.src = {1} + '{2}'; document.body.append(e); }})"
                )
                assert tab.run(loaded.format("script", target, "page.js")) == "refused"
                assert tab.run(loaded.format("img", target, "icon.svg")) == "refused"
                stream = (
                    f"new Promise(d => {{ new EventSource({target} + 'events').onerror = () => d('refused') }})"
                )
                assert tab.run(stream) == "refused"
                framed = (
                    f"new Promise(done => {{ const e = document.createElement('iframe'); e.src = {target};"
                    " e.onload = () => { let read; try { read = e.contentDocument?.body.innerText || 'nothing' }"
                    " catch (x) { read = 'nothing' } done(read) }; document.body.append(e); })"
                )
                assert tab.run(framed) == "nothing"
                tab.call("Page.navigate", url="about:blank")
                watcher.end()
        finally:
            elsewhere.shutdown()
