"""``selinon schedules resume``: ends the pause of schedules."""

from __future__ import annotations

from selinon_cli.options import Command
from selinon_cli.schedule_options import ScheduleOptions, change
from selinon_cli.terminal import Terminal


def resume(terminal: Terminal, options: ScheduleOptions) -> int:
    """Resume the schedules that are named."""
    return change(terminal, options, pause=False)


COMMAND = Command(
    "schedules resume",
    "End the pause of schedules; what was due meanwhile stays skipped.",
    resume,
    options=ScheduleOptions,
    examples=("selinon schedules resume nightly",),
)
