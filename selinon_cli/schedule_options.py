"""What ``selinon schedules pause`` and ``resume`` have in common."""

from __future__ import annotations

from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import Options, text, texts
from selinon_cli.terminal import Terminal


class ScheduleOptions(Options):
    """Which schedules, and who asks."""

    names = texts(help="The schedules.", metavar="NAME")
    app = APP_OPTION
    by = text("--by", help="Who asks, for the list and the audit; by default user@host.", metavar="NAME")


def change(terminal: Terminal, options: ScheduleOptions, *, pause: bool) -> int:
    """Pause schedules, or end their pauses, and say what changed."""
    if not options.names:
        raise UsageError("name at least one schedule", "selinon schedules lists them")
    steering = flows_of(terminal, options.app, ()).schedules
    for name in options.names:
        if pause:
            said = f"paused {name}" if steering.pause(name, options.by) else f"{name} is paused already"
        else:
            said = f"resumed {name}" if steering.resume(name, options.by) else f"{name} is not paused"
        terminal.data(said + "\n")
    return EXIT_OK
