"""The pytest plugin: flow test cases as items, and fixtures for tests that run flows themselves.

Nothing but pytest is imported before a case file is collected or a fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable
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
    group.addoption("--selinon-ci", action="store_true", help="write no snapshots of flow test cases")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> FlowTestFile | None:
    """Collect a case file."""
    if not file_path.name.endswith(_SUFFIXES):
        return None
    from selinon_core.testing.pytest_items import FlowTestFile

    return FlowTestFile.from_parent(parent, path=file_path)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the snapshots of the cases that ran."""
    import sys

    items = sys.modules.get("selinon_core.testing.pytest_items")
    if items is not None:
        items.finish(session)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print what is to be noted of case files: unused mocks, obsolete snapshots."""
    import sys

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
