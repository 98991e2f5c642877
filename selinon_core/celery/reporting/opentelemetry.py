"""OpenTelemetry: one trace per flow run, sub-flows included, with a span per attempt of a task and per flow run.

Spans of a flow run are made in many processes. What they share travels as a W3C ``traceparent`` in the headers of
the messages, and is kept with the run: the span of whoever asked for the flow, else one derived from its id.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selinon_core.errors import MissingExtraError
from selinon_core.plan import Plan
from selinon_core.runtime.task_runner import Attempt, Failed, RetryLater

HEADER = "traceparent"
_FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


class Spans:
    """Makes spans, if the project's ``trace`` says ``opentelemetry: true``; else everything here does nothing."""

    def __init__(self, plan: Plan) -> None:
        self.enabled = any(sink.get("opentelemetry") for sink in plan.settings.trace)
        self._api: Any = None

    def check(self) -> None:
        """Raise ``MissingExtraError`` now, where nothing has begun yet."""
        if self.enabled:
            self._otel()

    def _otel(self) -> Any:
        if self._api is None:
            try:
                from opentelemetry import trace
            except ImportError:
                raise MissingExtraError("tracing needs: pip install 'selinon[opentelemetry]'") from None
            self._api = trace
        return self._api

    def current(self) -> str:
        """The ``traceparent`` of the caller's current span; empty when there is none."""
        if not self.enabled:
            return ""
        context = self._otel().get_current_span().get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-01" if context.is_valid else ""

    def root(self, flow_id: str) -> str:
        """A ``traceparent`` for a flow run nobody gave one to."""
        if not self.enabled:
            return ""
        digest = hashlib.sha256(flow_id.encode()).hexdigest()
        return f"00-{digest[:32]}-{digest[32:48]}-01"

    def _parent(self, traceparent: str) -> Any:
        api = self._otel()
        match = _FORM.fullmatch(traceparent)
        if match is None:
            return None
        flags = api.TraceFlags(api.TraceFlags.SAMPLED)
        context = api.SpanContext(int(match[1], 16), int(match[2], 16), True, flags)
        return api.set_span_in_context(api.NonRecordingSpan(context))

    @contextmanager
    def attempt(
        self, traceparent: str, flow: str, flow_id: str, task: str, task_id: str, number: int
    ) -> Iterator[Any]:
        """The span of one attempt; call what is yielded with how it ended."""
        if not self.enabled:
            yield _ignore
            return
        api = self._otel()
        tracer = api.get_tracer("selinon")
        attributes = {
            "selinon.flow_name": flow,
            "selinon.dispatcher_id": flow_id,
            "selinon.task_name": task,
            "selinon.task_id": task_id,
            "selinon.attempt": number,
        }
        with tracer.start_as_current_span(
            f"task {task}", context=self._parent(traceparent), attributes=attributes
        ) as span:

            def ended(attempt: Attempt) -> None:
                if isinstance(attempt, Failed | RetryLater) and attempt.error is not None:
                    span.record_exception(attempt.error)
                    span.set_status(api.StatusCode.ERROR, type(attempt.error).__name__)

            yield ended

    def flow(
        self, traceparent: str, flow: str, flow_id: str, began: float, ended: float, reason: str | None
    ) -> None:
        """The span of a flow run that is over; times are seconds since the epoch."""
        if not self.enabled:
            return
        api = self._otel()
        span = api.get_tracer("selinon").start_span(
            f"flow {flow}",
            context=self._parent(traceparent),
            start_time=int(began * 1e9),
            attributes={"selinon.flow_name": flow, "selinon.dispatcher_id": flow_id},
        )
        if reason is not None:
            span.set_status(api.StatusCode.ERROR, reason)
        span.end(int(ended * 1e9))


def _ignore(attempt: Attempt) -> None:
    pass
