"""The places where expressions stand, what is said of a name in a place, and what all places of a flow share."""

from __future__ import annotations

from enum import Enum
from functools import cached_property
from typing import Any

from selinon_core.config.model import FlowDef, ProjectModel
from selinon_core.expressions.checking.known_names import Entry, Known, Refused
from selinon_core.lint.analysis.dataflow.node_types import NodeTypes
from selinon_core.lint.analysis.dataflow.ways import Ways, ways_of
from selinon_core.lint.analysis.facts import FlowGraph


class Part(Enum):
    """What an expression is a part of."""

    CONDITION = "a condition"
    FOREACH = "foreach"
    ARGS = "args"
    OUTPUT = "output"
    LABELS = "labels"
    LIMIT = "the key of a limit"
    TITLE = "the title of a wait"
    TASK_LIMIT = "the key of a task's limit"


#: Why a name has no value in a place, or more than one; each has a rule.
PLACE, NEVER_RUNS, NO_OUTPUT, NOT_STORED = "place", "never runs", "no output", "not stored"
SEVERAL, ALWAYS_SEVERAL, UNTYPED = "several", "always several", "untyped"


class FlowScope:
    """What the names of one flow have in common."""

    def __init__(self, model: ProjectModel, flow: FlowDef, graph: FlowGraph, types: NodeTypes) -> None:
        self.model = model
        self.flow = flow
        self.graph = graph
        self.types = types
        #: What is known of names that mean the same in all places, and of the results of nodes, once it was asked.
        self.names: dict[str, Entry] = {}
        self.results: dict[str, Known | Refused | None] = {}

    @cached_property
    def ways(self) -> Ways:
        """The ways through the flow."""
        return ways_of(self.graph)

    @cached_property
    def constants(self) -> dict[str, Any]:
        """The constants that the flow sees."""
        return {**self.model.settings.vars, **self.flow.vars}
