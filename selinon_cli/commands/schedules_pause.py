"""``selinon schedules pause``: starts nothing for schedules, until they are resumed."""

from __future__ import annotations

from selinon_cli.options import Command
from selinon_cli.schedule_options import ScheduleOptions, change
from selinon_cli.terminal import Terminal


def pause(terminal: Terminal, options: ScheduleOptions) -> int:
    """Pause the schedules that are named."""
    return change(terminal, options, pause=True)


COMMAND = Command(
    "schedules pause",
    "Start nothing for schedules until they are resumed.",
    pause,
    options=ScheduleOptions,
    examples=("selinon schedules pause nightly",),
)
