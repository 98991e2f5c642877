"""``selinon cover``: which branches, fallbacks and retries have a test, and which ones production has met."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, UsageError
from selinon_cli.options import Command, ProjectOptions, choice, flag, number, text, texts
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_cli.uncovered_reasons import Why
    from selinon_core.covering import CoverageData, CoverageReport
    from selinon_core.plan import Plan
    from selinon_core.project import Project

FORMATS = ("text", "json", "cobertura", "lcov", "html", "github")


class CoverOptions(ProjectOptions):
    """What ``selinon cover`` takes."""

    histories = texts(
        "--histories",
        help="A file or directory of traces, as run --trace and status --history write them; may be repeated.",
        kind="path",
        metavar="DIR",
    )
    format = choice("--format", help="How to report.", choices=FORMATS, default="text")
    output = text(
        "-o",
        "--output",
        help="Where to write: a file, a directory, - for stdout. Default: stdout; html: .selinon/coverage.html.",
        kind="path",
        metavar="FILE|DIR|-",
    )
    fail_under = number(
        "--fail-under", help="Exit code 1 when less than this is covered in total.", metavar="PCT", minimum=0
    )
    fail_under_flow = number(
        "--fail-under-flow", help="Exit code 1 when less than this is covered of a flow.", metavar="PCT", minimum=0
    )
    mcdc = flag("--mcdc", help="Count for each predicate of a condition whether it was seen to decide (MC/DC).")
    failures = flag(
        "--failures", help="Count failures that no fallback shows: of eager and nowait nodes, and of sub-flows."
    )
    diff = text(
        "--diff", help="Only goals of edges and failures entries that changed since a git revision.", metavar="REV"
    )
    suggest = text(
        "--suggest",
        help="Write a test case for each missing goal to a case file, - for stdout.",
        kind="path",
        metavar="FILE|-",
    )
    show = choice("--show", help="Which goals to list.", choices=("missing", "all"), default="missing")
    why = flag("--why", help="Say what kept each missing goal from being met, in the case that came nearest.")


def cover(terminal: Terminal, options: CoverOptions) -> int:
    """Report coverage; 1 when less is covered than asked for."""
    from selinon_cli.coverage import check_bound, coverage_report, is_enough
    from selinon_cli.project import load_whole_project, plan_at_revision

    check_bound("--fail-under", options.fail_under)
    check_bound("--fail-under-flow", options.fail_under_flow)
    if options.suggest not in (None, "-"):
        _check_new(options.suggest)
    if options.why and options.format not in ("text", "json"):
        raise UsageError(f"--why and --format {options.format} do not go together", "take text or json")
    files = [path for path in options.paths if path.endswith(".json")]
    paths = [path for path in options.paths if not path.endswith(".json")]
    plan, project = load_whole_project(terminal, paths)
    data = _data(plan, project, files, options.histories)
    changed = None
    if options.diff is not None:
        from selinon_core.covering.changed import changed_since

        changed = changed_since(plan_at_revision(terminal, options.diff, paths), plan)
    counted = [name for name, is_asked in (("mcdc", options.mcdc), ("failures", options.failures)) if is_asked]
    report = coverage_report(terminal, plan, project, data, counted=counted, wanted=changed)
    if options.suggest == "-":
        _suggest(terminal, plan, project, report, "-")
    else:
        why = _reasons(terminal, plan, project, report, data, paths, options) if options.why else {}
        _print(terminal, plan, project, report, options, why)
        if options.suggest is not None:
            _suggest(terminal, plan, project, report, options.suggest)
    is_fine = is_enough(terminal, report, options.fail_under, options.fail_under_flow)
    return EXIT_OK if is_fine else EXIT_FINDINGS


def _data(plan: Plan, project: Project, files: Sequence[str], histories: Sequence[str]) -> list[CoverageData]:
    """The data of all files and histories; without any, what the tests of the project have left."""
    from selinon_cli.coverage import data_file
    from selinon_core.covering import CoverageData
    from selinon_core.covering.data_file import read_data
    from selinon_core.covering.histories import history_files, read_history

    if not files and not histories:
        default = data_file(project)
        if not os.path.exists(default):
            raise UsageError(
                f"there is no coverage in {default}",
                "selinon test --cover collects it; --histories DIR reads what runs did",
            )
        files = [default]
    found = [read_data(file) for file in files]
    if histories:
        met = CoverageData()
        for path in histories:
            for file in history_files(path):
                read_history(plan, file, met)
        found.append(met)
    return found


def _reasons(
    terminal: Terminal,
    plan: Plan,
    project: Project,
    report: CoverageReport,
    data: Sequence[CoverageData],
    paths: Sequence[str],
    options: CoverOptions,
) -> Mapping[str, Why]:
    """What kept the missing goals from being met, by their ids."""
    from selinon_cli.uncovered_reasons import NearestRuns, reasons_of
    from selinon_core.covering.histories import history_files

    terminal.set_user_output_apart()
    histories = [file for path in options.histories for file in history_files(path)]
    runs = NearestRuns(plan, paths, project.pythonpath, histories)
    return reasons_of((found.goal for found in report.having("missing")), plan, data, runs)


def _print(
    terminal: Terminal,
    plan: Plan,
    project: Project,
    report: CoverageReport,
    options: CoverOptions,
    why: Mapping[str, Why],
) -> None:
    from selinon_cli.output import names_directory, write_text
    from selinon_cli.repository import relative_to, repository_root

    format, output = options.format, options.output
    target = output or "-"
    if output is not None and names_directory(output):
        if format not in _FILE_NAMES:
            raise UsageError(f"-o: {output} is a directory", f"name a file for {format}")
        os.makedirs(output, exist_ok=True)
        target = os.path.join(output, _FILE_NAMES[format])
    if format == "html":
        from selinon_core.covering.outputs.html import to_html

        if output is None:
            target = _default_page(project)
        write_text(terminal, target, to_html(plan, report, project.sources))
    elif format == "json":
        from selinon_core.covering.outputs.json_form import report_json

        reasons = {
            id: {"nearest": each.nearest, "explain": [answer.to_json() for answer in each.answers]}
            for id, each in why.items()
        }
        write_text(terminal, target, json.dumps(report_json(report, more=reasons), indent=2) + "\n")
    elif format == "text":
        from selinon_cli.render.coverage import coverage_text

        color = terminal.color_out and target == "-"
        write_text(terminal, target, coverage_text(report, show=options.show, color=color, why=why))
    else:
        root = repository_root()
        locate = relative_to(root)
        if format == "cobertura":
            from selinon_core.covering.outputs.cobertura import to_cobertura

            content = to_cobertura(report, root, locate, _timestamp())
        elif format == "lcov":
            from selinon_core.covering.outputs.lcov import to_lcov

            content = to_lcov(report, locate)
        else:
            from selinon_cli.render.coverage import to_github

            content = to_github(report, locate)
        write_text(terminal, target, content)
    if target != "-":
        terminal.note(f"wrote {os.path.normpath(target)}")
    if format != "text" or target != "-":
        from selinon_cli.render.coverage import coverage_line

        terminal.note(coverage_line(report))


def _check_new(target: str) -> None:
    from selinon_cli.output import check_target

    check_target(target)
    if os.path.exists(target):
        raise UsageError(f"--suggest: {target} exists", "name a new file; cases in it would be lost")


def _suggest(terminal: Terminal, plan: Plan, project: Project, report: CoverageReport, target: str) -> None:
    """Write cases for the missing goals, and say for which there is none."""
    from selinon_cli.goal_search import GoalSearch
    from selinon_cli.output import write_text
    from selinon_cli.render.visible import counted
    from selinon_cli.suggested_coverage import suggest
    from selinon_core.cases.writing import case_file_text

    terminal.set_user_output_apart()
    name = "suggested.flowtest.yaml" if target == "-" else target
    search = GoalSearch(plan, project.pythonpath)
    found = suggest(plan, project.pythonpath, search, report.having("missing"), name)
    if found.cases:
        write_text(terminal, target, case_file_text(found.cases, plan))
    for goal, reason in found.without:
        terminal.note(f"{goal.place}: no case for {goal.id} ({goal.text}): {reason}")
    where = "" if target == "-" or not found.cases else f" to {target}"
    terminal.note(f"wrote {counted(len(found.cases), 'test case')}{where}")


#: What a file is called in a directory.
_FILE_NAMES = {"html": "index.html", "cobertura": "coverage.xml", "lcov": "lcov.info", "json": "coverage.json"}


def _default_page(project: Project) -> str:
    from selinon_cli.coverage import data_file

    target = os.path.splitext(data_file(project))[0] + ".html"
    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    return target


def _timestamp() -> int:
    """Milliseconds since 1970; ``SOURCE_DATE_EPOCH`` (seconds) makes equal reports equal files."""
    import time

    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    return int(fixed) * 1000 if fixed.isdecimal() else int(time.time() * 1000)


COMMAND = Command(
    "cover",
    "Report which edges, conditions, fallbacks and retries are covered, by tests or by runs in production.",
    cover,
    options=CoverOptions,
    examples=(
        "selinon cover --show all",
        "selinon cover --why                                # what kept the missing ones from being met?",
        "selinon cover --format html                        # a page with every flow",
        "selinon cover --format cobertura -o coverage.xml   # for CI services",
        "selinon cover --diff main --fail-under 100         # is everything new tested?",
        "selinon cover --histories histories/               # what has never happened in production?",
    ),
    epilog="A PATH that ends in .json is coverage data. Without any, the project's .selinon/coverage.json counts.",
)
