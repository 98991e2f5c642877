"""The links of flow runs and tasks to other systems, made of ``global.links``.

An address whose variable is not set in the environment of this server, or whose value is not known, is left out.
"""

from __future__ import annotations

import os
from typing import Any

from selinon_core.dispatch import NodeRun
from selinon_core.plan import Plan
from selinon_core.plan.link_templates import address_of, is_of_tasks
from selinon_core.web.followed_run import FollowedRun

Links = list[dict[str, str]]


def run_links(plan: Plan, run: FollowedRun) -> Links:
    """The links of a flow run as ``[{"name", "url"}]``, in the order of the file."""
    return _made(plan, _values(run), of_tasks=False)


def task_links(plan: Plan, run: FollowedRun, node: NodeRun) -> Links:
    """The links of a run of a task, as ``run_links``; a sub-flow has those of its own run."""
    if node.is_flow or not plan.settings.links:
        return []
    return _made(plan, {**_values(run), "task_name": node.name, "task_id": node.id}, of_tasks=True)


def _values(run: FollowedRun) -> dict[str, Any]:
    header = run.header
    assert header is not None
    trace = header.trace.split("-")  # "00-TRACE-SPAN-01", or empty
    return {
        "flow_name": header.flow,
        "dispatcher_id": run.id,
        "root_id": header.root or run.id,
        "trace_id": trace[1] if len(trace) > 1 else None,
    }


def _made(plan: Plan, values: dict[str, Any], of_tasks: bool) -> Links:
    links = []
    for name, template in plan.settings.links.items():
        if is_of_tasks(template) is of_tasks:
            url = address_of(template, values, os.environ)
            if url is not None:
                links.append({"name": name, "url": url})
    return links
