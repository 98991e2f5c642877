from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import ScheduleDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.rule import LintContext, Rule

#: Due times that are looked at, from the beginning of 2024.
_LOOKED_AT = 400
_BEGIN = 1_704_067_200.0


class ScheduleQueue(Rule):
    """A schedule queues starts faster than its flow may need for them.

    What it does: With `overlap: queue`, compares the mean time between two starts with the `timeout` of the flow.

    Why it is bad: A run may take as long as its timeout. The queue of starts then only grows, and each start is
    later than the one before.

    Example:
        global:
          schedules:
            - {name: often, flow: report, cron: "*/5 * * * *", overlap: queue}
        flow-definitions:
          - name: report
            timeout: 3600
            edges:
              - from:
                to: Fetch

    Use instead:
        global:
          schedules:
            - {name: often, flow: report, cron: "*/5 * * * *", overlap: skip}
        flow-definitions:
          - name: report
            timeout: 3600
            edges:
              - from:
                to: Fetch
    """

    code = "SEL823"
    severity = Severity.WARNING
    title = "queue of starts that only grows"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for schedule in project.model.settings.schedules or ():
            flow = None if schedule.flow is None else project.model.flow_by_name.get(schedule.flow.name)
            if schedule.overlap != "queue" or flow is None or flow.timeout is None:
                continue
            between = _mean_distance(schedule)
            if between is not None and between < flow.timeout:
                yield self.found(
                    schedule.key_location("overlap"),
                    f"a start every {between:.0f} s, and a run may take {flow.timeout:.0f} s",
                    note="the queue of starts may only grow",
                    help="write overlap: skip, a shorter timeout, or fewer starts",
                    related=(Related(flow.key_location("timeout").span, "the timeout"),),
                )


def _mean_distance(schedule: ScheduleDef) -> float | None:
    """Seconds between two starts; None where that cannot be said, which other rules report."""
    from selinon_core.due_times import CronError, DueTimes, ZoneError
    from selinon_core.errors import MissingExtraError

    if schedule.cron is None:
        return None
    try:
        times = DueTimes(schedule.cron.name, "UTC" if schedule.timezone is None else schedule.timezone.name)
    except (CronError, ZoneError, MissingExtraError):
        return None
    found = times.next(_BEGIN, _LOOKED_AT)
    return (found[-1] - found[0]) / (len(found) - 1) if len(found) > 1 else None
