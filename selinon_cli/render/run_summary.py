"""What a run came to, for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from selinon_cli.render.columns import table
from selinon_cli.render.style import BOLD, GREEN, RED, YELLOW, styled
from selinon_cli.render.visible import counted, visible

_MOST_FAILURES = 20
_MOST_LINES = 40
#: Characters of JSON; the report has all of it.
_LONGEST_OUTPUT = 2000
#: Rows of the table: with thousands of nodes, more rows hide the important ones.
_MOST_ROWS = 100


def run_summary(
    report: Mapping[str, Any],
    events: Sequence[tuple[str, Mapping[str, Any]]],
    unreached: Iterable[tuple[str, str, str]],
    *,
    color: bool,
    durations: int = 0,
) -> str:
    """Return what ran, what failed and why, which fallbacks ran, what was never reached and why, and how long.

    ``report`` is the JSON report of the run, ``events`` names and details of its trace events, ``unreached``
    triples of flow, node and reason. ``durations`` is how many of the slowest node runs are named.
    """
    parts = [
        _counts(report["nodes"], color, real=bool(durations)),
        failures(report["nodes"], events, color),
        _fallbacks((details for event, details in events if event == "FALLBACK_START"), color),
        _unreached(unreached, color),
        _running(report, color),
        _slowest(report["nodes"], durations, color),
        _section("warnings", report.get("warnings", ()), YELLOW, color),
        _output(report),
        _verdict(report, color),
    ]
    return "".join(part for part in parts if part)


def _output(report: Mapping[str, Any]) -> str:
    """The output of the flow, where it declares one."""
    if "output" not in report:
        return ""
    text = json.dumps(report["output"], ensure_ascii=False)
    return f"output: {visible(text if len(text) <= _LONGEST_OUTPUT else f'{text[:_LONGEST_OUTPUT]}...')}\n"


def _counts(nodes: Sequence[Mapping[str, Any]], color: bool, *, real: bool) -> str:
    rows: dict[tuple[str, str], list[Any]] = {}
    for node in nodes:
        row = rows.setdefault((node["flow"], node["name"]), [0, 0, 0, 0, 0, 0, 0.0, 0.0])
        row[0] += 1
        row[1] += node["status"] == "success"
        row[2] += node["status"] == "failure"
        row[3] += node["status"] == "active"
        row[4] += node["status"] == "reused"
        row[5] += max(node["attempts"] - 1, 0)
        if node["started_at"] is not None and node["finished_at"] is not None:
            row[6] += node["finished_at"] - node["started_at"]
        row[7] += node.get("real_seconds") or 0.0
    if not rows:
        return ""
    header = ["flow", "node", "runs", "ok", "failed", "unfinished", "reused", "retries", "virtual", "real"]
    chosen = _most_telling(rows)
    listed = [[flow, name, *row[:6], seconds(row[6]), seconds(row[7])] for (flow, name), row in chosen.items()]
    unused = [
        title for title in ("unfinished", "reused", "retries") if not any(r[header.index(title)] for r in listed)
    ]
    for title in (*unused, *(() if real else ("real",))):
        column = header.index(title)
        for row in (header, *listed):
            del row[column]
    more = len(rows) - len(chosen)
    return table(header, listed, color=color) + (f"and {counted(more, 'more node')}\n" if more else "")


def _most_telling(rows: dict[tuple[str, str], list[Any]]) -> dict[tuple[str, str], list[Any]]:
    """The rows to show: of very many those with failures and unfinished runs before those in which all is well."""
    if len(rows) <= _MOST_ROWS:
        return rows
    first = sorted(rows, key=lambda key: not (rows[key][2] or rows[key][3]))[:_MOST_ROWS]
    return {key: row for key, row in rows.items() if key in set(first)}


def _running(report: Mapping[str, Any], color: bool) -> str:
    """What an interrupted run was at."""
    if report["status"] != "interrupted":
        return ""
    lines = [
        f"{name} in flow {node['flow']}: for {seconds(node.get('real_seconds') or 0.0)}"
        for node, name in zip(report["nodes"], _labels(report["nodes"]), strict=True)
        if node["status"] == "active" and node["started_at"] is not None and node["kind"] == "task"
    ]
    return _section("running", _cut(lines, _MOST_FAILURES), YELLOW, color)


def _slowest(nodes: Sequence[Mapping[str, Any]], durations: int, color: bool) -> str:
    """The node runs that took most of the real time."""
    tasks = [(node, name) for node, name in zip(nodes, _labels(nodes), strict=True) if node["kind"] == "task"]
    tasks.sort(key=lambda each: -(each[0].get("real_seconds") or 0.0))
    lines = [f"{seconds(node.get('real_seconds') or 0.0):>9}  {node['flow']}/{name}" for node, name in tasks]
    return _section(f"slowest {min(durations, len(lines))}", lines[:durations], BOLD, color) if durations else ""


def _labels(nodes: Sequence[Mapping[str, Any]]) -> list[str]:
    """A name for each node run: with its number, from 0, where its flow run has several runs of the node."""
    keys = [(node.get("flow_id", node["flow"]), node.get("flow_attempt"), node["name"]) for node in nodes]
    totals: dict[Any, int] = {}
    for key in keys:
        totals[key] = totals.get(key, 0) + 1
    seen: dict[Any, int] = {}
    labels = []
    for key in keys:
        number = seen[key] = seen.get(key, -1) + 1
        labels.append(f"{key[2]}[{number}]" if totals[key] > 1 else key[2])
    return labels


def _cut(lines: list[str], most: int) -> list[str]:
    return lines if len(lines) <= most else [*lines[:most], f"and {len(lines) - most} more"]


def failures(
    nodes: Sequence[Mapping[str, Any]], events: Iterable[tuple[str, Mapping[str, Any]]], color: bool
) -> str:
    """The node runs that failed, with tracebacks; ``events`` say why flows did."""
    reasons = {d["dispatcher_id"]: d["reason"] for event, d in events if event == "FLOW_FAILURE"}
    failed = [
        (node, name)
        for node, name in zip(nodes, _labels(nodes), strict=True)
        if node["status"] == "failure" and node["error"] is not None
    ]
    # Tasks first: that a flow failed mostly follows from them.
    failed.sort(key=lambda each: bool(each[0]["kind"] == "flow"))
    lines: list[str] = []
    for node, name in failed[:_MOST_FAILURES]:
        error, reason = node["error"], reasons.get(node["id"])
        attempts = f" after {node['attempts']} attempts" if node["attempts"] > 1 else ""
        abandoned = f" ({_abandoned(error['type'])})" if node.get("abandoned") else ""
        message = reason or ": ".join(part for part in (error["type"], error["message"]) if part)
        lines.append(f"{name} in flow {node['flow']}{attempts}: {message}{abandoned}")
        trace = (error.get("traceback") or "").rstrip().splitlines()
        if len(trace) > 1:
            shown = trace if len(trace) <= _MOST_LINES else ["...", *trace[-_MOST_LINES:]]
            lines += ["  " + line for line in shown]
    if len(failed) > _MOST_FAILURES:
        lines.append(f"and {len(failed) - _MOST_FAILURES} more")
    return _section("failed", lines, RED, color)


def _abandoned(error: str) -> str:
    if error == "TaskTimeout":
        return "the attempt could not be stopped; it was left alone"
    return "its flow did not wait for it"


def _fallbacks(events: Iterable[Mapping[str, Any]], color: bool) -> str:
    lines: dict[str, int] = {}
    for event in events:
        failed = ", ".join(sorted(node["name"] for node in event["nodes"]))
        started = event["fallback"]
        what = "nothing, it counts as handled" if started is True else ", ".join(started)
        line = f"{failed} -> {what} in flow {event['flow_name']} ({event['where']})"
        lines[line] = lines.get(line, 0) + 1
    listed = [line + (f", {times} times" if times > 1 else "") for line, times in lines.items()]
    return _section("fallbacks that ran", listed, YELLOW, color)


def _unreached(reasons: Iterable[tuple[str, str, str]], color: bool) -> str:
    lines = [f"{node} in flow {flow}: {reason}" for flow, node, reason in reasons]
    return _section("never reached", lines, YELLOW, color)


def _section(title: str, lines: Iterable[str], style: str, color: bool) -> str:
    listed = list(lines)
    if not listed:
        return ""
    return styled(f"{title}:", style, color) + "\n" + "".join(f"  {visible(line)}\n" for line in listed)


def _verdict(report: Mapping[str, Any], color: bool) -> str:
    good = report["status"] == "success"
    status = styled(report["status"], GREEN if good else RED, color)
    name = styled(visible(report["flow"]), BOLD, color)
    text = f"{name}: {status} in {seconds(report['virtual_seconds'])} virtual"
    text += f", {seconds(report['real_seconds'])} real ({counted(len(report['nodes']), 'node run')})\n"
    if not good and report.get("error"):
        text += f"  {visible(report['error'])}\n"
    return text


def seconds(value: float) -> str:
    """A duration as people read it."""
    if value < 0.0005:
        return "0 s"
    if value < 120:
        return f"{value:.3f}".rstrip("0").rstrip(".") + " s"
    if value < 7200:
        return f"{value / 60:.1f} min"
    return f"{value / 3600:.1f} h"
