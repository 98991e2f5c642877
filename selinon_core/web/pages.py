"""Builds the HTML of the pages. Without scripts a page shows everything; with scripts it is updated live."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from selinon_core.celery.reporting.timeline import waiting_share
from selinon_core.celery.stores.index import STATUSES
from selinon_core.graph.build.overlay import seconds_text
from selinon_core.web.actions import ACTIONS
from selinon_core.web.filters import RunFilter
from selinon_core.web.markup import Markup, join, tag

_SCRIPTS = {
    "runs": "runs.js",
    "run": "run.js",
    "flows": "pauses.js",
    "review": "review.js",
    "schedules": "pauses.js",
    "parked": "parked.js",
}
#: What ``since`` offers; an address may say anything that ``filters.read_time`` reads.
_SPANS = {"15m": "15 minutes", "1h": "hour", "6h": "6 hours", "1d": "day", "7d": "7 days"}


def page(kind: str, title: str, main: Markup, *, root: str, project: str, status: str = "") -> str:
    """A whole page; ``root`` is the relative address of the first page."""
    script = _SCRIPTS[kind]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{title} · {project} · selinon"),
        tag("link", rel="icon", href=f"{root}static/icon.svg", type="image/svg+xml"),
        *(tag("link", rel="stylesheet", href=f"{root}static/{name}.css") for name in ("base", "graph", "web")),
        tag("script", type="module", src=f"{root}static/{script}") if script else None,
    ]
    links = [
        ("Runs", root or "./", "runs"),
        ("Needs review", f"{root}review", "review"),
        ("Flows", f"{root}flows", "flows"),
        ("Schedules", f"{root}schedules", "schedules"),
        ("Parked", f"{root}parked", "parked"),
    ]
    navigation = [
        tag("a", text, href=address, aria_current="page" if each == kind else None)
        for text, address, each in links
    ]
    header = tag(
        "header",
        tag("h1", "selinon ", tag("span", project, id="project")),
        tag("nav", *navigation, aria_label="Pages"),
        tag("span", status, id="status", role="status"),
    )
    skip = tag("a", "Skip to the content", href="#main", class_="skip")
    body = tag("body", skip, header, tag("main", main, id="main", class_=kind), data_root=root)
    return "<!doctype html>\n" + tag("html", tag("head", *head), body, lang="en")


# -- the list of runs -------------------------------------------------------------------------------------------


def runs_main(
    rows: Sequence[Mapping[str, Any]],
    next: str | None,
    wanted: RunFilter,
    flows: Sequence[str],
    acts: bool = False,
) -> Markup:
    """The list of runs with its filters; ``acts``: the viewer is an operator."""
    older = None
    if next is not None:
        older = tag(
            "a", "Older runs", href="?" + urlencode(_pairs(wanted, cursor=next)), class_="button", id="older"
        )
    first = tag("a", "Newest runs", href="?" + urlencode(_pairs(wanted)), class_="button")
    paging = tag("p", first if wanted.cursor else None, older, class_="paging")
    table = tag("section", runs_table(rows), id="runs", aria_label="Runs")
    return join(_filters(wanted, flows), batch_buttons() if acts else None, table, paging)


def runs_table(rows: Sequence[Mapping[str, Any]]) -> Markup:
    """The rows of the list."""
    if not rows:
        return tag("p", "There are no runs to which all filters apply.", class_="muted empty")
    labelled = any(row["labels"] for row in rows)
    names = ["Status", "Flow", "Run", "Started", "Duration", "Arguments", *(["Labels"] if labelled else [])]
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in names)))
    return tag("table", head, tag("tbody", *(_run_row(row, labelled) for row in rows)))


def _run_row(row: Mapping[str, Any], labelled: bool) -> Markup:
    reason = tag("div", row["reason"], class_="reason") if row["reason"] else None
    labels = [tag("span", f"{name}={value}", class_="label") for name, value in row["labels"].items()]
    return tag(
        "tr",
        tag("td", status_badge(row["status"]), _progress(row), reason),
        tag("td", row["flow"], data_title="Flow"),
        tag(
            "td", tag("a", tag("code", row["id"][:8]), href=f"runs/{row['id']}", title=row["id"]), data_title="Run"
        ),
        tag("td", time_of(row["created"]), data_title="Started"),
        tag("td", seconds_text(row["seconds"]), data_title="Duration", class_="number"),
        tag("td", tag("code", _short(row["args"])), data_title="Arguments", class_="args"),
        tag("td", *labels, data_title="Labels") if labelled else None,
        data_id=row["id"],
    )


def _progress(row: Mapping[str, Any]) -> Markup | None:
    """How far an open run is; how many nodes it will have is not known before its end."""
    progress = row["progress"]
    if row["ended"] is not None or progress is None or not progress["started"]:
        return None
    return tag("span", f" {progress['done']} of {progress['started']} done", class_="muted")


def _filters(wanted: RunFilter, flows: Sequence[str]) -> Markup:
    query, texts = wanted.query, wanted.texts
    named = [*dict.fromkeys((*flows, *query.flows))]
    since = {"": "any time", **{key: f"the last {text}" for key, text in _SPANS.items()}}
    if texts.get("since") and texts["since"] not in since:
        since[texts["since"]] = texts["since"]
    labels = ", ".join(f"{name}={value}" for name, value in query.labels.items())
    return tag(
        "form",
        _select("Flow", "flow", {"": "all flows", **{name: name for name in named}}, query.flows),
        _select("Status", "status", {"": "any status", **{name: name for name in STATUSES}}, query.statuses),
        _select("Started in", "since", since, (texts.get("since", ""),)),
        _field("Label", "label", labels, "customer=acme"),
        _field("Run", "id", texts.get("id", ""), "beginning of an id"),
        tag("button", "Show", type="submit"),
        tag("a", "Clear", href="./"),
        class_="filters",
        method="get",
        action="./",
        role="search",
        aria_label="Filters",
    )


def _select(label: str, name: str, options: Mapping[str, str], chosen: Sequence[str]) -> Markup:
    made = [
        tag("option", text, value=value, selected=value in chosen and value != "")
        for value, text in options.items()
    ]
    return tag("label", label, " ", tag("select", *made, name=name))


def _field(label: str, name: str, value: str, placeholder: str) -> Markup:
    made = tag("input", name=name, value=value, placeholder=placeholder, autocomplete="off", spellcheck="false")
    return tag("label", label, " ", made)


def _pairs(wanted: RunFilter, **more: str) -> list[tuple[str, str]]:
    query = wanted.query
    pairs = [("flow", flow) for flow in query.flows] + [("status", status) for status in query.statuses]
    pairs += [("label", f"{name}={value}") for name, value in query.labels.items()]
    pairs += [
        (name, wanted.texts[name]) for name in ("since", "until", "key", "id", "limit") if name in wanted.texts
    ]
    return [*pairs, *more.items()]


def batch_buttons() -> Markup:
    """What an operator may do with the runs of the list."""
    buttons = [
        tag(
            "button",
            action.title_of_many,
            type="button",
            data_action=name,
            data_statuses=" ".join(action.statuses),
        )
        for name, action in ACTIONS.items()
        if action.batch
    ]
    return tag("div", *buttons, class_="actions live", role="group", aria_label="Actions on the runs of this list")


# -- one run ----------------------------------------------------------------------------------------------------


def run_main(
    run: Mapping[str, Any], root: str, acts: bool = False, asked: Sequence[Mapping[str, Any]] = ()
) -> Markup:
    """One run; scripts make it live, draw the graph, and show node runs and the history.

    ``acts``: the viewer is an operator. ``asked`` are entries of the audit, the newest first.
    """
    facts = tag("dl", *_facts(run, root), id="facts")
    zoom = [
        tag("button", text, id=id, type="button", aria_label=label)
        for text, id, label in (("-", "smaller", "Smaller"), ("Fit", "fit", "Fit"), ("+", "larger", "Larger"))
    ]
    graph = tag(
        "section",
        tag("h2", "Graph", id="graph-title"),
        tag(
            "div", tag("p", "Drawing …", class_="muted"), id="graph", tabindex="0", role="group", aria_label=_KEYS
        ),
        tag("div", *zoom, id="zoom", role="group", aria_label="Size", hidden=True),
        id="picture",
        aria_labelledby="graph-title",
        class_="live",
    )
    nodes = tag(
        "section",
        tag("h2", "Nodes", id="nodes-title"),
        tag("div", path_line(run), id="path"),
        tag("div", groups_table(run["groups"]), id="groups"),
        aria_labelledby="nodes-title",
    )
    why = tag(
        "section",
        tag("h2", "Why", id="why-title"),
        tag("div", tag("button", "Why did nodes not run?", type="button"), id="why"),
        aria_labelledby="why-title",
        class_="live",
    )
    history = tag(
        "section",
        tag("h2", "History", id="history-title"),
        tag("div", tag("button", "Show the history", type="button", id="show-history"), id="history"),
        aria_labelledby="history-title",
        class_="live",
    )
    picture = tag("a", "The graph of this run as a picture", href=f"{root}api/runs/{run['id']}/graph.svg")
    without = tag("noscript", tag("p", picture))
    parts = [values_section(run), graph, without, nodes, why, history]
    buttons = run_buttons(run) if acts and run["actions"] else None
    head = (run_title(run), facts, asked_line(asked), buttons)
    return join(tag("div", *head, class_="head", id="run", data_id=run["id"]), *parts)


def run_buttons(run: Mapping[str, Any]) -> Markup:
    """What an operator may do with a run of this status."""
    buttons = [tag("button", ACTIONS[name].title, type="button", data_action=name) for name in run["actions"]]
    return tag("div", *buttons, class_="actions live", role="group", aria_label="Actions")


def asked_line(asked: Sequence[Mapping[str, Any]]) -> Markup | None:
    """Who asked for what, the newest first."""
    if not asked:
        return None
    parts = [(entry["what"], " by ", entry["who"], " at ", time_of(entry["at"])) for entry in asked]
    listed = [part for each in parts for part in (*each, "; ")][:-1]
    return tag("p", "Asked for: ", *listed, class_="muted", id="asked")


_KEYS = "Graph; plus, minus and 0 change its size"


def run_title(run: Mapping[str, Any]) -> Markup:
    """Flow, status and id of a run."""
    return tag("h2", status_badge(run["status"]), " ", run["flow"], " ", tag("code", run["id"]), id="title")


def _facts(run: Mapping[str, Any], root: str) -> list[Markup]:
    progress = run["progress"]
    facts: list[tuple[str, Any]] = [("Started", time_of(run["created"]))]
    if run["ended"] is not None:
        facts += [("Ended", time_of(run["ended"])), ("Duration", seconds_text(run["ended"] - run["created"]))]
    done = f"{progress['done']} done, {progress['failed']} failed, {progress['started']} started"
    facts.append(("Nodes", done))
    if run["attempt"] > 1:
        facts.append(("Attempt", run["attempt"]))
    if run["parent"]:
        facts.append(("Started by", tag("a", tag("code", run["parent"][:8]), href=f"{root}runs/{run['parent']}")))
    if run["rerun_of"]:
        again = tag("a", tag("code", run["rerun_of"][:8]), href=f"{root}runs/{run['rerun_of']}")
        facts.append(("Runs again", again))
    facts += [(name, value) for name, value in run["labels"].items()]
    if run["key"]:
        facts.append(("Key", run["key"]))
    if run["waits"]:
        titles = [tag("div", tag("a", wait["title"], href=f"{root}review")) for wait in run["waits"]]
        facts.append(("Waits for", titles))
    if run["links"]:
        facts.append(("Links", [part for link in run["links"] for part in (" ", outside_link(link))][1:]))
    return [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts]


def values_section(run: Mapping[str, Any]) -> Markup:
    """Why it failed, its arguments and its output."""
    parts: list[Markup | None] = []
    if run["reason"]:
        parts.append(tag("pre", run["reason"], class_="failure problem", id="reason"))
    for name, value in (("Arguments", run["args"]), ("Output", run["output"])):
        if value is not None:
            cut = tag("p", f"The first 4 KiB of {value['bytes']} bytes.", class_="muted") if value["cut"] else None
            parts.append(
                tag("details", tag("summary", name), tag("pre", value["text"]), cut, open=name == "Output")
            )
    return tag("section", *parts, id="values", aria_label="Values")


def path_line(run: Mapping[str, Any]) -> Markup | None:
    """What made a run as long as it is."""
    path = run["critical_path"]
    if len(path) < 2:
        return None
    steps = " → ".join(f"{step['name']} {step['share']:.0%}" for step in path)
    text = f"Critical path: {steps}; {waiting_share(path):.0%} of it is waiting."
    return tag("p", text, class_="muted")


def groups_table(groups: Sequence[Mapping[str, Any]]) -> Markup:
    """The nodes of a run by name."""
    if not groups:
        return tag("p", "No node was started.", class_="muted empty")
    head = tag("tr", *(tag("th", name, scope="col") for name in ("Node", "States", "Typical", "Slow")))
    rows = [
        tag(
            "tr",
            tag("th", group["name"], scope="row"),
            tag("td", ", ".join(f"{group[status]} {status}" for status in _shown(group))),
            tag("td", seconds_or_nothing(group["seconds"]["p50"]), class_="number"),
            tag("td", seconds_or_nothing(group["seconds"]["p95"]), class_="number"),
        )
        for group in groups
    ]
    return tag("table", tag("thead", head), tag("tbody", *rows))


def _shown(group: Mapping[str, Any]) -> list[str]:
    return [name for name in ("failure", "running", "retrying", "waiting", "success", "reused") if group[name]]


# -- small parts --------------------------------------------------------------------------------------------------


def error_main(message: str, hint: str) -> Markup:
    """What is said instead of a page."""
    return tag("section", tag("h2", message), tag("p", hint, class_="muted") if hint else None, aria_label="Error")


def pause_button(title: str, path: str, body: Mapping[str, Any]) -> Markup:
    """A button for operators that asks ``path`` to pause or resume what ``body`` names."""
    button = tag("button", title, type="button", data_post=path, data_body=json.dumps(body))
    return tag("div", button, class_="actions live")


def outside_link(link: Mapping[str, str]) -> Markup:
    """A link to another system, in a window of its own that knows nothing of this one."""
    return tag("a", link["name"], href=link["url"], target="_blank", rel="noopener noreferrer", class_="outside")


def status_badge(status: str) -> Markup:
    """A status, with its colour."""
    return tag("span", status, class_=f"badge {status}")


def time_of(seconds: float) -> Markup:
    """A time; scripts show it as that of the viewer's clock."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return tag(
        "time", moment.strftime("%Y-%m-%d %H:%M:%S UTC"), datetime=moment.isoformat(timespec="milliseconds")
    )


def seconds_or_nothing(seconds: float | None) -> str:
    """Seconds as text; nothing where they are not known."""
    return "" if seconds is None else seconds_text(seconds)


def _short(args: Any) -> str:
    """Arguments in a list: as JSON, or the beginning of it that the index has."""
    if args is None:
        return ""
    text = args if isinstance(args, str) and args.endswith("…") else json.dumps(args, ensure_ascii=False)
    return text if len(text) <= 120 else text[:119] + "…"
