from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import ScheduleDef
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule


class ScheduleTime(Rule):
    """The cron expression or the time zone of a schedule is wrong.

    What it does: Reads `cron` and `timezone` of each schedule as workers do. An expression has five fields:
    minute, hour, day of month, month, day of week. A time zone is a name of the IANA database, as `Europe/Berlin`.
    Where the library for schedules is not installed, a warning says that nothing was checked.

    Why it is bad: Workers do not start with such a schedule.

    Example:
        global:
          schedules:
            - {name: early, flow: nightly, cron: "30 25 * * *"}
            - {name: late, flow: nightly, cron: "30 22 * * *", timezone: Europe/Berlim}
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch

    Use instead:
        global:
          schedules:
            - {name: early, flow: nightly, cron: "30 2 * * *"}
            - {name: late, flow: nightly, cron: "30 22 * * *", timezone: Europe/Berlin}
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL821"
    severity = Severity.ERROR
    title = "wrong time of a schedule"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        schedules = project.model.settings.schedules
        if not schedules:
            return
        from selinon_core.due_times import require_cronsim
        from selinon_core.errors import MissingExtraError

        try:
            require_cronsim()
        except MissingExtraError:
            yield self.found(
                project.model.settings.key_location("schedules"),
                "the times of the schedules are not checked",
                note="the library for schedules is not installed here",
                help="pip install 'selinon[schedules]'",
                severity=Severity.WARNING,
            )
            return
        for schedule in schedules:
            yield from self._of_schedule(project, schedule)

    def _of_schedule(self, project: LintContext, schedule: ScheduleDef) -> Iterator[Diagnostic]:
        from selinon_core.due_times import CronError, DueTimes, ZoneError, zone_of

        if schedule.timezone is not None:
            name = schedule.timezone.name
            try:
                zone_of(name)
            except ZoneError as error:
                none = "no time zones are installed here: pip install tzdata" if not error.known else ""
                yield self.found(
                    schedule.timezone.location,
                    str(error),
                    note="expected a name of the IANA database, as Europe/Berlin",
                    help=none or project.did_you_mean("time zones", name, error.known),
                )
        if schedule.cron is not None:
            try:
                DueTimes(schedule.cron.name)
            except CronError as error:
                yield self.found(schedule.cron.location, f"cron: {error}", note=error.note, help=error.help)
