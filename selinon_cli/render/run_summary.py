"""What a run came to, for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from selinon_cli.render.columns import table
from selinon_cli.render.style import BOLD, GREEN, RED, YELLOW, styled
from selinon_cli.render.visible import counted, visible

_MOST_FAILURES = 20
_MOST_LINES = 40


def run_summary(
    report: Mapping[str, Any],
    events: Sequence[tuple[str, Mapping[str, Any]]],
    unreached: Iterable[tuple[str, str, str]],
    *,
    color: bool,
) -> str:
    """Tell what ran, what failed and why, which fallbacks ran, what was never reached and why, and how long.

    ``report`` is the JSON report of the run, ``events`` names and details of its trace events, ``unreached``
    triples of flow, node and reason.
    """
    parts = [
        _counts(report["nodes"], color),
        failures(report["nodes"], events, color),
        _fallbacks((details for event, details in events if event == "FALLBACK_START"), color),
        _unreached(unreached, color),
        _section("warnings", report.get("warnings", ()), YELLOW, color),
        _verdict(report, color),
    ]
    return "".join(part for part in parts if part)


def _counts(nodes: Sequence[Mapping[str, Any]], color: bool) -> str:
    rows: dict[tuple[str, str], list[Any]] = {}
    for node in nodes:
        row = rows.setdefault((node["flow"], node["name"]), [0, 0, 0, 0, 0, 0, 0.0])
        row[0] += 1
        row[1] += node["status"] == "success"
        row[2] += node["status"] == "failure"
        row[3] += node["status"] == "active"
        row[4] += node["status"] == "reused"
        row[5] += max(node["attempts"] - 1, 0)
        if node["started_at"] is not None and node["finished_at"] is not None:
            row[6] += node["finished_at"] - node["started_at"]
    if not rows:
        return ""
    header = ["flow", "node", "runs", "ok", "failed", "unfinished", "reused", "retries", "virtual"]
    listed = [[flow, name, *row[:6], seconds(row[6])] for (flow, name), row in rows.items()]
    for title in ("unfinished", "reused", "retries"):
        column = header.index(title)
        if not any(row[column] for row in listed):
            del header[column]
            for row in listed:
                del row[column]
    return table(header, listed, color=color)


def failures(
    nodes: Sequence[Mapping[str, Any]], events: Iterable[tuple[str, Mapping[str, Any]]], color: bool
) -> str:
    """The node runs that failed, with tracebacks; ``events`` say why flows did."""
    reasons = {d["dispatcher_id"]: d["reason"] for event, d in events if event == "FLOW_FAILURE"}
    failed = [node for node in nodes if node["status"] == "failure" and node["error"] is not None]
    # Tasks first: that a flow failed mostly follows from them.
    failed.sort(key=lambda node: bool(node["kind"] == "flow"))
    lines: list[str] = []
    for node in failed[:_MOST_FAILURES]:
        error, reason = node["error"], reasons.get(node["id"])
        attempts = f" after {node['attempts']} attempts" if node["attempts"] > 1 else ""
        abandoned = f" ({_abandoned(error['type'])})" if node.get("abandoned") else ""
        message = reason or ": ".join(part for part in (error["type"], error["message"]) if part)
        lines.append(f"{node['name']} in flow {node['flow']}{attempts}: {message}{abandoned}")
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
    status = styled("success" if good else "failure", GREEN if good else RED, color)
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
