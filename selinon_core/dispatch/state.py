"""The state of a flow run, which ``machine.FlowRun`` changes event by event. No decisions are made here.

The functions of this package take a ``RunState``, and they alone change it. A ``FlowAttempt`` holds what begins
again with every attempt of the flow; all other state outlives the attempts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.flow_index import EdgeIndex, FlowIndex
from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.dispatch.questions import Questions
from selinon_core.dispatch.replay_definition import ReplayDefinition
from selinon_core.dispatch.selective import SelectiveRun

Phase = Literal["new", "running", "waiting", "ended"]


class FlowAttempt:
    """One attempt of the flow: the node runs it started, and their status.

    ``equals`` counts, in reruns, the runs with one origin, where an edge names a destination several times.

    ``args`` are the arguments of the flow's nodes. With ``node_args_from_first`` they are the result of the node
    run with ``first_number``, and not known while ``awaits_args``. ``selected_edges`` are the edges of this flow
    in a selective run. ``passes_failures``: some node run has ``failures`` that the node runs behind it inherit.
    ``fired_before`` is a copy of ``RunState.fired`` from the beginning of the attempt.

    A node run that succeeds goes from ``active`` (by number) to ``finished`` (by name, in order of finishing).
    One that fails goes to ``unhandled`` (by name) until a fallback takes it, and then to ``handled_for_failure``
    if the flow has to fail all the same. ``started_elsewhere`` has the names of node runs that may be in none of
    these: handled and detached ones.

    ``pending_sources`` counts, per join, the sources without a finished run; no entry means all of them.
    ``edges_not_taken`` are edges with a false condition or an empty foreach, or with a destination that a
    selective run omits. ``fallback_answers`` are the answers of this fallback step, by the index of the entry.
    """

    __slots__ = (
        "active",
        "args",
        "awaits_args",
        "edges_not_taken",
        "equals",
        "fallback_answers",
        "finished",
        "fired_before",
        "first_number",
        "handled_for_failure",
        "passes_failures",
        "pending_sources",
        "selected_edges",
        "started_elsewhere",
        "unhandled",
    )

    def __init__(
        self,
        start: on.FlowStarted,
        subset: Mapping[int, tuple[str, ...]] | None,
        first_number: int,
        awaits_args: bool,
        fired_before: dict[int, int],
    ) -> None:
        self.args: Any = start.args
        self.passes_failures = bool(start.failures)
        self.selected_edges = subset
        self.first_number = first_number
        self.awaits_args = awaits_args
        self.fired_before = fired_before
        self.active: dict[int, NodeRun] = {}
        self.finished: dict[str, list[NodeRun]] = {}
        self.unhandled: dict[str, list[NodeRun]] = {}
        self.handled_for_failure: list[NodeRun] = []
        self.started_elsewhere: set[str] = set()
        self.pending_sources: dict[int, int] = {}
        self.edges_not_taken: set[int] = set()
        self.equals: dict[tuple[Any, ...], int] = {}
        self.fallback_answers: dict[int, bool] = {}

    def started(self, name: str) -> bool:
        """Whether a run of the node was started. Correct only while nothing is active or unhandled."""
        return name in self.finished or name in self.started_elsewhere

    def left_out(self, row: EdgeIndex) -> bool:
        """Whether an edge was left out, wholly or in part, or had a false condition or an empty foreach."""
        return row.index in self.edges_not_taken or (
            self.selected_edges is not None and row.index not in self.selected_edges
        )


class RunState:
    """A flow run over all its attempts.

    ``attempt`` is the number of the ``current`` attempt, ``free_attempts`` says how many of them do not count as
    retries. ``count`` is the number of the last node run. ``considered`` and ``fired`` count by edge, over all
    attempts. ``detached`` are incomplete node runs that the flow does not wait for (``nowait``, and those that
    were active when an attempt failed). ``launched_before`` has the selection of sub-flows that an edge of an
    earlier definition started, by number, ``entered`` the recorded runs of sub-flows of which only a part runs
    again. ``ordinals`` counts node runs that are not the first of their origin (``FlowAttempt.equals``).
    ``effects`` collects the effects of the current event. ``current`` and
    ``start`` are unset in phase ``new``.

    With these a run that failed goes on when it is reopened: ``left_at_end`` are the node runs that were active
    when it ended, ``dropped_at_end`` the questions that were open then, with the one that failed.
    ``between_attempts``: it ended while it waited for its next attempt. ``ended_for_good``: it cannot go on.
    """

    __slots__ = (
        "attempt",
        "between_attempts",
        "considered",
        "count",
        "current",
        "definitions",
        "detached",
        "dropped_at_end",
        "effects",
        "ended_for_good",
        "entered",
        "fired",
        "free_attempts",
        "launched_before",
        "left_at_end",
        "make_id",
        "on_unreached",
        "ordinals",
        "outcome",
        "phase",
        "questions",
        "start",
        "table",
    )

    current: FlowAttempt
    start: on.FlowStarted
    effects: list[do.Effect]

    def __init__(
        self,
        table: FlowIndex,
        make_id: Callable[[int], str],
        on_unreached: str = "warn",
        definitions: Callable[[str], ReplayDefinition] | None = None,
    ) -> None:
        self.table = table
        self.make_id = make_id
        self.on_unreached = on_unreached
        self.definitions = definitions
        self.phase: Phase = "new"
        self.attempt = 0
        self.free_attempts = 0
        self.count = 0
        self.considered: dict[int, int] = {}
        self.fired: dict[int, int] = {}
        self.questions = Questions()
        self.detached: dict[int, NodeRun] = {}
        self.launched_before: dict[int, SelectiveRun | None] = {}
        self.entered: dict[int, str] = {}
        self.ordinals: dict[int, int] = {}
        self.outcome: FlowOutcome | None = None
        self.left_at_end: tuple[NodeRun, ...] = ()
        self.dropped_at_end: tuple[do.Question, ...] = ()
        self.ended_for_good = False
        self.between_attempts = False

    def fired_in_attempt(self) -> list[int]:
        """The edges that fired in this attempt; none while the run waits for one or has ended."""
        if self.phase != "running":
            return []
        before = self.current.fired_before
        return [index for index, times in self.fired.items() if times > before.get(index, 0)]

    def ask(self, question: do.Question) -> None:
        """Ask a question, whose number has to be new."""
        self.questions.open[question.question] = question
        self.effects.append(question)

    def note(self, event: str, details: dict[str, Any]) -> None:
        """Add an entry to the trace."""
        self.effects.append(do.TraceNote(event, details))
