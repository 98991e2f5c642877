"""Coverage of flows by the tests of a pytest session: flow test cases, and tests that run flows themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from uuid import uuid4

import pytest

from selinon_core.context import run_listener
from selinon_core.covering import CoverageData, collect, judge
from selinon_core.covering.data_file import DATA_FILE, read_data, update_data
from selinon_core.covering.report import percent_text
from selinon_core.errors import RequestError, SelinonException
from selinon_core.project import Project
from selinon_core.testing.pytest_items import load_project

_DATA = pytest.StashKey[CoverageData]()
_PROBLEM = pytest.StashKey[str]()


class CoveringTests:
    """The plug-in of a session that gathers coverage."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Let what local runs meet while a test is called be covered by it."""
        config = item.config
        if _DATA not in config.stash:
            config.stash[_DATA] = CoverageData(_session_of(config))
        data = config.stash[_DATA]
        with run_listener(lambda run: collect(run.facts, item.nodeid, data)):
            return (yield)


def write(config: pytest.Config) -> None:
    """Add what this process covered to the data of the session; the summary has what went wrong."""
    data = config.stash.get(_DATA, None)
    if data is not None:
        try:
            update_data(_path(config, _project(config)), data)
        except RequestError as error:
            config.stash[_PROBLEM] = str(error)


def summary(config: pytest.Config) -> list[str]:
    """What all processes have covered, a line per flow of the project and one for all; empty without a project."""
    if _PROBLEM in config.stash:
        return [config.stash[_PROBLEM]]
    project = _project(config)
    if project is None or project.plan is None:
        return []
    try:
        data, _ = read_data(_path(config, project)).onto(project.plan)
    except SelinonException as error:
        return [str(error)]
    report = judge(project.plan, data)
    rows = [(flow.name, flow.counts) for flow in report.flows]
    width = max((len(name) for name, _ in rows), default=0)
    lines = [f"{name:{width}}  {c.covered} of {c.goals} goals  {percent_text(c)}" for name, c in rows]
    total = report.total
    return [*lines, f"{total.covered} of {total.goals} goals covered; selinon cover lists the others"]


def _project(config: pytest.Config) -> Project | None:
    try:
        return load_project(str(config.invocation_params.dir))
    except SelinonException:
        return None


def _path(config: pytest.Config, project: Project | None) -> str:
    """Where ``selinon cover`` looks for it."""
    settings = None if project is None else project.settings
    return os.path.join(str(config.invocation_params.dir) if settings is None else settings.root, DATA_FILE)


def _session_of(config: pytest.Config) -> str:
    """One name for all processes of pytest-xdist."""
    workers = getattr(config, "workerinput", {})
    return str(workers.get("testrunuid") or uuid4().hex)
