"""The result of one run of a task, read from its storage when a viewer asks for it."""

from __future__ import annotations

from typing import Any

from selinon_core.celery.reporting.stored_values import StoredValues
from selinon_core.errors import RequestError
from selinon_core.plan import Plan
from selinon_core.runtime.redaction import redaction
from selinon_core.runtime.storages import Storages
from selinon_core.web.followed_run import FollowedNode
from selinon_core.web.run_json import VERSION
from selinon_core.web.shortening import shortened

#: Statuses of node runs that have a result.
WITH_RESULT = ("success", "reused")


def task_result(
    plan: Plan, storages: Storages, flow: str | None, id: str, followed: FollowedNode | None
) -> dict[str, Any]:
    """``{"id", "name", "result", "missing"}``: the result cut and masked, or why there is none.

    ``id`` is that of the node run, ``followed`` the node run, None where the flow run has none with this id; that
    raises ``RequestError``.
    """
    if followed is None or flow is None:
        raise RequestError(f"the flow run has no node run {id}")
    node = followed.node
    shown: dict[str, Any] = {"version": VERSION, "id": id, "name": node.name, "result": None, "missing": None}
    if node.is_flow:
        shown["missing"] = "it is the run of a sub-flow, which has an output"
    elif followed.status not in WITH_RESULT:
        shown["missing"] = f"its status is {followed.status}"
    else:
        hidden = redaction(plan.settings.redact)
        found = StoredValues(plan, storages, hidden).result(flow, node)
        if "result" in found:
            shown["result"] = shortened(found["result"])
        else:
            shown["missing"] = hidden.masked(
                found.get("missing", "the task has no storage, so its result is not kept")
            )
    return shown
