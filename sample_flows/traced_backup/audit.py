"""Where the trace goes: one line per event that an auditor asks for."""

from __future__ import annotations

import sys

INTERESTING = ("FLOW_START", "TASK_END", "TASK_FAILURE", "FLOW_END", "FLOW_FAILURE")


def write_line(event, report):
    """Called with the name of every event and a dictionary of what it is about."""
    if event in INTERESTING:
        who = report.get("task_name", "")
        what = report.get("node_args") or ""
        print("audit:", event, report["flow_name"], who, what, file=sys.stderr)
