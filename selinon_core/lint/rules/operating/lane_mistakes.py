from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import LaneDef, NameRef
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule


class LaneMistakes(Rule):
    """A flow or a schedule names a lane that there is not, or a lane changes nothing.

    What it does: Looks for the lane of each flow and of each schedule in `global.lanes`. Warns of a lane that
    neither has a `priority` nor a `queue_suffix`, and of one whose `queue_suffix` makes a queue of the project
    that flows or tasks without a lane have too.

    Why it is bad: Runs of an unknown lane could not be told from others. In a queue that others have too, the
    runs of the lane wait behind them.

    Example:
        global:
          lanes:
            bulk: {priority: 2}
        flow-definitions:
          - name: import_all
            lane: bluk
            edges:
              - from:
                to: Fetch

    Use instead:
        global:
          lanes:
            bulk: {priority: 2}
        flow-definitions:
          - name: import_all
            lane: bulk
            edges:
              - from:
                to: Fetch
    """

    code = "SEL829"
    severity = Severity.ERROR
    title = "lane that there is not, or that changes nothing"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        model = project.model
        lanes = model.settings.lanes
        if lanes is None:
            return
        for flow in model.flows:
            if flow.lane is not None and not (flow.merged and not flow.given("lane")):
                yield from self._of_name(project, flow.lane, lanes)
        for schedule in model.settings.schedules or ():
            if schedule.lane is not None:
                yield from self._of_name(project, schedule.lane, lanes)
        queues = _queues(project)
        for name, lane in lanes.items():
            yield from self._of_lane(name, lane, queues)

    def _of_name(self, project: LintContext, ref: NameRef, lanes: dict[str, LaneDef]) -> Iterator[Diagnostic]:
        if ref.name not in lanes and not project.model.incomplete:
            yield self.found(
                ref.location,
                f'unknown lane "{ref.name}"',
                note="global.lanes has no lane of this name",
                help=project.did_you_mean("lanes", ref.name, lanes),
            )

    def _of_lane(self, name: str, lane: LaneDef, queues: set[str]) -> Iterator[Diagnostic]:
        if not lane.keys:
            yield self.found(
                lane.location,
                f'the lane "{name}" changes nothing',
                note="it has neither a priority nor a queue_suffix",
                help="give it one of them: priority: 2, or queue_suffix: _bulk",
                severity=Severity.WARNING,
            )
        suffix = None if lane.queue_suffix is None else lane.queue_suffix.name
        shared = sorted(queue for queue in queues if suffix and queue + suffix in queues)
        if suffix and shared:
            yield self.found(
                lane.key_location("queue_suffix"),
                f'the queue "{shared[0]}{suffix}" is also one of runs without a lane',
                note=f'it is the queue of this lane for what has the queue "{shared[0]}" without it',
                help="take another queue_suffix",
                severity=Severity.WARNING,
            )


def _queues(project: LintContext) -> set[str]:
    """The queues of flows and tasks, as they are written."""
    model = project.model
    settings = model.settings
    defaults = (settings.default_task_queue, settings.default_dispatcher_queue)
    found = {ref.name for ref in defaults if ref is not None and ref.name}
    found |= {flow.queue.name for flow in model.flows if flow.queue is not None}
    found |= {task.queue.name for task in model.tasks if task.queue is not None}
    return (found | {"celery"}) - {""}
