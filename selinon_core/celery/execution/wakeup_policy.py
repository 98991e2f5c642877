"""Decides when a flow run is advanced: after how many completions in its inbox, and after how long without any."""

from __future__ import annotations

from collections.abc import Sequence

from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.transition import Problem
from selinon_core.celery.settings import AdapterSettings
from selinon_core.dispatch import NodeRun
from selinon_core.runtime.imports import Imports


class WakeupPolicy:
    """Answers for the runs of one plan."""

    def __init__(self, imports: Imports, settings: AdapterSettings) -> None:
        self._imports = imports
        self._settings = settings

    def fields(self, run: CachedRun, now: float) -> tuple[dict[str, str], list[Problem]]:
        """The header fields that changed, and problems with the sampling strategy."""
        fields: dict[str, str] = {}
        problems: list[Problem] = []
        if run.header.paused and run.header.is_paused:  # its threshold is out of reach
            return fields, problems
        wake_at = self._inbox_threshold(run)
        if wake_at != run.inbox_threshold:
            run.inbox_threshold = wake_at
            fields["inbox_threshold"] = str(wake_at)
        if run.evaluated_at and now - run.evaluated_at >= self._settings.selinon_idle_check_interval:
            seconds, problems = self.idle_check_after(run, now)
            fields["idle_check_after"] = f"{seconds:.3f}"
        return fields, problems

    def _inbox_threshold(self, run: CachedRun) -> int:
        """How many completions may wait in the inbox; reused, as its cost grows with the active nodes."""
        machine = run.machine
        incomplete = machine.incomplete
        if incomplete < 4:
            return 0
        run.skip_analysis -= 1
        if run.skip_analysis > 0:
            return 0
        quiet = machine.completions_until_decision()
        run.skip_analysis = 0 if quiet > 1 else max(incomplete // 8, 1)
        return quiet if quiet > 1 else 0

    def idle_check_after(self, run: CachedRun, now: float) -> tuple[float, list[Problem]]:
        """Seconds without an event after which the sweep checks the run (0: never), and problems.

        The flow's sampling strategy decides it.
        """
        strategy = run.flow.sampling
        machine = run.machine
        active = machine.active if not machine.ended else ()
        new = [node for node in active if node.number > run.evaluated_up_to]
        run.evaluated_up_to = max((node.number for node in new), default=run.evaluated_up_to)
        status = {
            "previous_retry": run.idle_check_after if run.evaluated_at else None,
            "active_nodes": _shown(active),
            "failed_nodes": {name: [r.id for r in runs] for name, runs in machine.unhandled.items()},
            "new_started_nodes": _shown([node for node in new if node.edge is not None]),
            "new_fallback_nodes": _shown([node for node in new if node.edge is None]),
            "finished_nodes": {},
        }
        problems: list[Problem] = []
        try:
            seconds = self._imports.strategy(strategy.function)(status, **strategy.args)
            run.idle_check_after = None if seconds is None else max(float(seconds), 0.001)
        except Exception as error:
            what = f"sampling strategy {strategy.function}: {type(error).__name__}: {error}"
            problems.append(Problem("DISPATCHER_FAILURE", what))
            run.idle_check_after = self._settings.selinon_idle_check_interval
        run.evaluated_at = now
        return run.idle_check_after or 0.0, problems


def _shown(nodes: Sequence[NodeRun]) -> list[dict[str, str]]:
    return [{"name": node.name, "id": node.id} for node in nodes[:1000]]
