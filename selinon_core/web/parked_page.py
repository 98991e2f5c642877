"""The page of parked starts as HTML: what workers could not handle, why, and what operators may do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from selinon_core.web.markup import Markup, join, tag
from selinon_core.web.pages import time_of

_EXPLAINED = (
    "Starts that workers could not handle. Their flow runs have not begun. When the reason is gone, requeue them. "
    "A start counts once, however often it is sent."
)
_COLUMNS = ("Flow", "Run", "Queue", "Parked", "Reason")
#: Titles of buttons by the names of actions: for one start, and for all that are listed.
_BUTTONS = {"requeue": ("Requeue", "Requeue all of this page"), "drop": ("Drop", "Drop all of this page")}


def parked_main(rows: Sequence[Mapping[str, Any]], next: str | None, acts: bool) -> Markup:
    """The starts that are parked, the newest first. ``acts``: the viewer may requeue and drop them."""
    if not rows:
        listed = tag("p", "Nothing is parked.", class_="muted empty")
    else:
        names = (*_COLUMNS, "Actions") if acts else _COLUMNS
        head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in names)))
        table = tag("table", head, tag("tbody", *(_row(row, acts) for row in rows)))
        listed = join(_buttons(1, "Actions on all starts of this page") if acts else None, table)
    older = None
    if next is not None:
        older = tag("p", tag("a", "Older", href="parked?" + urlencode({"cursor": next})), class_="paging")
    section = tag("section", listed, older, id="parked", aria_label="Parked starts")
    return join(tag("h2", "Parked"), tag("p", _EXPLAINED, class_="muted"), section)


def _row(row: Mapping[str, Any], acts: bool) -> Markup:
    return tag(
        "tr",
        tag("th", row["flow"], scope="row"),
        tag("td", tag("code", row["id"][:8], title=row["id"]), data_title="Run"),
        tag("td", row["queue"], data_title="Queue"),
        tag("td", time_of(row["at"]), data_title="Parked"),
        tag("td", tag("span", row["reason"], class_="failure"), data_title="Reason"),
        tag("td", _buttons(0, f"Actions on the start of {row['flow']}, {row['id'][:8]}")) if acts else None,
        data_id=row["id"],
    )


def _buttons(which: int, label: str) -> Markup:
    buttons = [tag("button", titles[which], type="button", data_parked=name) for name, titles in _BUTTONS.items()]
    return tag("div", *buttons, class_="actions live", role="group", aria_label=label)
