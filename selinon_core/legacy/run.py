"""``run_flow`` and ``run_flow_selective`` on the process-wide configuration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from selinon_core.legacy.state import STATE

if TYPE_CHECKING:
    from selinon_core.legacy.flow_result import FlowResult


def run_flow(flow_name: str, node_args: Any = None) -> FlowResult:
    """Ask for a run of a flow; needs nothing but the broker.

    The result is Celery's ``AsyncResult`` of the flow run, with ``cancel``. Raises ``ConfigNotInitializedError``,
    ``UnknownFlowError``, ``RequestError`` for arguments that JSON cannot hold, and kombu's ``OperationalError``
    when the broker cannot be reached.
    """
    adapter = STATE.adapter  # first: it raises the error that names what is missing
    from selinon_core.legacy.flow_result import FlowResult

    return FlowResult(adapter.run_flow(flow_name, node_args), adapter.app)


def run_flow_selective(
    flow_name: str,
    task_names: Iterable[str],
    node_args: Any = None,
    follow_subflows: bool = False,
    run_subsequent: bool | Iterable[str] = False,
) -> FlowResult:
    """Ask for a run of only what leads to the named tasks; as ``run_flow``, and ``SelectiveNoPathError``."""
    adapter = STATE.adapter  # first: it raises the error that names what is missing
    from selinon_core.legacy.flow_result import FlowResult

    handle = adapter.run_flow_selective(flow_name, task_names, node_args, follow_subflows, run_subsequent)
    return FlowResult(handle, adapter.app)
