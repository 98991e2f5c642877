"""pytest collects the cases that ``selinon test`` collects, under the same names, and says the same of them."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from xml.etree import ElementTree

import pytest

from selinon_core import pytest_plugin
from tests.testing.shop import copy_shop

ROOT = Path(__file__).parents[2]
CASES = """\
flow: order
tags: [shop]
tests:
  - {name: a gift, args: {number: 8}, tasks: real, tags: [quick], expect: {not_ran: Charge}}
  - {name: fails, tasks: real, expect: {not_ran: Charge}}
  - {name: skipped, skip: later}
  - {name: known, xfail: a bug, tasks: real, expect: {not_ran: Charge}}
  - name: attempt $n
    parameters: [{n: 1}, {n: 2}]
    tasks: real
    fail: Charge:$n
    expect: {ran: Charge}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The shop with cases of every outcome."""
    root = copy_shop(tmp_path / "shop")
    (root / "cases").mkdir()
    text = CASES.replace("Charge:$n", "Charge:1")
    (root / "cases" / "order.flowtest.yaml").write_text(
        text.replace("attempt $n", "attempt $n\n    args: {n: $n}")
    )
    return root


def run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on a project, with our plugin whether or not it is installed, and with xdist."""
    plugin = () if any(found.name == "selinon" for found in entry_points(group="pytest11")) else ("-p", PLUGIN)
    command = [sys.executable, "-m", "pytest", *plugin, "-p", "no:randomly", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(command, cwd=root, capture_output=True, text=True, env=environment, timeout=200)


PLUGIN = "selinon_core.pytest_plugin"
FILE = "cases/order.flowtest.yaml"
TITLES = ["a gift", "fails", "skipped", "known", "attempt 1", "attempt 2"]


def test_cases_are_items_with_the_ids_of_selinon_test(project: Path) -> None:
    lines = run(project, "-q", "--collect-only").stdout.splitlines()
    assert lines[: len(TITLES)] == [f"{FILE}::{title}" for title in TITLES]


def test_a_failing_case_is_explained_without_a_traceback(project: Path) -> None:
    ran = run(project, "-q")
    assert ran.returncode == 1
    assert "1 failed, 3 passed, 1 skipped, 1 xfailed" in ran.stdout
    assert (
        "  expected  Charge not to run  (cases/order.flowtest.yaml:5:41)\n"
        "  but       Charge ran once: edge [LoadOrder, reserve] -> Charge fired (flows/order.yaml:11:9)\n"
        "              LoadOrder.total > 0    is true: total was 81.0\n"
    ) in ran.stdout
    assert "Traceback" not in ran.stdout


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (("-k", "quick"), ["a gift"]),
        (("-k", "shop and not attempt and not quick"), ["fails", "skipped", "known"]),
        ((f"{FILE}::attempt 2",), ["attempt 2"]),
    ],
)
def test_tags_and_names_select(project: Path, words: tuple[str, ...], chosen: list[str]) -> None:
    lines = run(project, "-q", "--collect-only", "--strict-markers", *words).stdout.splitlines()
    assert lines[: len(chosen)] == [f"{FILE}::{title}" for title in chosen]
    assert not lines[len(chosen)]


def test_the_failed_ones_are_run_again(project: Path) -> None:
    run(project, "-q", "--lf")
    assert "1 failed" in run(project, "-q", "--lf").stdout.splitlines()[-1]


