"""``selinon schedules``: when which flow is started by the clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import EXIT_OK
from selinon_cli.options import Command, Options, choice
from selinon_cli.terminal import Terminal


class SchedulesOptions(Options):
    """What ``selinon schedules`` takes."""

    app = APP_OPTION
    format = choice("--format", help="For people or for programs.", choices=("text", "json"), default="text")


def schedules(terminal: Terminal, options: SchedulesOptions) -> int:
    """List the schedules with their next times and their last start."""
    selinon = flows_of(terminal, options.app, ())
    found = selinon.schedules.list()
    if options.format == "json":
        terminal.data(json.dumps({"version": 1, "schedules": found}, indent=2) + "\n")
        return EXIT_OK
    if not found:
        terminal.data("the project has no schedules\n")
        return EXIT_OK
    from selinon_cli.render.columns import table

    header = ["name", "flow", "cron", "next", "last", "status"]
    terminal.data(table(header, [_cells(each) for each in found], color=terminal.color_out))
    return EXIT_OK


def _cells(schedule: Mapping[str, Any]) -> list[str]:
    last = schedule["last"]
    zone = schedule["timezone"]
    if schedule["paused"] is not None:
        by = schedule["paused"]["by"]
        coming = f"paused since {_time(schedule['paused']['since'], zone)}" + (f" by {by}" if by else "")
    else:
        coming = ", ".join(_time(due, zone) for due in schedule["next"][:2])
    status = "" if last is None else f"{last['status']} {last['id'][:8]}"
    if schedule["waiting"]:
        status = f"{status} (+{schedule['waiting']} waiting)".lstrip()
    return [
        schedule["name"],
        schedule["flow"],
        f"{schedule['cron']} {zone}",
        coming,
        "" if last is None else _time(last["due"], zone),
        status,
    ]


def _time(at: float, zone: str) -> str:
    """A time as the clock of the schedule shows it."""
    from selinon_core.due_times import zone_of

    return datetime.fromtimestamp(at, zone_of(zone)).strftime("%Y-%m-%d %H:%M")


COMMAND = Command(
    "schedules",
    "List when flows are started by the clock, and what was started last.",
    schedules,
    options=SchedulesOptions,
    examples=(
        "selinon schedules",
        "selinon schedules --format json",
        "selinon schedules pause nightly     # start nothing for a while",
        "selinon schedules resume nightly",
    ),
)
