"""The dispatch machine: one flow run, decided step by step. It performs nothing and knows no time.

Rules
-----
1. *Start.* Every starting edge is considered once, in the order of the file.
2. *A run succeeds.* Every edge with its name among the sources, in the order of the file, is considered for every
   combination of this run with one finished run of each other source. A run joins the finished runs only after
   its own edges were considered, so each combination is considered exactly once in the life of the flow run:
   when its last member finishes.
3. *Considering* an edge: the condition is asked for; if it holds, foreach is asked for; then ``args`` are, for all
   items at once; then every destination is started, per item. A false condition is never asked again for that
   combination. A node run whose args cannot be worked out fails without being started (rule 4).
4. *A run fails.* It is noted, other branches go on. An eager node fails the flow at once.
5. *Nothing is active, something failed:* the fallback step (``fallbacks``).
6. *Nothing is active, nothing failed unhandled:* the output of the flow is asked for, and the flow succeeds.
7. *The flow fails:* it starts again from the beginning with a clean state if retries are left, else it ends.

Why order does not matter: which combinations arise depends on which runs succeed, not on when; fallbacks wait
until nothing is active, and their choice looks at names, not at times. Numbers and ids do depend on order.

States and events::

                  FlowStarted                     nothing active, no question open
    (new) ------------------------> running --------------------------------------------> ended
                                     ^    | a failure, retries left                        ^
                          RetryDue   |    v                                                |
                                     waiting --------------- FlowCancelled, DeadlinePassed +

    ended, after a failure -- Reopened --> running

While a question is open the run is not idle, so neither fallbacks nor the end can overtake an answer. Completions
of detached runs (``nowait``, and everything started before a failure ended its attempt) are accepted and change
nothing: the flow does not wait for them.

Cost: a completion touches the out-edges of its node and the combinations it completes.
``FlowAttempt.pending_sources`` counts, per join, the sources without a finished run, so a join of a thousand
sources costs one decrement per source.

Modules: ``state`` holds the state of a run. In ``rules``, ``edges`` has rules 1 to 3, ``selection`` what selective
runs change about them, ``arguments`` and ``starts`` the starting of node runs, ``completion`` rules 4, 6 and 7,
``fallbacks`` rule 5, ``answers`` the handling of each answer, ``migration`` and ``questions_again`` the rules for
a run whose flow changes, ``reopening`` those for one that failed and goes on. All of these are functions of the
state; this module calls them, event by event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.node_run import CANCELLED, TIMED_OUT, FlowOutcome, NodeRun, NodeStatus
from selinon_core.dispatch.rules import answers, completion
from selinon_core.dispatch.rules.edges import ask_first_result, begin_attempt, follow_edges
from selinon_core.dispatch.rules.fallbacks import begin_fallbacks
from selinon_core.dispatch.rules.migration import migrate
from selinon_core.dispatch.rules.reopening import reopen
from selinon_core.dispatch.rules.starts import launch_again
from selinon_core.dispatch.state import RunState
from selinon_core.errors import UnexpectedEvent


class FlowRun(RunState):
    """The state of one flow run and the function that moves it on.

    ``make_id`` derives the id of a node run from its number and must be a pure function: the same log of events
    gives the same effects, always. ``on_unreached`` is the project's setting (``ignore``, ``warn``, ``fail``).
    ``definitions`` finds the definition that a ``Migrated`` names; without it there can be no such event.
    """

    __slots__ = ()

    def advance(self, event: on.Event) -> list[do.Effect]:
        """Take one event and return what has to be done, in this order.

        Raises ``UnexpectedEvent`` for an event that cannot happen in this state; the state is then unchanged.
        """
        effects: list[do.Effect] = []
        self.effects = effects
        _HANDLERS[event.__class__](self, event)
        while self.phase == "running" and not self.current.active and not self.questions.open:
            if self.current.unhandled:
                begin_fallbacks(self)
            else:
                completion.succeed(self)
        return effects

    # -- what drivers ask ---------------------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether the machine returned ``FinishFlow``."""
        return self.phase == "ended"

    @property
    def active(self) -> tuple[NodeRun, ...]:
        """The runs the flow waits for."""
        return tuple(self.current.active.values()) if self.phase != "new" else ()

    @property
    def unhandled(self) -> dict[str, list[NodeRun]]:
        """The failed runs of this attempt that no fallback has taken over, by name."""
        return self.current.unhandled

    @property
    def asked(self) -> int:
        """The number of the last question."""
        return self.questions.asked

    @property
    def open_questions(self) -> tuple[do.Question, ...]:
        """The questions without an answer, oldest first."""
        return tuple(self.questions.open.values())

    @property
    def incomplete(self) -> int:
        """How many node runs have neither succeeded nor failed, detached ones included."""
        return len(self.detached) + (len(self.current.active) if self.phase != "new" else 0)

    def run_of(self, number: int) -> NodeRun | None:
        """The incomplete node run of that number, whether or not the flow waits for it."""
        node = self.detached.get(number)
        return node if node is not None or self.phase == "new" else self.current.active.get(number)

    def start_effect_of(self, number: int) -> do.StartTask | do.StartFlow | None:
        """The effect that started an incomplete node run, rebuilt for a driver that lost it."""
        node = self.run_of(number)
        if node is None or self._awaits_reuse(node):
            return None
        return launch_again(self, node)

    def _awaits_reuse(self, node: NodeRun) -> bool:
        """Whether it is asked, in a rerun, if the node run is to be started at all."""
        if self.start.rerun is None:
            return False
        return any(isinstance(q, do.AskRecorded) and q.node_run is node for q in self.questions.open.values())

    def completions_until_decision(self) -> int:
        """The least number of node runs that have to succeed before the machine can decide something; at least 1.

        Until then a driver may buffer the completions (except failures of eager nodes).
        """
        if self.phase != "running" or self.questions.open or self.current.awaits_args:
            return 1
        current = self.current
        least = len(current.active)
        for name in {node.name for node in current.active.values()}:
            for row in self.table.out_edges.get(name, ()):
                if current.selected_edges is not None and row.index not in current.selected_edges:
                    continue
                if row.single:
                    return 1
                least = min(least, current.pending_sources.get(row.index, len(row.sources)))
        return max(least, 1)