def test_junit_has_the_same_cases_alone_with_xdist_and_from_selinon_test(project: Path) -> None:
    run(project, "-q", "--junitxml", "alone.xml")
    run(project, "-q", "-n", "2", "--junitxml", "xdist.xml")
    ours = [sys.executable, "-m", "selinon_cli", "test", "--junit", "ours.xml"]
    subprocess.run(
        ours, cwd=project, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    alone, xdist, selinon = (cases_of(project / f"{name}.xml") for name in ("alone", "xdist", "ours"))
    assert alone == xdist == selinon
    assert len(alone) == len(TITLES)


def cases_of(path: Path) -> dict[tuple[str, str], tuple[str, list[tuple[str | None, str | None]]]]:
    """Outcome and properties by class name (where pytest writes dots for slashes) and name."""
    found = {}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        outcome = next((child.tag for child in case if child.tag not in ("properties", "system-out")), "passed")
        properties = [(one.get("name"), one.get("value")) for one in case.iter("property")]
        key = (case.get("classname", "").replace("/", "."), case.get("name", ""))
        found[key] = (outcome, properties if outcome != "skipped" else [])
    return found


def test_mistakes_in_case_files_and_projects_are_errors_of_collection(project: Path) -> None:
    path = project / FILE
    path.write_text(path.read_text().replace("expect: {ran", "expekt: {ran"))
    ran = run(project, "-q")
    assert ran.returncode == 2
    assert f"{FILE}:13:5: error" in ran.stdout, ran.stdout
    assert "error[SEL800]" in ran.stdout
    flows = project / "flows" / "order.yaml"
    flows.write_text(flows.read_text().replace("to: Charge", "to: Chrage"))
    ran = run(project, "-q")
    assert ran.returncode == 2
    assert "error[SEL201]" in ran.stdout
    assert "Traceback" not in ran.stdout


def test_fixtures_run_flows_of_the_project(project: Path) -> None:
    (project / "test_order.py").write_text(
        "def test_mocked(run_flow):\n"
        "    run = run_flow('order', {'number': 8}, mocks={'LoadOrder': {'error': 'Busy: no'}}, mock_all=True)\n"
        "    assert (run.status, run.nodes[0]['error']['type']) == ('failure', 'Busy')\n\n\n"
        "def test_real(run_flow, flow_project):\n"
        "    assert run_flow('order', seed=3).status == 'success'\n"
        "    assert list(flow_project.plan.flows) == ['order', 'reserve']\n"
    )
    ran = run(project, "-q", "test_order.py")
    assert "2 passed" in ran.stdout, ran.stdout


def test_snapshots_are_written_compared_and_kept(project: Path) -> None:
    (project / FILE).write_text("flow: order\ntests: [{name: one, tasks: real, expect: {snapshot: true}}]\n")
    stored = project / "cases" / "__snapshots__" / "order.flowtest.yaml.json"
    assert run(project, "-q", "--selinon-ci").returncode == 1
    assert not stored.exists()
    ran = run(project, "-q")
    assert ran.returncode == 0
    assert "wrote 1 to" in ran.stdout
    assert run(project, "-q", "--selinon-ci").returncode == 0
    stored.write_text(stored.read_text().replace("success", "failure"))
    assert "the run to be as its snapshot" in run(project, "-q").stdout
    assert run(project, "-q", "--selinon-update-snapshots").returncode == 0
    assert run(project, "-q", "--selinon-ci").returncode == 0


def test_seeds(project: Path) -> None:
    ran = run(project, "-q", "--selinon-seeds", "3", "-k", "fails")
    assert "with seed 0 (3 of 3 seeds fail)" in ran.stdout


def test_nothing_of_ours_but_the_plugin_is_imported_where_there_are_no_cases(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n\n\ndef test_modules():\n"
        "    ours = {name for name in sys.modules if name.startswith('selinon')}\n"
        "    assert ours == {'selinon_core', 'selinon_core.version', 'selinon_core.pytest_plugin'}\n"
    )
    ran = run(tmp_path, "-q")
    assert "1 passed" in ran.stdout, ran.stdout


def test_no_test_is_wrapped_where_coverage_is_not_asked_for() -> None:
    plugins = pytest.PytestPluginManager()
    plugins.register(pytest_plugin)
    assert plugins.hook.pytest_runtest_call.get_hookimpls() == []


#: What the cases and the parsed code of the project are made of: pytest walks all of it when it ends.
LEFT = """\
import ast
import gc


def pytest_unconfigure(config):
    gc.collect()
    left = [type(one).__name__ for one in gc.get_objects() if isinstance(one, ast.Module) or _is_case(one)]
    print("left:", sorted(left))


def _is_case(one):
    return type(one).__module__ == "selinon_core.cases.model" and type(one).__name__ == "Expected"
"""


def test_the_cases_are_let_go_before_pytest_looks_for_garbage(project: Path) -> None:
    (project / "conftest.py").write_text(LEFT)
    mocked = "flow: order\nmocks: {Charge: {result: 1}}\ntests: [{name: one, expect: {ran: [Charge]}}]\n"
    (project / "cases" / "mocked.flowtest.yaml").write_text(mocked)
    assert "left: ['Expected']" in run(project, "-q").stdout  # the default of the class alone


SCHEDULED = """\
flow: order
tests:
  - name: crashed and delivered twice
    tasks: real
    schedule:
      - crash: {after: commit, in: LoadOrder#1}
      - twice: ReleaseItems#1
    expect: {ends: once, same_as: undisturbed}
"""


def test_schedules_are_played_and_stale_deviations_told(project: Path) -> None:
    (project / FILE).write_text(SCHEDULED, encoding="utf-8")
    ran = run(project, "-q")
    assert ran.returncode == 0, ran.stdout
    assert "stale: 1 of 2 deviations met nothing" in ran.stdout
    assert run(project, "-q", "--selinon-ci").returncode == 1
