"""Where a question comes from, for messages: the flow, the edge or the failures entry, and its place."""

from __future__ import annotations

from selinon_core.dispatch import effects as do
from selinon_core.plan import EdgePlan, FlowPlan


def put_off_too_often(flow: FlowPlan, question: do.Question, times: int, reason: str) -> str:
    """Why a flow fails whose question could not be answered that often."""
    return f"{where_asked(flow, question)}: a storage could not be read {times} times in a row: {reason}"


def where_asked(flow: FlowPlan, question: do.Question) -> str:
    """Name the flow, the edge or failures entry, and its place in the YAML files."""
    if isinstance(question, do.AskFallbackCondition):
        return f"flow {flow.name}, failures entry at {question.failure.place}"
    if isinstance(question, do.AskFirstResult | do.AskOutput | do.AskRecorded):
        return f"flow {flow.name} at {flow.place}"
    if isinstance(question, do.AskArgs):
        if not isinstance(question.entry, EdgePlan):
            return f"flow {flow.name}, failures entry at {question.entry.place}"
        edge = question.entry
    else:
        edge = question.edge
    ends = f"{', '.join(edge.sources) or '(start)'} -> {', '.join(edge.destinations)}"
    return f"flow {flow.name}, edge {ends} at {edge.place}"
