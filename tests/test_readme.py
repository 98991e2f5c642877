"""The README and the links of all pages."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += sorted((ROOT / "sample_flows").rglob("*.md"))

_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """What ``#...`` may name in a page, as GitHub makes it from headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in plain}


def test_the_command_for_the_tests_is_the_one_that_is_run_on_every_change() -> None:
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv .venv")]
    (tests,) = [command for command in commands if "pytest" in command]
    assert tests in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_first_command_runs_a_sample_that_is_there() -> None:
    first = next(line for line in README.splitlines() if line.startswith("python3 -m venv .venv"))
    assert first.endswith(".venv/bin/selinon run --local sample_flows/order_pipeline")
    assert (ROOT / "sample_flows" / "order_pipeline" / "nodes.yaml").is_file()


def test_what_lint_says_about_the_flow(tmp_path: Path) -> None:
    (flow,) = re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (said,) = re.findall(r"^\$ selinon lint\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    tasks = [
        f"  - {{name: {name}, import: shop, storage: Orders}}" for name in ("Reserve", "Charge", "Ship", "Release")
    ]
    storage = "storages:\n  - {name: Orders, import: selinon.storages.memory, classname: InMemoryStorage}"
    text = "\n".join(["tasks:", *tasks, storage, flow.replace("to: Charge", "to: Chrage", 1)])
    (tmp_path / "flow.yaml").write_text(text)
    ran = subprocess.run(
        [sys.executable, "-m", "selinon_cli", "lint", "flow.yaml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert said in ran.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_table_has_a_header(page: Path) -> None:
    """Behind an empty line a table begins; rows without a header are shown as text with bars."""
    lines = ["", *prose(page).splitlines(), ""]
    begins = [n for n, line in enumerate(lines) if line.startswith("|") and not lines[n - 1].startswith("|")]
    assert [lines[n] for n in begins if not re.match(r"\|[ :-]*-", lines[n + 1])] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(prose(page)):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), (
                f"{page.name} links to {target}#{anchor}; there is {sorted(anchors(file))}"
            )
