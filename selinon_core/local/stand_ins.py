"""Decisions of a local run that rest on made-up values: results that no mock gives, defaults of functions."""

from __future__ import annotations

from typing import NamedTuple

from selinon_core.dispatch import effects as do
from selinon_core.plan import ImportRef
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord

#: (flow, index, whether of a failures entry instead of an edge)
ConditionKey = tuple[str, int, bool]


class MadeUpDecision(NamedTuple):
    """A question whose answer rests on values that no mock gives.

    ``results``: the runs whose made-up results were read for it. ``functions``: those that could not be imported
    and have a default instead. ``arguments``: it was handed arguments that are a made-up result.
    """

    flow_run: FlowRecord
    question: do.Question
    results: tuple[NodeRecord, ...]
    functions: tuple[ImportRef, ...]
    arguments: bool = False
