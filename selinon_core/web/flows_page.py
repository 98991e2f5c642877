"""The page of flows as HTML: what each did in the last day, and whose starts are paused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from selinon_core.celery.stores.index import OPEN
from selinon_core.web.markup import Markup, join, tag
from selinon_core.web.pages import pause_button, seconds_or_nothing, status_badge, time_of

_COLUMNS = ("Flow", "Started", "Open", "Failed", "Cancelled", "Failure rate", "Typical", "Slow")
_EXPLAINED = "Runs that were started in the last 24 hours; durations are those of the newest 200 that ended."
_STATUSES_OF: Mapping[str, Sequence[str]] = {
    "started": (),
    "open": OPEN,
    "failure": ("failure",),
    "cancelled": ("cancelled",),
}
_TITLE_OF = {"started": "Started", "open": "Open", "failure": "Failed", "cancelled": "Cancelled"}


def flows_main(
    flows: Sequence[Mapping[str, Any]], paused: Sequence[Mapping[str, Any]], acts: bool = False
) -> Markup:
    """The flows of the project; ``paused`` are those that start nothing new.

    ``acts``: the viewer is an operator.
    """
    pauses = {each["flow"]: each for each in paused}
    listed = {flow["flow"] for flow in flows}
    with_starts = acts or bool(pauses)
    rows = [_row(flow, pauses.get(flow["flow"]), acts, with_starts) for flow in flows]
    rows += [_unlisted(each, acts) for each in paused if each["flow"] not in listed]
    names = (*_COLUMNS, "Starts") if with_starts else _COLUMNS
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in names)))
    table = tag("p", "The project has no flows.", class_="muted")
    if rows:
        table = tag("table", head, tag("tbody", *rows))
    heading = (tag("h2", "Flows"), tag("p", _EXPLAINED, class_="muted"))
    return tag("section", *heading, table, id="flows", aria_label="Flows")


def _row(flow: Mapping[str, Any], paused: Mapping[str, Any] | None, acts: bool, with_starts: bool) -> Markup:
    name = flow["flow"]
    return tag(
        "tr",
        tag("th", tag("a", name, href="./?" + urlencode({"flow": name})), scope="row"),
        *(_count(flow, which) for which in _STATUSES_OF),
        tag("td", _percent(flow["failure_rate"]), data_title="Failure rate", class_="number"),
        tag("td", seconds_or_nothing(flow["seconds"]["p50"]), data_title="Typical", class_="number"),
        tag("td", seconds_or_nothing(flow["seconds"]["p95"]), data_title="Slow", class_="number"),
        _starts(name, paused, acts) if with_starts else None,
    )


def _unlisted(paused: Mapping[str, Any], acts: bool) -> Markup:
    """A flow whose starts are paused, and which is only a sub-flow, or not in the files any more."""
    name = paused["flow"]
    none = tag("td", "no runs of its own", colspan=len(_COLUMNS) - 1, class_="muted")
    return tag("tr", tag("th", name, scope="row"), none, _starts(name, paused, acts))


def _starts(name: str, paused: Mapping[str, Any] | None, acts: bool) -> Markup:
    """Whether new runs of a flow begin, and the button that changes that."""
    button = None
    if acts:
        verb = "pause" if paused is None else "resume"
        button = pause_button(f"{verb.capitalize()} starts", f"api/starts/{verb}", {"flow": name})
    if paused is None:
        return tag("td", button, data_title="Starts")
    waiting = paused["waiting"]
    queued = "./?" + urlencode([("flow", name), ("status", "queued")])
    text = join(" since ", time_of(paused["at"]), f" by {paused['by']}" if paused["by"] else None)
    runs = tag("a", f"{waiting} queued", href=queued) if waiting else "nothing queued"
    about = tag("div", status_badge("paused"), text, ", ", runs, button)
    return tag("td", about, data_title="Starts")


def _count(flow: Mapping[str, Any], name: str) -> Markup:
    pairs = [("flow", flow["flow"]), *(("status", status) for status in _STATUSES_OF[name]), ("since", "1d")]
    shown: Any = flow[name]
    if shown:
        shown = tag("a", shown, href="./?" + urlencode(pairs), class_="failure" if name == "failure" else None)
    return tag("td", shown, data_title=_TITLE_OF[name], class_="number")


def _percent(part: float | None) -> str:
    return "" if part is None else f"{part:.1%}"
