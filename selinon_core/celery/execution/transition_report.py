"""The report of one committed transition, which ``reporting`` turns into traces, log lines and spans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.transition import Problem
from selinon_core.celery.transport.message_builder import StartEffect


class Scheduled(NamedTuple):
    """A node run that was started, ``delay`` seconds from now."""

    effect: StartEffect
    delay: float


class TracedEvent(NamedTuple):
    """A trace event about a run, and its fields beside the run."""

    event: str
    details: dict[str, Any]


class ExecutionReport(NamedTuple):
    """The result of a transition. ``run`` is None where the run could not be read.

    ``entries`` are trace entries without time and record. ``ended_at`` is set when the run ended,
    ``events`` are trace events that need no run.
    """

    flow: str
    flow_id: str
    run: CachedRun | None = None
    problems: Sequence[Problem] = ()
    entries: Sequence[tuple[Any, ...]] = ()
    scheduled: Sequence[Scheduled] = ()
    ended_at: float | None = None
    events: Sequence[TracedEvent] = ()
