"""The run that ``selinon explain`` is asked about: a report, a trace, a flow test case, a flow run on workers."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from selinon_cli.exits import EXIT_USAGE, CommandExit, UsageError
from selinon_cli.run_inputs import parse_json, read_text
from selinon_core.errors import RequestError

if TYPE_CHECKING:
    from selinon_cli.terminal import Terminal
    from selinon_core.explaining.run_view import RunView
    from selinon_core.plan import Plan

#: How a line of a trace begins, as selinon writes it.
_EVENT = re.compile(r'\{"event": "([A-Z_]+)"')
#: How a file of a run ends.
_SUFFIXES = (".json", ".jsonl", ".ndjson", ".yaml", ".yml")


def view_of(terminal: Terminal, given: str, paths: Sequence[str], app: str | None) -> RunView:
    """The run that a text names.

    ``FILE::NAME`` is a case of a case file, or the flow run ``NAME`` of a trace of several. ``FILE`` is a report
    or a trace, ``-`` is stdin. Anything else is the id of a flow run on workers, or its beginning. Raises
    ``UsageError``.
    """
    from selinon_core.testing.collection import is_case_file

    file, separator, name = given.partition("::")
    if is_case_file(file):
        return _of_case(terminal, given, paths)
    if separator or given == "-" or os.path.exists(given):
        return _of_file(terminal, file, name or None, paths)
    if given.endswith(_SUFFIXES) or os.sep in given:
        raise UsageError(f"cannot read {given}: No such file or directory")
    return _of_workers(terminal, given, app)


def _of_workers(terminal: Terminal, id: str, app: str | None) -> RunView:
    from selinon_cli.celery_app import flows_of
    from selinon_cli.run_ids import full_id

    selinon = flows_of(terminal, app, ())
    from selinon_core.celery.reporting.live_view import LiveView

    try:
        services = selinon.services
        retrieve, queue_of = services.storages.retrieve, services.messages.queue
        return LiveView(services.store, services.flow_versions, full_id(selinon, id), retrieve, queue_of)
    except RequestError as error:
        raise UsageError(
            str(error),
            "a run of --local is explained by its report: selinon run --local --report FILE; selinon explain FILE",
        ) from None


def _of_file(terminal: Terminal, file: str, id: str | None, paths: Sequence[str]) -> RunView:
    from selinon_cli.project import load_project

    text = read_text(file, "RUN")
    plan, _ = load_project(terminal, paths)
    report = report_in(text, file, id)
    if report is not None:
        return view_of_report(plan, report, file)
    from selinon_core.explaining.event_facts import TraceView
    from selinon_core.project.reading import without_gc

    try:
        with without_gc():
            return TraceView(plan, trace_events(text), id)
    except RequestError as error:
        raise UsageError(f"{file}: {error}", WRITE_TRACES) from None


#: What to do about a file that is not a trace.
WRITE_TRACES = "selinon run --local --trace FILE and selinon status ID --history write traces"


def report_in(text: str, file: str, id: str | None) -> dict[str, Any] | None:
    """The report that the text of a file is; None for a trace. Raises ``UsageError`` for an ``id``."""
    try:
        report = parse_json(text)
    except ValueError:
        return None
    if not isinstance(report, dict) or "event" in report:
        return None
    if id is not None:
        raise UsageError(f"{file} is the report of one run: leave ::{id} out")
    return report


def view_of_report(plan: Plan, report: dict[str, Any], file: str) -> RunView:
    """The run of a report or of an export. Raises ``UsageError``."""
    from selinon_core.explaining.report_facts import ReportView
    from selinon_core.local.earlier_run import check_report

    try:
        checked = check_report(report)
        if isinstance(report.get("export"), dict):
            from selinon_core.celery.reporting.exported_run import ExportedView

            return ExportedView(plan, checked)
        return ReportView(plan, checked)
    except RequestError as error:
        raise UsageError(
            f"{file} is not the report of a run: {error}", "selinon run --local --report FILE writes one"
        ) from None


def trace_events(text: str) -> Iterator[Mapping[str, Any]]:
    """The events of a trace, line by line. Raises ``RequestError`` with the line of what is none."""
    from selinon_core.explaining.event_facts import READ_EVENTS

    known = _EVENT.match
    for number, line in enumerate(text.splitlines(), 1):
        named = known(line)
        if named is not None and named.group(1) not in READ_EVENTS and line.endswith("}"):
            continue  # most lines of a trace: to parse them would take as long as all else
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RequestError(f"line {number} is not a JSON object, as a trace has them ({error})") from None
        if not isinstance(found, dict) or not isinstance(found.get("event"), str):
            raise RequestError(f"line {number} is not the event of a trace")
        details = found.get("details")  # as the sink for JSON nests them
        yield {**details, **found} if isinstance(details, dict) else found


def _of_case(terminal: Terminal, given: str, paths: Sequence[str]) -> RunView:
    from selinon_cli.project import print_diagnostics
    from selinon_core.config.yaml.files import PathError
    from selinon_core.errors import SelinonException
    from selinon_core.testing.case_run import CaseRunner
    from selinon_core.testing.collection import collect
    from selinon_core.testing.options import RunOptions

    try:
        file = next(
            each for each in collect([*paths, given]) if os.path.samefile(each.path, given.partition("::")[0])
        )
    except (PathError, RequestError) as error:
        raise UsageError(str(error)) from None
    project, cases = file.project, list(file.selected)
    if project.plan is None or file.is_broken:
        print_diagnostics(terminal, project, [*project.diagnostics, *file.diagnostics])
        raise CommandExit(EXIT_USAGE)
    if len(cases) != 1:
        titles = ", ".join(repr(case.title) for _, case in cases[:5])
        raise UsageError(f"{file.name} has {len(cases)} cases: {titles}", f"name one: {file.name}::NAME")
    (_, case), options = cases[0], RunOptions()
    if case.flow not in project.plan.flows:
        raise UsageError(f"{given}: there is no flow {case.flow} any more")
    try:
        runner = CaseRunner(project.plan, tuple(project.pythonpath), options)
        return runner.observed(case, file.cases, options.seeds_of(case)[0])
    except SelinonException as error:
        raise UsageError(f"{given}: {error}") from None
