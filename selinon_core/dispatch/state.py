"""What a flow run knows: the state that ``machine.FlowRun`` folds its events into. No decisions are made here.

The functions of this package take a ``RunState``, and they alone change it. What begins anew with every attempt of
the flow is an ``Attempt``, all else outlives the attempts.
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
    """One attempt of the flow: what was started in it, and how far that got.

    ``args`` are the arguments of the flow's nodes. With ``node_args_from_first`` they are the result of the node
    run with ``first_number``, and not known while ``awaits_args``. ``subset`` are the edges of this flow in a
    selective run. ``passes_failures``: some node run has ``failures`` that those behind it inherit.
    ``fired_before`` is what ``RunState.fired`` was when the attempt began.

    Node runs go from ``active`` (by number) to ``finished`` (by name, in order of finishing); those that fail go
    to ``unhandled`` (by name) until a fallback takes them, and then to ``handled_for_failure`` if the flow has to
    fail all the same. ``also_started`` has the names of runs that may be in none of these: those handled, and
    those nobody waits for.

    ``missing`` counts, per join, the sources without a finished run; no entry is the same as all of them.
    ``said_no`` are edges with a false condition or an empty foreach, or without a destination that is not wanted.
    ``fallback_answers`` are the answers of this fallback step, by the index of the entry.
    """

    __slots__ = (
        "active",
        "args",
        "awaits_args",
        "edges_not_taken",
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
        self.fallback_answers: dict[int, bool] = {}

    def started(self, name: str) -> bool:
        """Whether a run of the node was started; to be asked when nothing is active or unhandled."""
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
    attempts. ``unwaited`` are incomplete node runs that nobody waits for (``nowait``, and what an attempt left
    behind when it failed). ``launched_before`` says, for sub-flows that an edge of another table started, how they
    are run. ``effects`` collects what the event in hand leads to. ``current`` and ``start`` are unset in phase
    ``new``.
    """

    __slots__ = (
        "attempt",
        "considered",
        "count",
        "current",
        "definitions",
        "detached",
        "effects",
        "fired",
        "free_attempts",
        "launched_before",
        "make_id",
        "on_unreached",
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
        self.outcome: FlowOutcome | None = None

    def fired_in_attempt(self) -> list[int]:
        """The edges that fired in this attempt; none while the run waits for one or has ended."""
        if self.phase != "running":
            return []
        before = self.current.fired_before
        return [index for index, times in self.fired.items() if times > before.get(index, 0)]

    def ask(self, question: do.Question) -> None:
        """Put a question, whose number is a new one."""
        self.questions.open[question.question] = question
        self.effects.append(question)

    def note(self, event: str, details: dict[str, Any]) -> None:
        """Tell the trace something."""
        self.effects.append(do.TraceNote(event, details))
