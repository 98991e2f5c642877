"""OpenTelemetry: one trace per flow run, sub-flows included, with a span per attempt of a task and per flow run.

The spans are a tree: below that of a flow run are those of its tasks and of its sub-flows. They are made in many
processes, those of the tasks before that of their flow run, which is made at its end. So the id of a flow run's
span is derived from the id of the run. It travels as a W3C ``traceparent`` in the headers of messages, and is
kept with the run; the span above a flow run is that in which the flow was asked for, if there was one.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from selinon_core.celery.reporting.meters import Meters
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.errors import MissingExtraError
from selinon_core.plan import Plan
from selinon_core.runtime.task_runner import Attempt, Failed, RetryLater

_FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


class Spans:
    """Makes spans, if the project's ``trace`` says ``opentelemetry: true``; else everything here does nothing.

    ``api`` stands for ``opentelemetry.trace``; ``meters`` takes what is measured beside.
    """

    def __init__(self, plan: Plan, api: Any = None, meters: Meters | None = None) -> None:
        self.meters = Meters(plan) if meters is None else meters
        self.enabled = any(sink.get("opentelemetry") for sink in plan.settings.trace)
        self._api = api

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

    def own(self, flow_id: str, parent: str) -> str:
        """The ``traceparent`` of a flow run's own span; ``parent`` is that of the span above, or empty."""
        if not self.enabled:
            return ""
        digest = hashlib.sha256(flow_id.encode()).hexdigest()
        above = _FORM.fullmatch(parent)
        return f"00-{digest[:32] if above is None else above[1]}-{digest[32:48]}-01"

    def _parent(self, traceparent: str) -> Any:
        api = self._otel()
        match = _FORM.fullmatch(traceparent)
        if match is None:
            return None
        flags = api.TraceFlags(api.TraceFlags.SAMPLED)
        context = api.SpanContext(int(match[1], 16), int(match[2], 16), True, flags)
        return api.set_span_in_context(api.NonRecordingSpan(context))

    def attempt(
        self, traceparent: str, flow: str, flow_id: str, task: str, task_id: str, number: int
    ) -> AbstractContextManager[Any]:
        """The span of one attempt; call the yielded function with the outcome."""
        if not self.enabled:
            return _NO_SPAN
        return self._attempt(traceparent, flow, flow_id, task, task_id, number)

    @contextmanager
    def _attempt(
        self, traceparent: str, flow: str, flow_id: str, task: str, task_id: str, number: int
    ) -> Iterator[Any]:
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

    def flow(self, run: RunHeader, flow_id: str, created: float, ended: float, reason: str | None) -> None:
        """The span of a flow run that is over; times are seconds since the epoch."""
        own = _FORM.fullmatch(run.trace)
        if not self.enabled or own is None:
            return
        api = self._otel()
        tracer = copy.copy(api.get_tracer("selinon"))
        if hasattr(tracer, "id_generator"):  # of the SDK; what is below the span knows its id already
            tracer.id_generator = _GivenIds(int(own[1], 16), int(own[2], 16))
        nowhere = api.set_span_in_context(api.INVALID_SPAN)
        span = tracer.start_span(
            f"flow {run.flow}",
            context=self._parent(run.trace_parent) or nowhere,
            start_time=int(created * 1e9),
            attributes={"selinon.flow_name": run.flow, "selinon.dispatcher_id": flow_id},
        )
        if reason is not None:
            span.set_status(api.StatusCode.ERROR, reason)
        span.end(int(ended * 1e9))


class _GivenIds:
    """Stands for the SDK's generator of ids."""

    def __init__(self, trace_id: int, span_id: int) -> None:
        self._trace_id = trace_id
        self._span_id = span_id

    def generate_trace_id(self) -> int:
        return self._trace_id

    def generate_span_id(self) -> int:
        return self._span_id

    def is_trace_id_random(self) -> bool:
        return True


def _ignore(attempt: Attempt) -> None:
    """Without spans it does not matter how an attempt ended."""


_NO_SPAN = nullcontext(_ignore)
