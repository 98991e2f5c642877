"""Flow runs on workers, for people: those that are running, and one with its nodes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selinon_cli.render.run_summary import failures
from selinon_cli.render.visible import visible

#: Of more runs of one node in one state than that, only the number is shown.
_MAX_ALIKE = 5
#: States of a flow run that has not ended; ``pending``: no worker has begun it.
OPEN = ("pending", "queued", "running", "paused")

Json = Mapping[str, Any]


def run_list(rows: Sequence[Json]) -> str:
    """Running flow runs, a line each."""
    if not rows:
        return "no flow is running\n"
    return "".join(f"{row['id']}  {row['flow']:24}  {row['seconds']:10.1f} s\n" for row in rows)


def run_tree(run: Json, *, color: bool) -> str:
    """A flow run and its nodes as a tree, and what the failed ones raised."""
    return "".join(f"{line}\n" for line in _flow(run, "", time.time())) + failures(list(_nodes(run)), (), color)


def _flow(run: Json, indent: str, now: float) -> Iterator[str]:
    yield f"{indent}{run['flow'] or 'a flow run'}  {run['status']}{_age(run, now)}  {run['id']}"
    indent += "  "
    if run.get("reason"):
        yield indent + visible(run["reason"])
    elif run["status"] == "pending":
        yield f"{indent}no worker has begun it"
    if run.get("starts_paused"):
        yield f"{indent}starts of the flow are paused: selinon resume --starts --flow {visible(run['flow'])}"
    if run.get("limit"):
        yield indent + waits_for(run["limit"])
    if run.get("rerun_of"):
        yield f"{indent}runs {visible(run['rerun_of'])} again"
    if run.get("key"):
        yield f"{indent}key {visible(run['key'])}"
    if run.get("start_conflict"):
        yield indent + visible(run["start_conflict"]["message"])
    alike: dict[tuple[str, str], list[Json]] = {}
    for node in run["nodes"]:
        alike.setdefault((node["name"], node["status"]), []).append(node)
    for node in run["nodes"]:
        others = alike[node["name"], node["status"]]
        if "run" in node:
            yield from _flow(node["run"], indent, now)
        elif len(others) <= _MAX_ALIKE:
            tries = f"  attempt {node['attempts']}" if node["attempts"] > 1 else ""
            state = f"{node['status']}{tries}{_origin([node])}"
            yield f"{indent}{node['name']}  {state}{_for(node, now)}{_progress(node, now)}"
            if "limit" in node:
                yield f"{indent}  {waits_for(node['limit'])}"
            if "wait" in node:
                yield from _wait(run, node, indent + "  ", now)
        elif node is others[0]:
            yield f"{indent}{node['name']}  {len(others)} {node['status']}{_origin(others)}{_for(node, now)}"
    for name, due in run["timers"].items():
        yield f"{indent}due {_timer(name)} in {due - now:.1f} s"


def _origin(nodes: Sequence[Json]) -> str:
    """Which flow runs made the results that these node runs reuse; nothing where that is not known."""
    known = dict.fromkeys(node["reused_from"] for node in nodes if "reused_from" in node)
    made_by = [id for id in known if id is not None]
    more = f" and {len(made_by) - 3} more" if len(made_by) > 3 else ""
    texts = [f"made by {', '.join(visible(id) for id in made_by[:3])}{more}"] if made_by else []
    texts += ["given"] if None in known else []
    return f"  {', '.join(texts)}" if texts else ""


def waits_for(limit: Json) -> str:
    """What a queued run, or a task, waits for."""
    from selinon_core.runtime.limit_keys import place_text

    holders, ahead = list(dict.fromkeys(limit["holders"])), limit["ahead"]
    more = f" and {len(holders) - 3} more" if len(holders) > 3 else ""
    before = f"; {ahead} before it" if ahead else ""
    hold = f"held by {', '.join(holders[:3])}{more}" if holders else "none is held"
    return f"waits for {place_text(limit['max'])} under the key {visible(limit['key'])}, {hold}{before}"


def _age(run: Json, now: float) -> str:
    """How long a run has been going on, or took; nothing where that is not known."""
    if run["created"] is None:
        return ""
    return f"  {(now if run['status'] in OPEN else run['updated']) - run['created']:.1f} s"


def _for(node: Json, now: float) -> str:
    """How long a node has been running; of several the first has for the longest."""
    return f"  for {now - node['since']:.1f} s" if node["status"] == "running" and node["since"] else ""


def _wait(run: Json, node: Json, indent: str, now: float) -> Iterator[str]:
    """What a task waits for, and how to answer it."""
    deadline = node["wait"]["deadline"]
    left = "" if deadline is None else f", at most {max(deadline - now, 0):.0f} s more"
    yield f"{indent}waits for a signal{left}: {visible(node['wait']['title'])}"
    yield f"{indent}selinon signal {run['id']} {node['id']} JSON, or --reject WHY"


def _progress(node: Json, now: float) -> str:
    """How far a task is that said so and has not succeeded."""
    found = node.get("progress")
    if not found or node["status"] == "success":
        return ""
    from selinon_core.task_progress import shown

    said = f"  {visible(shown(found['done'], found['of'], found['text']))}"
    return said + (f", {max(now - found['at'], 0):.0f} s ago" if node["status"] == "running" else "")


def _nodes(run: Json) -> Iterator[Json]:
    """All node runs with the names of their flows."""
    for node in run["nodes"]:
        yield {**node, "flow": run["flow"]}
        yield from _nodes(node["run"]) if "run" in node else ()


def _timer(name: str) -> str:
    kinds = {
        "n": "a task's next attempt",
        "q": "a decision that was put off",
        "s": "a throttled sub-flow",
        "v": "the time-out of a task that waits for a signal",
    }
    return {"retry": "the flow's retry", "deadline": "the flow's time-out", "begin": "the flow's begin"}.get(
        name, kinds.get(name[0], name)
    )
