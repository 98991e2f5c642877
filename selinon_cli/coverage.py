"""What ``test --cover`` and ``cover`` share: where data is, the report about a project, and bounds on it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from selinon_cli.exits import UsageError
from selinon_cli.ignores import silenced
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.covering import CoverageData, CoverageReport, Goal
    from selinon_core.plan import Plan
    from selinon_core.project import Project


#: How long flows are explored for goals that no run can meet. Few projects come near it.
_MOST_SECONDS = 10


def data_file(project: Project) -> str:
    """Where the tests of a project leave their coverage."""
    from selinon_core.covering.data_file import DATA_FILE

    root = project.settings.root if project.settings is not None else "."
    path = os.path.join(root, DATA_FILE)
    return os.path.relpath(path) if os.path.realpath(root) == os.path.realpath(os.getcwd()) else path


def coverage_report(
    terminal: Terminal,
    plan: Plan,
    project: Project,
    parts: Iterable[CoverageData],
    *,
    counted: Collection[str] = (),
    wanted: Callable[[Goal], bool] | None = None,
) -> CoverageReport:
    """The coverage of a project. Goals that no run can meet are found by exploring the flows.

    Warns of data about other versions of the project, and of comments without effect.
    """
    from selinon_core.covering import CoverageData, judge

    known = CoverageData()
    gone: dict[str, int] = {}
    for part in parts:
        moved, lost = part.onto(plan)
        known.merge(moved)
        gone.update({flow: max(elements, gone.get(flow, 0)) for flow, elements in lost.items()})
    for flow, elements in sorted(gone.items()):
        if flow in plan.flows:
            terminal.warn(
                f"flow {flow} changed since it was covered: {elements} of its edges and failures entries "
                "do not count; selinon test --cover covers them again"
            )
        else:
            terminal.warn(f"there is coverage of flow {flow}, which is not in this project")
    ignored = _ignored(terminal, plan, project)

    def judged(impossible: Mapping[str, str]) -> CoverageReport:
        return judge(plan, known, counted=counted, wanted=wanted, impossible=impossible, ignored=ignored)

    report = judged({})
    missing = [found.goal for found in report.having("missing")]
    if not missing:
        return report
    from selinon_cli.goal_search import GoalSearch

    end = time.monotonic() + _MOST_SECONDS

    def is_over() -> bool:
        return time.monotonic() > end

    impossible = GoalSearch(plan, project.pythonpath, is_over=is_over).impossible(missing)
    if is_over():
        terminal.warn(
            f"the flows were explored for {_MOST_SECONDS} seconds: some goals that no run can meet may be among "
            "the missing ones; selinon check explores to the end"
        )
    return judged(impossible) if impossible else report


def _ignored(terminal: Terminal, plan: Plan, project: Project) -> dict[str, str]:
    """The goals that comments silence, each with the reason."""
    from selinon_core.covering import KINDS, goals_of

    return silenced(
        terminal,
        project,
        "cover",
        "goal",
        KINDS,
        lambda: [(g.id, g.suppression, g.place) for flow in plan.flows for g in goals_of(plan, flow)],
    )


def check_bound(option: str, percent: float | None) -> None:
    """Raise ``UsageError`` for a bound that is not a percentage."""
    if percent is not None and percent > 100:
        raise UsageError(f"{option}: {percent:g} is not a percentage", "give a number from 0 to 100")


def is_enough(
    terminal: Terminal, report: CoverageReport, fail_under: float | None, fail_under_flow: float | None = None
) -> bool:
    """Whether as much is covered as asked for, in total and of each flow; says what is not."""
    from selinon_core.covering.report import percent_text

    enough = True
    if fail_under is not None and report.total.is_below(fail_under):
        terminal.error(f"{percent_text(report.total)} of all goals are covered, less than {fail_under:g} %")
        enough = False
    if fail_under_flow is not None:
        for flow in report.flows:
            if flow.counts.is_below(fail_under_flow):
                shown = percent_text(flow.counts)
                terminal.error(
                    f"{shown} of the goals of flow {flow.name} are covered, less than {fail_under_flow:g} %"
                )
                enough = False
    return enough


def finish_coverage(
    terminal: Terminal,
    collected: Iterable[tuple[Project, Any]],
    fail_under: float | None = None,
    *,
    has_table: bool = True,
) -> bool:
    """Write what tests covered beside their projects and print it; whether it is enough everywhere.

    ``collected`` are projects with what ``CoverageObserver.collected`` gave; None: no run of the tests has ended.
    """
    from selinon_cli.render.coverage import coverage_line, coverage_text
    from selinon_core.covering import CoverageData
    from selinon_core.covering.data_file import update_data

    projects: dict[int, tuple[Project, CoverageData]] = {}
    for project, value in collected:
        _, data = projects.setdefault(id(project), (project, CoverageData()))
        if value is not None:
            data.merge(CoverageData.from_json(value))
    enough = True
    for project, data in projects.values():
        assert project.plan is not None
        update_data(data_file(project), data)
        report = coverage_report(terminal, project.plan, project, [data])
        if has_table and terminal.verbosity >= 0:
            terminal.data("\n" + coverage_text(report, color=terminal.color_out))
        else:
            terminal.note(coverage_line(report))
        enough = is_enough(terminal, report, fail_under) and enough
    return enough
