"""Passes the report of each transition to the tracer, the log and OpenTelemetry."""

from __future__ import annotations

from selinon_core.celery.execution.retention import status_of
from selinon_core.celery.execution.transition_report import ExecutionReport
from selinon_core.celery.reporting.opentelemetry import Spans
from selinon_core.celery.reporting.run_tracer import RunTracer
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import NodeRecord


class RunReporter:
    """Takes the reports of one process."""

    def __init__(self, tracer: RunTracer, spans: Spans) -> None:
        self._tracer = tracer
        self._spans = spans

    def take(self, report: ExecutionReport) -> None:
        """Emit the trace events, log lines, spans and measurements of a transition."""
        for problem in report.problems:
            self._tracer.warn(problem.event, problem.what, flow_name=report.flow, dispatcher_id=report.flow_id)
        for traced in report.events:
            details = {"flow_name": report.flow, "dispatcher_id": report.flow_id, **traced.details}
            self._tracer.emit(traced.event, details)
        run = report.run
        if run is None:
            return
        if report.ended_at is not None:
            outcome = run.machine.outcome
            reason = None if outcome is None else outcome.reason
            self._spans.flow(run.header, run.id, run.created, report.ended_at, reason)
            if outcome is not None:
                self._spans.meters.run_ended(report.flow, status_of(outcome), report.ended_at - run.created)
        if self._tracer.silent:
            return
        record = self._tracer.flow(run)
        for kind, *about in report.entries:
            self._tracer.emit_entry(kind, record, *about)
        for scheduled in report.scheduled:
            node = NodeRecord(scheduled.effect.node_run, record, scheduled.effect.parent)
            self._tracer.emit_entry(trace_entries.SCHEDULED, node, scheduled.delay)
