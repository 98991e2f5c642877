"""The page of schedules as HTML: when each starts its flow, and what it started last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selinon_core.web.markup import Markup, join, tag
from selinon_core.web.pages import pause_button, status_badge, time_of

_COLUMNS = ("Schedule", "Flow", "Expression", "Next", "Last", "Overlap")


def schedules_main(schedules: Sequence[Mapping[str, Any]], acts: bool = False) -> Markup:
    """The schedules of the project; ``acts``: the viewer is an operator."""
    explained = "Workers start these flows by the clock. The times are in UTC."
    if not schedules:
        table = tag("p", "The project has no schedules.", class_="muted empty")
    else:
        names = (*_COLUMNS, "Actions") if acts else _COLUMNS
        head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in names)))
        table = tag("table", head, tag("tbody", *(_row(each, acts) for each in schedules)))
    heading = tag("h2", "Schedules")
    return tag(
        "section", heading, tag("p", explained, class_="muted"), table, id="schedules", aria_label="Schedules"
    )


def _row(schedule: Mapping[str, Any], acts: bool) -> Markup:
    waiting = schedule["waiting"]
    return tag(
        "tr",
        tag("th", schedule["name"], scope="row"),
        tag("td", schedule["flow"], data_title="Flow"),
        tag(
            "td",
            tag("span", tag("code", schedule["cron"]), f" {schedule['timezone']}"),
            data_title="Expression",
        ),
        tag("td", _next(schedule), data_title="Next"),
        tag("td", _last(schedule["last"]), data_title="Last"),
        tag("td", schedule["overlap"] + (f", {waiting} waiting" if waiting else ""), data_title="Overlap"),
        tag("td", _button(schedule)) if acts else None,
    )


def _button(schedule: Mapping[str, Any]) -> Markup:
    verb = "pause" if schedule["paused"] is None else "resume"
    return pause_button(verb.capitalize(), f"api/schedules/{verb}", {"schedule": schedule["name"]})


def _next(schedule: Mapping[str, Any]) -> Markup:
    paused = schedule["paused"]
    if paused is not None:
        by = f" by {paused['by']}" if paused["by"] else ""
        return tag("span", status_badge("paused"), " since ", time_of(paused["since"]), by)
    return tag("span", *(tag("div", time_of(due)) for due in schedule["next"]))


def _last(last: Mapping[str, Any] | None) -> Markup | None:
    if last is None:
        return None
    run = tag("a", tag("code", last["id"][:8]), href=f"runs/{last['id']}", title=last["id"])
    return tag("span", time_of(last["due"]), tag("div", join(status_badge(last["status"]), " ", run)))
