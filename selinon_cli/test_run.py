"""One run of ``selinon test``: cases are collected, run, printed as they come, and reported at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Sequence

from selinon_cli.exits import EXIT_USAGE, CommandExit
from selinon_cli.module_places import check_pythonpath
from selinon_cli.output import write_text
from selinon_cli.project import known_name, print_diagnostics
from selinon_cli.render import tests as rendered
from selinon_cli.render.visible import visible
from selinon_cli.terminal import Terminal
from selinon_cli.test_options import TestOptions
from selinon_core.cases.model import Case
from selinon_core.diagnostics import Severity
from selinon_core.testing.collection import CaseFile, collect
from selinon_core.testing.explained import explanation
from selinon_core.testing.last_run import LastRun
from selinon_core.testing.options import RunObserver, RunOptions
from selinon_core.testing.parallel import run_files
from selinon_core.testing.results import CaseResult, FileResult, Note
from selinon_core.testing.selection import Selection, failed_first, select_cases


class TestRun:
    """Raises ``CommandExit`` after printing what is wrong with the project or with a case file."""

    def __init__(self, terminal: Terminal, options: TestOptions) -> None:
        self._terminal = terminal
        self._options = options
        self._began = time.perf_counter()
        self._last_run = LastRun(os.getcwd())
        #: the paths of all case files that were read
        self.case_files: list[str] = []

    # -- before the run -----------------------------------------------------------------------------------------

    def collect(self, changed_flows: Collection[str] | None = None) -> list[CaseFile]:
        """The case files with the cases that are wanted.

        With ``changed_flows`` cases that failed at the last run come first, then those of these flows.
        """
        options = self._options
        files = whole_case_files(self._terminal, options.paths, options.pythonpath)
        self.case_files = [os.path.abspath(file.path) for file in files]
        chosen = options.chosen
        plans = [file.project.plan for file in files if file.project.plan is not None]
        for flow in chosen.flow:
            known_name("flow", flow, dict.fromkeys(name for plan in plans for name in plan.flows))
        selection = Selection(chosen.keyword or "", tuple(chosen.flow), tuple(chosen.tag))
        if options.last_failed:
            failed = frozenset(self._last_run.failed())
            again = select_cases(files, selection._replace(failed=failed))
            if any(file.numbers for file in again):
                return again
            self._terminal.note("no case failed at the last run: all run")
        files = select_cases(files, selection)
        if options.failed_first or changed_flows is not None:
            return failed_first(files, frozenset(self._last_run.failed()), changed_flows or ())
        return files

    def print_list(self, files: Sequence[CaseFile]) -> None:
        """Print the ids of the cases, one a line."""
        if self._options.format == "json":
            import json

            cases = [
                {
                    "id": case.id,
                    "file": case.file,
                    "line": case.place.line,
                    "flow": case.flow,
                    "tags": list(case.tags),
                }
                for file in files
                for _, case in file.selected
            ]
            self._terminal.data(json.dumps({"version": 1, "cases": cases}, indent=2) + "\n")
            return
        for file in files:
            for _, case in file.selected:
                self._terminal.data(f"{visible(case.id)}\n")

    def report_none(self) -> None:
        """Say that there is no case to run, and how to get one."""
        chosen = self._options.chosen
        if chosen.keyword or chosen.flow or chosen.tag:
            self._terminal.error("no case is selected", "selinon test --list prints all cases")
            return
        self._terminal.error(
            "there is no flow test case",
            "selinon check --suggest order.flowtest.yaml writes some to begin with",
        )

    # -- the run ------------------------------------------------------------------------------------------------

    def run(self, files: Sequence[CaseFile], jobs: int) -> bool:
        """Run the cases and print what came of them; whether all is fine."""
        self._terminal.set_user_output_apart()
        ran: list[tuple[CaseFile, FileResult]] = []
        try:
            for result in run_files(files, self._run_options(), jobs):
                file = files[len(ran)]
                ran.append((file, result))
                self._print(file, result)
        finally:
            self._remember(ran)
        seconds = time.perf_counter() - self._began
        notes = [note for _, result in ran for note in result.notes]
        is_fine = self._finish(ran, notes, seconds)
        return self._finish_coverage(ran) and is_fine

    def _run_options(self) -> RunOptions:
        options, running = self._options, self._options.running
        return RunOptions(
            seeds=running.seeds,
            seed=running.seed,
            tasks=running.tasks,
            driver=running.driver,
            update_snapshots=options.update_snapshots,
            ci=options.ci,
            keep_reports=options.graph_dir is not None,
            fail_fast=options.fail_fast,
            observer=self._observer(),
        )

    def _observer(self) -> Callable[[], RunObserver] | None:
        if not self._covers:
            return None
        from selinon_core.covering.observer import CoverageObserver

        return CoverageObserver

    @property
    def _covers(self) -> bool:
        return self._options.cover or self._options.cover_fail_under is not None

    def _finish_coverage(self, ran: Sequence[tuple[CaseFile, FileResult]]) -> bool:
        """Write and print what the cases cover; whether it is enough."""
        if not self._covers:
            return True
        from selinon_cli.coverage import finish_coverage

        collected = [(file.project, result.collected) for file, result in ran]
        is_text = self._options.format == "text" and self._options.junit != "-"
        return finish_coverage(self._terminal, collected, self._options.cover_fail_under, has_table=is_text)

    def _print(self, file: CaseFile, result: FileResult) -> None:
        """Print the cases of a file; those that pass with ``-v`` only."""
        terminal = self._terminal
        if self._options.format != "text" or self._options.junit == "-":
            return
        for outcome in result.cases:
            if not outcome.is_fine or terminal.verbosity > 0:
                case = file.cases[outcome.number]
                terminal.data(rendered.case_line(case, outcome, color=terminal.color_out))
                terminal.data(explanation(outcome))
                terminal.out.flush()

    def _remember(self, ran: Sequence[tuple[CaseFile, FileResult]]) -> None:
        pairs = _pairs(ran)
        self._last_run.record(
            [case.id for case, _ in pairs], [case.id for case, result in pairs if not result.is_fine]
        )

    def _finish(self, ran: Sequence[tuple[CaseFile, FileResult]], notes: list[Note], seconds: float) -> bool:
        terminal, options, pairs = self._terminal, self._options, _pairs(ran)
        summary = rendered.summary_line([result for _, result in pairs], seconds, notes)
        if options.format == "json":
            import json

            from selinon_core.testing.report import json_report

            terminal.data(json.dumps(json_report(ran, seconds, notes), indent=2) + "\n")
        elif options.format == "github":
            from selinon_cli.repository import relative_to, repository_root

            terminal.data(rendered.github(pairs, relative_to(repository_root())))
        if options.junit is not None:
            self._write_junit(ran, options.junit)
        if options.graph_dir is not None:
            self._draw(ran, options.graph_dir)
        for note in notes:
            if note.kind != "unchecked-mock":
                is_error = note.is_error(ci=options.ci)
                terminal.err.write(rendered.note_line(note, is_error=is_error, color=terminal.color_err))
        if options.slowest:
            terminal.err.write(rendered.slowest(pairs, options.slowest))
        if options.format == "text" and options.junit != "-":
            if terminal.verbosity >= 0:
                terminal.data(summary + "\n")
        else:
            terminal.note(summary)
        are_wrong = any(note.is_error(ci=options.ci) for note in notes)
        return not are_wrong and all(result.is_fine for _, result in pairs)

    def _write_junit(self, ran: Sequence[tuple[CaseFile, FileResult]], target: str) -> None:
        from selinon_core.testing.junit import junit_xml

        suites = [
            (
                file.name,
                [(file.cases[one.number], one, explanation(one)) for one in result.cases],
            )
            for file, result in ran
        ]
        write_text(self._terminal, target, junit_xml(suites))

    def _draw(self, ran: Sequence[tuple[CaseFile, FileResult]], directory: str) -> None:
        from selinon_cli.output import write_bytes
        from selinon_core.graph import draw_run

        for file, result in ran:
            for outcome in result.cases:
                if outcome.report is not None and file.project.plan is not None:
                    case = file.cases[outcome.number]
                    os.makedirs(directory, exist_ok=True)
                    target = os.path.join(directory, f"{_file_name(case)}.svg")
                    content = draw_run(file.project.plan, case.flow, outcome.report, "svg")
                    write_bytes(self._terminal, target, content)
                    self._terminal.note(f"wrote {target}")


def whole_case_files(terminal: Terminal, paths: Sequence[str], pythonpath: Sequence[str]) -> list[CaseFile]:
    """The case files of paths. Raises ``CommandExit`` after printing the mistakes of projects and case files."""
    from selinon_cli.render.text import SourceLines, render_blocks

    check_pythonpath(pythonpath)
    files, broken = collect(paths, pythonpath), False
    for project in {id(file.project): file.project for file in files}.values():
        if project.plan is None:
            errors = [found for found in project.diagnostics if found.severity is Severity.ERROR]
            print_diagnostics(terminal, project, errors)
            broken = True
    for file in files:
        if file.diagnostics:
            sources = SourceLines({file.name: _text(file.path)})
            terminal.err.write(render_blocks(file.diagnostics, sources, color=terminal.color_err))
            broken = broken or file.is_broken
    if broken:
        terminal.error("the cases cannot be run")
        raise CommandExit(EXIT_USAGE)
    return files


def _text(path: str) -> str:
    """What a file holds, for the lines in messages; nothing where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _pairs(ran: Sequence[tuple[CaseFile, FileResult]]) -> list[tuple[Case, CaseResult]]:
    return [(file.cases[outcome.number], outcome) for file, result in ran for outcome in result.cases]


def _file_name(case: Case) -> str:
    """The id of a case as the name of a file."""
    base = os.path.basename(case.file).partition(".flowtest")[0]
    words = "".join(character if character.isalnum() else "-" for character in f"{base}-{case.title}")
    return "-".join(part for part in words.split("-") if part)[:120]
