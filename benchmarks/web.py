"""The page of a flow run with 10 000 node runs, in a real browser: first view, frames, memory.

``python benchmarks/web.py``; needs Chromium. Targets: a first view within 1 s, no frame over 100 ms,
less than 100 MB of heap. The longest frame has the loading of the page and the opening of its largest group in it.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.watch.browser import Tab, find_browser, real_browser
from tests.web.viewed import project, served

#: Notes frames that took long, from before the page begins.
_WATCH = """
window.longest = 0;
let last = performance.now();
const frame = (now) => {
  window.longest = Math.max(window.longest, now - last);
  last = now;
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
"""


def main() -> int:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="200 nodes, measured once")
    options = parser.parse_args()
    if options.quick:
        options.nodes, options.times = 200, 1
    if find_browser() is None:
        print("no browser: install chromium, or name one with SELINON_TEST_BROWSER")
        return 0
    logging.getLogger("selinon").setLevel(logging.CRITICAL)  # some pages fail, which is meant
    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps(_measured(Path(directory), options.nodes, options.times), indent=1))
    return 0


def _measured(directory: Path, nodes: int, times: int) -> dict[str, Any]:
    figures: dict[str, list[float]] = {name: [] for name in ("first view, ms", "longest frame, ms", "heap, MB")}
    (directory / "profile").mkdir()
    (directory / "project").mkdir()
    with project(directory / "project") as shop, real_browser(directory / "profile") as browser:
        id = shop.world.start("pages", {"pages": nodes})
        shop.world.work_some(nodes // 2)
        with served(shop.page()) as address:
            for _ in range(times + 1):  # the first one starts the browser, and fills the server's memory
                tab = browser.open("about:blank")
                tab.call("Page.addScriptToEvaluateOnNewDocument", source=_WATCH)
                began = time.perf_counter()
                tab.call("Page.navigate", url=f"{address}runs/{id}")
                tab.until(
                    "document.querySelector('.group[data-name=Fetch]') && document.querySelector('#graph svg')"
                )
                figures["first view, ms"].append(1000 * (time.perf_counter() - began))
                shop.world.work_some(20)
                tab.click(".group[data-name=Fetch] > .group-head")
                tab.until("document.querySelectorAll('.member').length >= 100")
                figures["longest frame, ms"].append(tab.run("window.longest"))
                figures["heap, MB"].append(_heap(tab))
                tab.call("Page.navigate", url="about:blank")
    shown: dict[str, Any] = {
        name: round(statistics.median(values[1:] or values), 1) for name, values in figures.items()
    }
    return {"nodes": nodes, **shown, "load average": round(os.getloadavg()[0], 1)}


def _heap(tab: Tab) -> float:
    tab.call("HeapProfiler.collectGarbage")
    return float(tab.call("Runtime.getHeapUsage")["usedSize"]) / 1e6


if __name__ == "__main__":
    sys.exit(main())