def _on_started(flow_run: RunState, event: on.FlowStarted) -> None:
    if flow_run.phase != "new":
        raise UnexpectedEvent("the flow run was started already")
    flow_run.start = event
    if event.rerun is not None:
        flow_run.note("RUN_RERUN", {"rerun_of": event.rerun})
    begin_attempt(flow_run)


def _on_retry_due(flow_run: RunState, event: on.RetryDue) -> None:
    if flow_run.phase == "ended":
        return
    if flow_run.phase != "waiting":
        raise UnexpectedEvent("no retry of the flow run was scheduled")
    begin_attempt(flow_run)


def _on_node_succeeded(flow_run: RunState, event: on.NodeSucceeded) -> None:
    node = _complete(flow_run, event.number, "success", event.outcome)
    if node is None:
        return
    if flow_run.current.awaits_args and node.number == flow_run.current.first_number:
        ask_first_result(flow_run, node)
    else:
        follow_edges(flow_run, node)


def _on_node_failed(flow_run: RunState, event: on.NodeFailed) -> None:
    node = _complete(flow_run, event.number, "failure", event.outcome)
    if node is not None:
        completion.node_failed(flow_run, node)


def _complete(flow_run: RunState, number: int, status: NodeStatus, outcome: FlowOutcome | None) -> NodeRun | None:
    """Record how a node run ended; returns None when the flow does not wait for it."""
    if flow_run.phase == "new":
        raise UnexpectedEvent("the flow run was not started yet")
    node = flow_run.current.active.pop(number, None)
    waited_for = node is not None
    if node is None:
        node = flow_run.detached.pop(number, None)
        if node is None:
            raise UnexpectedEvent(f"node run {number} is not active")
    node.status = status
    node.outcome = outcome
    return node if waited_for else None


def _on_deadline(flow_run: RunState, event: on.DeadlinePassed) -> None:
    completion.stop(flow_run, TIMED_OUT, timed_out=True)


def _on_cancelled(flow_run: RunState, event: on.FlowCancelled) -> None:
    completion.stop(flow_run, CANCELLED, cancelled=True)


def _on_migrated(flow_run: RunState, event: on.Migrated) -> None:
    if flow_run.definitions is None:
        raise UnexpectedEvent("the flow run cannot be migrated: the machine was given no other definitions")
    migrate(flow_run, event, flow_run.definitions(event.definition))


_HANDLERS: dict[type[Any], Callable[[RunState, Any], None]] = {
    on.FlowStarted: _on_started,
    on.NodeSucceeded: _on_node_succeeded,
    on.NodeFailed: _on_node_failed,
    on.ConditionAnswered: answers.on_condition,
    on.ForeachAnswered: answers.on_foreach,
    on.ReuseAnswered: answers.on_reuse,
    on.FirstResultAnswered: answers.on_first_result,
    on.ArgsAnswered: answers.on_args,
    on.OutputAnswered: answers.on_output,
    on.QuestionDeferred: answers.on_question_deferred,
    on.QuestionFailed: answers.on_question_failed,
    on.RetryDue: _on_retry_due,
    on.DeadlinePassed: _on_deadline,
    on.FlowCancelled: _on_cancelled,
    on.Migrated: _on_migrated,
    on.Reopened: reopen,
}
