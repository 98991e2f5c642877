"""The pytest plugin: flow test cases as items, and fixtures for tests that run flows themselves.

Nothing but pytest is imported before a case file is collected or a fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selinon_core.local import LocalRun
    from selinon_core.project import Project
    from selinon_core.testing.pytest_items import FlowTestFile

_SUFFIXES = (".flowtest.yaml", ".flowtest.yml")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options about flow test cases."""
    group = parser.getgroup("selinon", "flow test cases (*.flowtest.yaml)")
    group.addoption(
        "--selinon-seeds",
        type=int,
        default=1,
        metavar="N",
        help="run each flow test case with at least N seeds",
    )
    group.addoption(
        "--selinon-update-snapshots",
        action="store_true",
        help="replace the snapshots of flow test cases that differ",
    )
    group.addoption(
        "--selinon-cover",
        action="store_true",
        help="report which goals of flows the tests cover, and leave it for selinon cover",
    )
    group.addoption("--selinon-ci", action="store_true", help="write no snapshots of flow test cases")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> FlowTestFile | None:
    """Collect a case file."""
    if not file_path.name.endswith(_SUFFIXES):
        return None
    from selinon_core.testing.pytest_items import FlowTestFile

    return FlowTestFile.from_parent(parent, path=file_path)


def pytest_configure(config: pytest.Config) -> None:
    """Let the runs of tests count as covered, where that is asked for; no test pays for it otherwise."""
    if config.getoption("--selinon-cover"):
        from selinon_core.testing.pytest_coverage import CoveringTests

        config.pluginmanager.register(CoveringTests(), "selinon-cover")


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtestloop() -> Iterator[None]:
    """Hand what flows have covered to coverage.py, before pytest-cov writes its data."""
    import sys

    result = yield
    plugin = sys.modules.get("selinon_core.coverage_plugin")
    if plugin is not None:
        plugin.flush()
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the snapshots of the cases that ran, and what the tests covered."""
    import sys

    coverage = sys.modules.get("selinon_core.testing.pytest_coverage")
    if coverage is not None:
        coverage.write(session.config)
    items = sys.modules.get("selinon_core.testing.pytest_items")
    if items is not None:
        items.finish(session)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print what is to be noted of case files: unused mocks, obsolete snapshots."""
    import sys

    if config.getoption("--selinon-cover"):
        from selinon_core.testing.pytest_coverage import summary

        terminalreporter.section("coverage of flows")
        for line in summary(config):
            terminalreporter.write_line(line)
    items = sys.modules.get("selinon_core.testing.pytest_items")
    lines = [] if items is None else items.notes_of(config)
    if lines:
        terminalreporter.section("flow test cases")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def flow_project(pytestconfig: pytest.Config) -> Project:
    """The project to which the directory belongs where pytest was started; it has no errors."""
    from selinon_core.testing.pytest_items import load_project

    return load_project(str(pytestconfig.invocation_params.dir))


@pytest.fixture
def run_flow(flow_project: Project) -> Callable[..., LocalRun]:
    """Run a flow of the project: ``run_flow(flow, args, **options)``; options are those of ``LocalOptions``.

    ``mocks`` may be a mapping as a case file has it.
    """
    from selinon_core.testing.pytest_items import run_flow_of

    def run(flow: str, args: Any = None, **options: Any) -> LocalRun:
        return run_flow_of(flow_project, flow, args, options)

    return run
