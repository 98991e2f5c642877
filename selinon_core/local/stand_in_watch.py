"""Finds out, question by question, whether an answer rests on made-up values."""

from __future__ import annotations

from selinon_core.dispatch import effects as do
from selinon_core.local.driver_state import DriverState
from selinon_core.local.stand_ins import MadeUpDecision
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import FlowRecord


class StandInWatch:
    """Notes, question by question, which made-up values an answer rests on.

    Flow runs whose arguments are a made-up result (``node_args_from_first``) are remembered by id.
    """

    def __init__(self, state: DriverState) -> None:
        self._state = state
        self._made_up_arguments: set[str] = set()

    @property
    def is_needed(self) -> bool:
        """Whether anything made up can have been used by now."""
        state = self._state
        return bool(state.scripts.made_up or state.calls.defaulted or state.imports.lenient)

    def before(self) -> tuple[int, int]:
        """What to hand to ``after``."""
        return len(self._state.recorder.journal), len(self._state.calls.defaulted)

    def after(self, record: FlowRecord, question: do.Question, before: tuple[int, int], handed: bool) -> None:
        """Note a question that was answered since ``before``; ``handed``: user code was given the arguments."""
        state = self._state
        entries, defaults = before
        made_up = state.scripts.made_up
        read = dict.fromkeys(
            entry[4]
            for entry in state.recorder.journal[entries:]
            if entry[0] == trace_entries.READ and entry[4] in made_up
        )
        if question.__class__ is do.AskArguments:
            if question.node_run.id in made_up:
                self._made_up_arguments.add(record.id)
            return
        functions = tuple(dict.fromkeys(state.calls.defaulted[defaults:]))
        arguments = handed and self._has_made_up_arguments(record)
        if read or functions or arguments:
            results = tuple(made_up[id] for id in read)
            state.made_up.append(MadeUpDecision(record, question, results, functions, arguments))

    def _has_made_up_arguments(self, record: FlowRecord) -> bool:
        """Whether the arguments of a flow run are a made-up result, perhaps handed down."""
        run: FlowRecord | None = record
        while run is not None:
            if run.id in self._made_up_arguments:
                return True
            above = run.parent_run
            if above is None or run.flow.name not in above.flow.propagate_node_args:
                return False
            run = above
        return False
