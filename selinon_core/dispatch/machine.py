"""The dispatch machine: one flow run, decided step by step. It performs nothing and knows no time.

Rules
-----
1. *Start.* Every starting edge is considered once, in the order of the file.
2. *A run succeeds.* Every edge with its name among the sources, in the order of the file, is considered for every
   combination of this run with one finished run of each other source. A run joins the finished ones only after
   its own edges were looked at, so each combination is considered exactly once in the life of the flow run:
   when its last member finishes.
3. *Considering* an edge: the condition is asked for; if it holds, foreach is asked for; then every destination is
   started, per item. A false condition is never asked again for that combination.
4. *A run fails.* It is noted, other branches go on. An eager node fails the flow at once.
5. *Nothing is active, something failed:* the fallback step (``_run_fallbacks``).
6. *Nothing is active, nothing failed unhandled:* the flow succeeds.
7. *The flow fails:* it starts again from the beginning with a clean state if retries are left, else it is over.

Why order does not matter: which combinations arise depends on which runs succeed, not on when; fallbacks wait
until nothing is active, and their choice looks at names, not at times. Numbers and ids do depend on order.

States and events::

                  FlowStarted                     nothing active, no question open
    (new) ------------------------> running --------------------------------------------> ended
                                     ^    | a failure, retries left                        ^
                          RetryDue   |    v                                                |
                                     waiting --------------- FlowCancelled, DeadlinePassed +

While a question is open the run is not idle, so neither fallbacks nor the end can overtake an answer. Completions
of runs that nobody waits for any more (``nowait``, and everything started before a failure ended its attempt) are
accepted and change nothing.

Cost: a completion touches the out-edges of its node and the combinations it completes. ``_missing`` counts, per
join, the sources without a finished run, so a join of a thousand sources costs one decrement per source.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import product
from typing import Any

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.fallbacks import applicable_groups
from selinon_core.dispatch.migrating import migrate
from selinon_core.dispatch.node_run import FlowOutcome, NodeRun, NodeStatus
from selinon_core.dispatch.propagation import (
    copied,
    failures_of,
    merged_failures,
    merged_parents,
    parent_of,
    parent_of_sources,
)
from selinon_core.dispatch.selective import SelectiveRun
from selinon_core.dispatch.shape import Shape
from selinon_core.dispatch.table import Destination, EdgeRow, FailureGroup, FlowTable
from selinon_core.dispatch.unreached import unreached_nodes
from selinon_core.errors import UnexpectedEvent
from selinon_core.plan import FailurePlan

#: A decision is put off for at least this many seconds when a storage is away.
LEAST_DEFERRAL = 1.0
_NO_RUNS: deque[NodeRun] = deque(maxlen=0)
_CONDITIONS = (do.AskCondition, do.AskFallbackCondition)


class FlowRun:
    """The state of one flow run and the function that moves it on.

    ``make_id`` derives the id of a node run from its number and must be a pure function: the same log of events
    gives the same effects, always. ``on_unreached`` is the project's setting (``ignore``, ``warn``, ``fail``).
    ``shapes`` finds the shape that a ``Migrated`` names; without it there can be no such event. ``considered`` and
    ``fired`` count by edge, over all attempts.
    """

    __slots__ = (
        "_active",
        "_also_started",
        "_args_pending",
        "_deferrals",
        "_dropped_questions",
        "_effects",
        "_fallback_answers",
        "_fired_before",
        "_first_number",
        "_free_attempts",
        "_handled_for_failure",
        "_launched_before",
        "_missing",
        "_no",
        "_on_unreached",
        "_pass_failures",
        "_questions",
        "_state",
        "_subset",
        "_succeeded",
        "_unwaited",
        "args",
        "asked",
        "attempt",
        "considered",
        "count",
        "finished",
        "fired",
        "make_id",
        "outcome",
        "shapes",
        "start",
        "table",
        "unhandled",
    )

    def __init__(
        self,
        table: FlowTable,
        make_id: Callable[[int], str],
        on_unreached: str = "warn",
        shapes: Callable[[str], Shape] | None = None,
    ) -> None:
        self.table = table
        self.make_id = make_id
        self.shapes = shapes
        self._on_unreached = on_unreached
        self._state = "new"
        self.count = 0
        self.asked = 0
        self.attempt = 0
        self.considered: dict[int, int] = {}
        self.fired: dict[int, int] = {}
        self._questions: dict[int, do.Question] = {}
        self._dropped_questions: set[int] = set()
        self._deferrals: dict[int, int] = {}
        self._unwaited: dict[int, NodeRun] = {}
        self._free_attempts = 0
        self._launched_before: dict[int, SelectiveRun | None] = {}
        self.outcome: FlowOutcome | None = None

    @property
    def ended(self) -> bool:
        """Whether ``FinishFlow`` was said."""
        return self._state == "ended"

    @property
    def active(self) -> tuple[NodeRun, ...]:
        """The runs the flow waits for."""
        return tuple(self._active.values()) if self._state != "new" else ()

    @property
    def open_questions(self) -> tuple[do.Question, ...]:
        """The questions without an answer, oldest first."""
        return tuple(self._questions.values())

    @property
    def incomplete(self) -> int:
        """How many node runs have neither succeeded nor failed, those nobody waits for included."""
        return len(self._unwaited) + (len(self._active) if self._state != "new" else 0)

    def run_of(self, number: int) -> NodeRun | None:
        """The incomplete node run of that number, whether or not the flow waits for it."""
        run = self._unwaited.get(number)
        return run if run is not None or self._state == "new" else self._active.get(number)

    def launch_of(self, number: int) -> do.StartTask | do.StartFlow | None:
        """The effect that started an incomplete node run, made again: for a driver that lost it."""
        run = self.run_of(number)
        if run is None:
            return None
        parent = parent_of(self.table.flow, run, self.start.parent)
        if not run.is_flow:
            return do.StartTask(run, parent)
        if number in self._launched_before:  # by an edge of another table
            selective = self._launched_before[number]
        else:
            selective = None if run.edge is None else self.table.rows[run.edge].selective
        return do.StartFlow(run, parent, self._selective_of(run, selective))

    def fired_in_attempt(self) -> list[int]:
        """The edges that fired in this attempt; none while the run waits for one or has ended."""
        if self._state != "running":
            return []
        before = self._fired_before
        return [index for index, times in self.fired.items() if times > before.get(index, 0)]

    def quiet_completions(self) -> int:
        """How many more node runs have to succeed, at the least, before anything can follow from it.

        Until then nobody needs to hand their completions over (eager failures aside). At least 1.
        """
        if self._state != "running" or self._questions or self._args_pending:
            return 1
        least = len(self._active)
        for name in {run.name for run in self._active.values()}:
            for row in self.table.out_edges.get(name, ()):
                if self._subset is not None and row.index not in self._subset:
                    continue
                if row.single:
                    return 1
                least = min(least, self._missing.get(row.index, len(row.sources)))
        return max(least, 1)

    def advance(self, event: on.Event) -> list[do.Effect]:
        """Take one event and return what has to be done, in this order.

        Raises ``UnexpectedEvent`` for an event that cannot happen in this state; the state is then unchanged.
        """
        effects: list[do.Effect] = []
        self._effects = effects
        _HANDLERS[event.__class__](self, event)
        while self._state == "running" and not self._active and not self._questions:
            self._settle()
        return effects

    # -- start, retry, end ------------------------------------------------------------------------------------

    def _on_started(self, event: on.FlowStarted) -> None:
        if self._state != "new":
            raise UnexpectedEvent("the flow run was started already")
        self.start = event
        self._begin_attempt()

    def _on_retry_due(self, event: on.RetryDue) -> None:
        if self._state == "ended":
            return
        if self._state != "waiting":
            raise UnexpectedEvent("no retry of the flow run was scheduled")
        self._begin_attempt()

    def _begin_attempt(self) -> None:
        start = self.start
        self.attempt += 1
        self._state = "running"
        self.args = start.args
        self._active: dict[int, NodeRun] = {}
        self.finished: dict[str, list[NodeRun]] = {}
        self.unhandled: dict[str, list[NodeRun]] = {}
        self._handled_for_failure: list[NodeRun] = []
        self._also_started: set[str] = set()
        self._missing: dict[int, int] = {}
        self._no: set[int] = set()
        self._succeeded: deque[NodeRun] = deque()
        self._fallback_answers: dict[int, bool] = {}
        self._pass_failures = bool(start.failures)
        self._first_number = self.count + 1
        self._fired_before = dict(self.fired)
        self._args_pending = self.table.flow.node_args_from_first
        self._subset = None if start.selective is None else start.selective.edges.get(self.table.flow.name)
        for row in self.table.starting:
            if self._subset is None or self._selected(row):
                self._consider(row, ())
        self._spread()

    def _settle(self) -> None:
        if self.unhandled:
            self._ask_fallback_conditions()
        else:
            self._succeed()

    def _succeed(self) -> None:
        if self._handled_for_failure:
            self._fail_attempt("a fallback with propagate_failure was used")
            return
        unreached: tuple[str, ...] = ()
        if self._on_unreached != "ignore":
            unreached = unreached_nodes(self.table, self._started, self.finished, self._said_no)
            for name in unreached:
                self._effects.append(do.Note("NODE_UNREACHED", {"node_name": name}))
            if unreached and self._on_unreached == "fail":
                self._fail_attempt(f"nodes were never reached: {', '.join(unreached)}", unreached)
                return
        self._end(self._outcome(True, None, unreached=unreached))

    def _started(self, name: str) -> bool:
        """Whether a run of the node was started in this attempt; asked when nothing is active or unhandled."""
        return name in self.finished or name in self._also_started

    def _said_no(self, row: EdgeRow) -> bool:
        """Whether an edge was left out, wholly or in part, or had a false condition or an empty foreach."""
        return row.index in self._no or (self._subset is not None and row.index not in self._subset)

    def _fail_attempt(self, reason: str, unreached: tuple[str, ...] = ()) -> None:
        outcome = self._outcome(False, reason, unreached=unreached)
        if self.attempt - self._free_attempts <= self.table.flow.max_retry:
            self._wait_for_retry(outcome)
        else:
            self._end(outcome)

    def _wait_for_retry(self, outcome: FlowOutcome) -> None:
        self._abandon()
        self._state = "waiting"
        self._effects.append(do.ScheduleRetry(self.table.flow.retry_countdown, outcome))

    def start_again(self, reason: str) -> None:
        """Give this attempt up without counting it, and wait for the next (migrations)."""
        outcome = self._outcome(False, reason)
        self._free_attempts += 1
        self._wait_for_retry(outcome)

    def _abandon(self) -> None:
        """Nobody waits for what is still active, and no answer is of interest any more."""
        self._unwaited.update(self._active)
        self._active = {}
        self._dropped_questions.update(self._questions)
        self._questions = {}
        self._deferrals = {}
        self._succeeded = deque()

    def _end(self, outcome: FlowOutcome) -> None:
        self._abandon()
        self._succeeded = _NO_RUNS  # an empty deque of its own would be a fifth of what an ended run keeps
        self._state = "ended"
        self.outcome = outcome
        self._effects.append(do.FinishFlow(outcome))

    def _outcome(
        self,
        succeeded: bool,
        reason: str | None,
        *,
        timed_out: bool = False,
        cancelled: bool = False,
        unreached: tuple[str, ...] = (),
    ) -> FlowOutcome:
        failed: dict[str, list[NodeRun]] = {}
        if not succeeded:
            for run in self._handled_for_failure:
                failed.setdefault(run.name, []).append(run)
            for name, runs in self.unhandled.items():
                failed.setdefault(name, []).extend(runs)
        active = [{"name": run.name, "id": run.id} for run in self._active.values()]
        subflows: dict[str, list[FlowOutcome]] = {}
        for runs_by_name in (self.finished, failed):
            for name, runs in runs_by_name.items():
                if runs[0].is_flow:
                    ended = [run.outcome for run in runs if run.outcome is not None]
                    subflows.setdefault(name, []).extend(ended)
        return FlowOutcome.of_runs(
            succeeded,
            self.finished,
            failed={name: [run.id for run in runs] for name, runs in failed.items()},
            active=active,
            subflows=subflows,
            reason=reason,
            timed_out=timed_out,
            cancelled=cancelled,
            unreached=unreached,
        )

    def _on_deadline(self, event: on.DeadlinePassed) -> None:
        self._stop("the flow's timeout is over", timed_out=True)

    def _on_cancelled(self, event: on.FlowCancelled) -> None:
        self._stop("the flow run was cancelled", cancelled=True)

    def _stop(self, reason: str, *, timed_out: bool = False, cancelled: bool = False) -> None:
        """End without retries; sub-flows still running, abandoned ones too, are cancelled with it."""
        if self._state == "ended":
            return
        if self._state == "new":
            raise UnexpectedEvent("the flow run was not started yet")
        running = {**self._unwaited, **self._active}
        subflows = tuple(run for run in running.values() if run.is_flow)
        if subflows:
            self._effects.append(do.CancelFlows(subflows))
        self._end(self._outcome(False, reason, timed_out=timed_out, cancelled=cancelled))

    def _on_migrated(self, event: on.Migrated) -> None:
        if self.shapes is None:
            raise UnexpectedEvent("the flow run cannot be migrated: nothing is known of other shapes")
        migrate(self, event, self.shapes(event.shape))

    # -- completions ------------------------------------------------------------------------------------------

    def _on_node_succeeded(self, event: on.NodeSucceeded) -> None:
        run = self._complete(event.number, "success", event.outcome)
        if run is None:
            return
        if self._args_pending and run.number == self._first_number:
            self._ask_arguments(run)
            return
        self._succeeded.append(run)
        self._spread()

    def _on_node_failed(self, event: on.NodeFailed) -> None:
        run = self._complete(event.number, "failure", event.outcome)
        if run is None:
            return
        self.unhandled.setdefault(run.name, []).append(run)
        if run.name in self.table.flow.eager_failures:
            self._effects.append(do.Note("EAGER_FAILURE", {"node_name": run.name, "node_id": run.id}))
            self._fail_attempt(f"{run.name} failed and is listed in eager_failures")

    def _complete(self, number: int, status: NodeStatus, outcome: FlowOutcome | None) -> NodeRun | None:
        """Note how a run ended; None when the flow does not wait for it."""
        if self._state == "new":
            raise UnexpectedEvent("the flow run was not started yet")
        run = self._active.pop(number, None)
        waited_for = run is not None
        if run is None:
            run = self._unwaited.pop(number, None)
            if run is None:
                raise UnexpectedEvent(f"node run {number} is not active")
        run.status = status
        run.outcome = outcome
        return run if waited_for else None

    def _spread(self) -> None:
        """Look at the edges of succeeded runs, one run after another (rule 2)."""
        finished = self.finished
        while self._succeeded:
            run = self._succeeded.popleft()
            name = run.name
            earlier = finished.get(name)
            for row in self.table.out_edges.get(name, ()):
                if self._subset is not None and not self._selected(row):
                    continue
                if row.single:
                    self._consider(row, (run,))
                    continue
                missing = self._missing.get(row.index)
                if missing is None:
                    missing = len(row.sources)
                if earlier is None:
                    missing -= 1
                    self._missing[row.index] = missing
                if not missing:
                    choices = [(run,) if source == name else finished[source] for source in row.sources]
                    for combination in product(*choices):
                        self._consider(row, combination)
            if earlier is None:
                finished[name] = [run]
            else:
                earlier.append(run)

    # -- edges ------------------------------------------------------------------------------------------------

    def _selected(self, row: EdgeRow) -> bool:
        assert self._subset is not None
        if row.index in self._subset:
            return True
        self._effects.append(do.Note("SELECTIVE_OMIT_EDGE", {"edge": row.index}))
        return False

    def _consider(self, row: EdgeRow, sources: tuple[NodeRun, ...]) -> None:
        index = row.index
        self.considered[index] = self.considered.get(index, 0) + 1
        if row.condition is None:
            self._fire(row, sources)
        else:
            self._ask(do.AskCondition(self._next_question(), row.edge, sources, self.args))

    def _fire(self, row: EdgeRow, sources: tuple[NodeRun, ...]) -> None:
        index = row.index
        self.fired[index] = self.fired.get(index, 0) + 1
        if row.foreach is not None:
            needs_items = row.foreach.propagate_result or self._subset is not None
            self._ask(do.AskForeach(self._next_question(), row.edge, sources, self.args, needs_items))
        elif self._subset is None:
            for destination in row.destinations:
                self._start(destination, row, sources, self.args, False)
        else:
            self._start_selected(row, sources, self.args, False, self.args)

    def _start_selected(
        self, row: EdgeRow, sources: tuple[NodeRun, ...], args: Any, given_item: bool, asked_args: Any
    ) -> None:
        """Start what is wanted; ``asked_args`` is what selective run functions see, the item under foreach."""
        assert self._subset is not None
        assert self.start.selective is not None
        tasks = self.start.selective.tasks
        wanted = self._subset[row.index]
        for destination in row.destinations:
            name = destination.name
            if wanted and name not in wanted:
                self._no.add(row.index)
                details = {"edge": row.index, "omitted_node": name}
                self._effects.append(do.Note("SELECTIVE_OMIT_NODE", details))
            elif destination.is_flow or name in tasks:
                self._start(destination, row, sources, args, given_item)
            else:
                question = self._next_question()
                self._ask(do.AskReuse(question, row.edge, sources, name, asked_args, args, given_item, tasks))

    def _start(
        self,
        destination: Destination,
        row: EdgeRow,
        sources: tuple[NodeRun, ...],
        args: Any,
        given_item: bool,
    ) -> None:
        flow = self.table.flow
        if not destination.takes_args and not given_item:
            args = None
        failures = self._failures_for(destination, sources) if self._pass_failures else None
        run = self._new_run(destination, row.index, sources, args, failures)
        if not destination.takes_parent:
            parent: dict[str, Any] = {}
        elif row.plain_parent:
            parent = {source.name: source.id for source in sources}
        elif sources:
            parent = parent_of_sources(flow, sources)
        else:
            parent = copied(self.start.parent)
        self._launch(run, parent, row.selective)

    def _failures_for(self, destination: Destination, sources: tuple[NodeRun, ...]) -> dict[str, Any] | None:
        if not destination.takes_failures:
            return None
        return merged_failures(sources) if sources else self.start.failures

    def _new_run(
        self,
        destination: Destination,
        edge: int | None,
        sources: tuple[NodeRun, ...],
        args: Any,
        failures: dict[str, Any] | None,
    ) -> NodeRun:
        self.count = number = self.count + 1
        name = destination.name
        run = NodeRun(
            number,
            self.make_id(number),
            name,
            destination.is_flow,
            edge,
            sources,
            args,
            failures,
            self.attempt,
        )
        if destination.waited_for:
            self._active[number] = run
        else:
            self._unwaited[number] = run
            self._also_started.add(name)
        return run

    def _launch(self, run: NodeRun, parent: dict[str, Any], selective: SelectiveRun | None) -> None:
        if not run.is_flow:
            self._effects.append(do.StartTask(run, parent))
            return
        self._effects.append(do.StartFlow(run, parent, self._selective_of(run, selective)))

    def _selective_of(self, run: NodeRun, of_edge: SelectiveRun | None) -> SelectiveRun | None:
        """How a sub-flow is run: as its edge says, else as the flow itself is."""
        inherited = self.start.selective
        if of_edge is None and inherited is not None and run.name in inherited.edges:
            return inherited
        return of_edge

    # -- questions and answers --------------------------------------------------------------------------------

    def _next_question(self) -> int:
        self.asked += 1
        return self.asked

    def _ask(self, question: do.Question) -> None:
        self._questions[question.question] = question
        self._effects.append(question)

    def _open(self, number: int) -> do.Question | None:
        """The open question of that number; None when its attempt failed and nobody is interested any more."""
        question = self._questions.get(number)
        if question is None and number not in self._dropped_questions:
            raise UnexpectedEvent(f"question {number} is not open")
        return question

    def _answered(self, number: int, kinds: type[Any] | tuple[type[Any], ...]) -> Any:
        """Close the question of an answer, which has to be one of ``kinds``; None as for ``_open``."""
        question = self._open(number)
        if question is None:
            self._dropped_questions.discard(number)
            return None
        if not isinstance(question, kinds):
            raise UnexpectedEvent(f"question {number} is {question.__class__.__name__}, the answer is to another")
        del self._questions[number]
        if self._deferrals:
            self._deferrals.pop(number, None)
        return question

    def _on_condition(self, event: on.ConditionAnswered) -> None:
        question: do.AskCondition | do.AskFallbackCondition | None = self._answered(event.question, _CONDITIONS)
        if isinstance(question, do.AskCondition):
            row = self.table.rows[question.edge.index]
            if event.value:
                self._fire(row, question.sources)
                self._spread()
            else:
                self._no.add(row.index)
        elif question is not None:
            self._fallback_answers[question.failure.index] = event.value
            if not self._questions:
                self._run_fallbacks()

    def _on_foreach(self, event: on.ForeachAnswered) -> None:
        question: do.AskForeach | None = self._answered(event.question, do.AskForeach)
        if question is None:
            return
        row = self.table.rows[question.edge.index]
        assert row.foreach is not None
        if not event.items:
            self._no.add(row.index)
        given_item = row.foreach.propagate_result
        for item in event.items or ():
            args = item if given_item else question.args
            if self._subset is None:
                for destination in row.destinations:
                    self._start(destination, row, question.sources, args, given_item)
            else:
                self._start_selected(row, question.sources, args, given_item, item)
        self._spread()

    def _on_reuse(self, event: on.ReuseAnswered) -> None:
        question: do.AskReuse | None = self._answered(event.question, do.AskReuse)
        if question is None:
            return
        row = self.table.rows[question.edge.index]
        destination = self.table.destinations[question.name]
        if not event.reused_id:
            self._start(destination, row, question.sources, question.task_args, question.given_item)
            return
        failures = self._failures_for(destination, question.sources) if self._pass_failures else None
        run = self._new_run(destination, row.index, question.sources, question.task_args, failures)
        self._active.pop(run.number, None)
        self._unwaited.pop(run.number, None)
        run.id = event.reused_id
        run.status = "reused"
        details = {"task_name": run.name, "task_id": run.id, "run": run}
        self._effects.append(do.Note("SELECTIVE_TASK_REUSE", details))
        if self._args_pending and run.number == self._first_number:
            self._ask_arguments(run)
        elif destination.waited_for:
            self._succeeded.append(run)
            self._spread()

    def _ask_arguments(self, run: NodeRun) -> None:
        self.finished[run.name] = [run]  # it is, whatever comes of the question, and nothing else can be yet
        self._ask(do.AskArguments(self._next_question(), run))

    def _on_arguments(self, event: on.ArgumentsAnswered) -> None:
        question: do.AskArguments | None = self._answered(event.question, do.AskArguments)
        if question is None:
            return
        self.args = event.args
        del self.finished[question.run.name]
        self._succeeded.append(question.run)
        self._spread()

    def _on_question_deferred(self, event: on.QuestionDeferred) -> None:
        question = self._open(event.question)
        if question is None:
            return
        deferrals = self._deferrals[event.question] = self._deferrals.get(event.question, 0) + 1
        delay = max(self.table.flow.retry_countdown, LEAST_DEFERRAL)
        self._effects.append(do.AskAgain(question, delay, deferrals))

    def _on_question_failed(self, event: on.QuestionFailed) -> None:
        if self._answered(event.question, object) is not None:
            self._fail_attempt(event.reason)

    # -- fallbacks --------------------------------------------------------------------------------------------

    def _ask_fallback_conditions(self) -> None:
        """Begin the fallback step: conditions of entries that may apply are asked for once per step.

        They see arguments and environment only, so asking before the step is the same as asking within it.
        """
        groups = applicable_groups(self.table, self.unhandled)
        asked = [entry for group in groups for entry in group.entries if entry.condition is not None]
        self._fallback_answers = {}
        for entry in asked:
            self._ask(do.AskFallbackCondition(self._next_question(), entry, self.args))
        if not asked:
            self._run_fallbacks()

    def _run_fallbacks(self) -> None:
        """Handle failed runs by the entries that apply, largest sets first (rule 5)."""
        answers = self._fallback_answers
        handled_any = False
        for group in applicable_groups(self.table, self.unhandled):
            holding = [e for e in group.entries if e.condition is None or answers.get(e.index)]
            while holding and all(name in self.unhandled for name in group.nodes):
                self._handle(group, holding)
                handled_any = True
        if not handled_any:
            names = ", ".join(sorted(self.unhandled))
            self._fail_attempt(f"no fallback applies to the failed nodes: {names}")

    def _handle(self, group: FailureGroup, entries: list[FailurePlan]) -> None:
        flow = self.table.flow
        handled = []
        for name in group.nodes:
            runs = self.unhandled[name]
            handled.append(runs.pop(0))
            self._also_started.add(name)
            if not runs:
                del self.unhandled[name]
        failures = failures_of(flow, handled)
        inherited = merged_failures(handled)
        if inherited:
            failures = {**inherited, **failures}
        parent, numbers = merged_parents(flow, handled, self.start.parent)
        if any(entry.propagate_failure for entry in entries):
            self._handled_for_failure.extend(handled)
        for entry in entries:
            started = []
            for name in entry.fallback:
                destination = self.table.destinations[name]
                args = self.args if destination.takes_args else None
                given = failures if destination.takes_failures else None
                run = self._new_run(destination, None, tuple(handled), args, given)
                run.parent = parent if destination.takes_parent else {}
                run.parent_numbers = numbers
                started.append(run)
            self._pass_failures = self._pass_failures or bool(failures and started)
            details = {"failure": entry.index, "handled": handled, "started": started}
            self._effects.append(do.Note("FALLBACK_START", details))
            for run in started:
                self._launch(run, copied(run.parent or {}), None)


_HANDLERS: dict[type[Any], Callable[[FlowRun, Any], None]] = {
    on.FlowStarted: FlowRun._on_started,
    on.NodeSucceeded: FlowRun._on_node_succeeded,
    on.NodeFailed: FlowRun._on_node_failed,
    on.ConditionAnswered: FlowRun._on_condition,
    on.ForeachAnswered: FlowRun._on_foreach,
    on.ReuseAnswered: FlowRun._on_reuse,
    on.ArgumentsAnswered: FlowRun._on_arguments,
    on.QuestionDeferred: FlowRun._on_question_deferred,
    on.QuestionFailed: FlowRun._on_question_failed,
    on.RetryDue: FlowRun._on_retry_due,
    on.DeadlinePassed: FlowRun._on_deadline,
    on.FlowCancelled: FlowRun._on_cancelled,
    on.Migrated: FlowRun._on_migrated,
}
