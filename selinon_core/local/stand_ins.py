"""Decisions of a local run that rest on made-up values: results that no mock gives, defaults of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from selinon_core.dispatch import effects as do
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.plan import EdgePlan, FailurePlan, ImportRef
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord

if TYPE_CHECKING:
    from selinon_core.local.mocked_imports import FunctionCalls, MockedImports
    from selinon_core.local.scripts import TaskScripts

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


class StandInWatch:
    """Notes, question by question, which made-up values an answer rests on.

    ``found`` has those that do. Flow runs whose arguments are a made-up result (``node_args_from_first``) are
    remembered by id. ``args`` that rest on made-up values decide nothing: what starts with them is remembered.
    """

    def __init__(
        self,
        journal: list[trace_entries.Entry],
        scripts: TaskScripts,
        calls: FunctionCalls,
        imports: MockedImports,
    ) -> None:
        self._journal = journal
        self._scripts = scripts
        self._calls = calls
        self._imports = imports
        self._made_up_arguments: set[str] = set()
        self._made_up_args: set[_Started] = set()
        self.found: list[MadeUpDecision] = []

    @property
    def is_needed(self) -> bool:
        """Whether anything made up can have been used by now."""
        return bool(self._scripts.made_up or self._imports.lenient)

    def before(self) -> tuple[int, int]:
        """What to hand to ``after``."""
        return len(self._journal), len(self._calls.defaulted)

    def is_suspicious(self, before: tuple[int, int]) -> bool:
        """Whether an answer since ``before`` can rest on anything made up: a quick look, as hardly any does."""
        made_up = self._scripts.made_up or self._made_up_arguments or self._made_up_args
        return bool(made_up) or len(self._calls.defaulted) > before[1]

    def after(self, record: FlowRecord, question: do.Question, before: tuple[int, int], handed: bool) -> None:
        """Note a question that was answered since ``before``; ``handed``: user code was given the arguments."""
        entries, defaults = before
        made_up = self._scripts.made_up
        read = dict.fromkeys(
            entry[4] for entry in self._journal[entries:] if entry[0] == trace_entries.READ and entry[4] in made_up
        )
        if question.__class__ is do.AskFirstResult:
            if question.node_run.id in made_up:
                self._made_up_arguments.add(record.id)
            return
        if isinstance(question, do.AskOutput):
            return
        if isinstance(question, do.AskArgs):
            if read or (handed and self._has_made_up_arguments(record)):
                self._made_up_args.add(_started_by(record, question.entry, question.sources))
            return
        functions = tuple(dict.fromkeys(self._calls.defaulted[defaults:]))
        arguments = handed and self._has_made_up_arguments(record)
        if read or functions or arguments:
            results = tuple(made_up[id] for id in read)
            self.found.append(MadeUpDecision(record, question, results, functions, arguments))

    def _has_made_up_arguments(self, record: FlowRecord) -> bool:
        """Whether the arguments of a flow run are a made-up result, perhaps handed down."""
        run: FlowRecord | None = record
        while run is not None:
            if run.id in self._made_up_arguments:
                return True
            above = run.parent_run
            if above is not None and run.node is not None:
                node = run.node.run
                entry = above.flow.failures[node.position] if node.edge is None else above.flow.edges[node.edge]
                if entry.args is not None:
                    return _started_by(above, entry, node.sources) in self._made_up_args
            if above is None or run.flow.name not in above.flow.propagate_node_args:
                return False
            run = above
        return False


#: (flow run, whether by a failures entry, index of it or of the edge, ids of the combination)
_Started = tuple[str, bool, int, tuple[str, ...]]


def _started_by(record: FlowRecord, entry: EdgePlan | FailurePlan, sources: tuple[NodeRun, ...]) -> _Started:
    """What an edge or a failures entry starts for a combination."""
    return record.id, isinstance(entry, FailurePlan), entry.index, tuple(run.id for run in sources)
