"""Runs to record: of local runs by their reports and traces, of simulated workers by their exports."""

from __future__ import annotations

import json
from typing import Any

from selinon_core.celery.reporting.exported_run import ExportedView
from selinon_core.celery.reporting.run_export import export_run
from selinon_core.celery.reporting.run_reader import RunReader
from selinon_core.explaining.event_facts import TraceView
from selinon_core.explaining.report_facts import ReportView
from selinon_core.local import LocalRun
from selinon_core.plan import Plan
from selinon_core.recording.case_text import text_with
from selinon_core.recording.recorder import Recorded, Recorder, RecordingOptions
from selinon_core.recording.run_data import RecordedRun
from selinon_core.simulating.world import World

FILE = "recorded.flowtest.yaml"


def of_report(plan: Plan, run: LocalRun) -> RecordedRun:
    """A local run as its report has it."""
    report = json.loads(json.dumps(run.report()))
    return RecordedRun("report.json", ReportView(plan, report), False, {}, report["seed"])


def of_trace(plan: Plan, run: LocalRun) -> RecordedRun:
    """A local run as its trace has it: without results."""
    return RecordedRun("trace.jsonl", TraceView(plan, json.loads(json.dumps(list(run.trace())))), True)


def exported(world: World, id: str, **options: Any) -> dict[str, Any]:
    """A run of simulated workers as ``selinon export`` writes it."""
    services = world.workers[0]
    found = export_run(RunReader(world.store, services.flow_versions), services.storages, id, **options)
    again: dict[str, Any] = json.loads(json.dumps(found))
    return again


def of_workers(plan: Plan, world: World, id: str) -> RecordedRun:
    """A run of simulated workers."""
    view = ExportedView(plan, exported(world, id, redact=False))
    return RecordedRun(id, view, True, view.rows)


def record(plan: Plan, run: RecordedRun, name: str = "a case", **options: Any) -> tuple[Recorded, str]:
    """The case of a run, verified, and the text of the case file, whose cases were run."""
    recorder = Recorder(plan, ())
    found = recorder.record(run, name, FILE, RecordingOptions(**options))
    return found, text_with([found], "", FILE, plan, recorder)
