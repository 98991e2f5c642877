"""The runs that ``selinon record`` is asked to record: of files, of directories of files, of workers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from selinon_cli.exits import UsageError
from selinon_cli.explained_run import WRITE_TRACES, report_in, trace_events, view_of_report
from selinon_cli.run_inputs import read_text
from selinon_core.errors import RequestError
from selinon_core.recording.run_data import RecordedRun

if TYPE_CHECKING:
    from selinon_cli.terminal import Terminal
    from selinon_core.plan import Plan

#: How a file of a run ends.
_SUFFIXES = (".json", ".jsonl", ".ndjson")


def runs_of(terminal: Terminal, plan: Plan, given: Sequence[str], app: str | None) -> Iterator[RecordedRun]:
    """The runs that texts name, one after another.

    A file is a report, an export or a trace; ``FILE::ID`` is one run of a trace, a directory all files in it, and
    anything else the id of a flow run on workers, or its beginning. Raises ``UsageError``.
    """
    from selinon_core.covering.histories import history_files

    for text in given:
        file, separator, id = text.partition("::")
        if os.path.isdir(text):
            for name in history_files(text):
                yield from _of_file(plan, name, None)
        elif separator or text == "-" or os.path.exists(text):
            yield from _of_file(plan, file, id or None)
        elif text.endswith(_SUFFIXES) or os.sep in text:
            raise UsageError(f"cannot read {text}: No such file or directory")
        else:
            yield _of_workers(terminal, text, app)


def _of_file(plan: Plan, file: str, id: str | None) -> Iterator[RecordedRun]:
    text = read_text(file, "RUN")
    report = report_in(text, file, id)
    if report is not None:
        view = view_of_report(plan, report, file)
        is_export = isinstance(report.get("export"), dict)
        rows = getattr(view, "rows", {})
        seed = report.get("seed")
        yield RecordedRun(file, view, is_export, rows, seed if isinstance(seed, int) and seed >= 0 else 0)
        return
    from selinon_core.explaining.event_facts import TraceView

    try:
        views = (
            TraceView.each(plan, trace_events(text)) if id is None else [TraceView(plan, trace_events(text), id)]
        )
    except RequestError as error:
        raise UsageError(f"{file}: {error}", WRITE_TRACES) from None
    if not views:
        raise UsageError(f"{file}: it has no event of a flow run that the files know", WRITE_TRACES)
    for view in views:
        yield RecordedRun(f"{file}::{view.root.id}" if len(views) > 1 else file, view, True)


def _of_workers(terminal: Terminal, id: str, app: str | None) -> RecordedRun:
    from selinon_cli.celery_app import flows_of
    from selinon_cli.run_ids import full_id

    selinon = flows_of(terminal, app, ())
    from selinon_core.celery.reporting.exported_run import ExportedView

    found = full_id(selinon, id)
    try:
        view = ExportedView(selinon.plan, selinon.export(found, redact=False))
    except RequestError as error:
        raise UsageError(
            str(error), "a run of --local is recorded from its report: selinon run --local --report FILE"
        ) from None
    return RecordedRun(found, view, True, view.rows)
