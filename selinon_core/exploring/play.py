"""One run of the dispatch machine in one environment: the driver of an exploration.

Completions are taken first in, first out: their order changes nothing (rule 8 of the machine), except before a
*stop*, the failure of an eager node or the time-out of the flow. What matters for a stop is which node runs have
ended by then. So an attempt that is to be stopped decides so in advance, and each of its node runs may be *late*:
it does not end before the stop. That gives every set of node runs that can have ended, once.

Questions are answered at once, the oldest first, as drivers do.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from selinon_core.dispatch import FlowRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.dispatch.selective import SelectiveRun
from selinon_core.exploring.conditions import Program
from selinon_core.exploring.environment import FAILS, LATE, SUCCEEDS, Environment
from selinon_core.exploring.flow_programs import FlowPrograms
from selinon_core.exploring.goals import Goal
from selinon_core.exploring.limits import Limits
from selinon_core.exploring.observation import Observation, PlayEnded

#: The arguments of the flow under exploration.
ARGUMENTS = "<arguments>"
#: The variable of the worlds of these arguments.
GIVEN = (ARGUMENTS,)
_IDS = tuple(map(str, range(256)))


def _id(number: int) -> str:
    return _IDS[number] if number < 256 else str(number)


class Play:
    """One flow run.

    After ``run``: ``outcome``, the node runs ``started``, their ``visits`` by number, ``bits`` of goals and
    vectors, ``observed``: how sub-flows ended, by number, and ``inner``: the runs of sub-flows that were run
    inside. ``fired_sources`` and ``refused_sources``: the node runs for which an edge fired, and for which a
    condition said no. ``states``: abstract states with the cost so far, for flows with cycles. ``depth`` counts
    the flows above. The class is long because each method is a step of the run, on the same state.
    """

    __slots__ = (
        "answers",
        "args_variable",
        "bits",
        "counts",
        "depth",
        "env",
        "fired_sources",
        "generations",
        "given",
        "inner",
        "is_order_seen",
        "is_stopped",
        "late",
        "limits",
        "machine",
        "mode",
        "model",
        "most_failures",
        "observed",
        "phase",
        "phases",
        "programs",
        "queue",
        "refused_sources",
        "selective",
        "started",
        "states",
        "stopper",
        "visits",
    )

    def __init__(
        self,
        programs: FlowPrograms,
        env: Environment,
        limits: Limits,
        has_args: bool = True,
        selective: SelectiveRun | None = None,
        depth: int = 0,
    ) -> None:
        model = programs.model
        self.depth = depth
        self.is_order_seen = False
        self.programs = programs
        self.model = model
        self.env = env
        self.limits = limits
        self.most_failures = 1_000_000 if limits.failures is None else limits.failures
        self.machine = FlowRun(model.table, _id, model.on_unreached)
        self.selective = selective
        self.given: Any = GIVEN if has_args else None
        self.args_variable: Any = self.given
        self.queue: deque[NodeRun] = deque()
        self.late: list[NodeRun] = []
        self.stopper: NodeRun | None = None
        self.mode = ""
        self.is_stopped = False
        self.phase = 0
        self.bits = 0
        self.counts: dict[str, int] = {}
        self.visits: dict[int, int] = {}
        self.started: list[NodeRun] = []
        self.observed: dict[int, Observation] = {}
        self.inner: dict[int, Any] = {}
        self.phases: dict[int, int] = {}
        self.generations: dict[int, dict[str, int]] = {}
        self.answers: dict[Any, int] = {}
        self.fired_sources: set[int] = set()
        self.refused_sources: set[int] = set()
        self.states: list[tuple[Any, int]] | None = [] if programs.has_states else None

    @property
    def outcome(self) -> FlowOutcome:
        """How the run ended."""
        assert self.machine.outcome is not None
        return self.machine.outcome

    def run(self) -> None:
        """Run to the end; raises ``PlayEnded``."""
        machine = self.machine
        self._begin_attempt()
        args = None if self.given is None else ARGUMENTS
        self._take(machine.advance(on.FlowStarted(args, selective=self.selective)))
        while machine.phase != "ended":
            if self.states is not None:
                self.states.append((self._state(), self.env.cost))
            if machine.phase == "waiting":
                self._retry()
            elif self.limits.all_orders:
                self._end_any()
            elif self.queue:
                self._end(self.queue.popleft())
            else:
                self._stop()
        if self.mode and not self.is_stopped:
            raise PlayEnded("redundant")
        for index in machine.fired:
            self.bits |= self.model.fired_bits[index]
        if self.model.flow.max_retry and machine.attempt > 1:
            kind: Any = "retry_helped" if self.outcome.succeeded else "retry_gave_up"
            self.bits |= self.model.bits[Goal(kind)]

    # -- attempts of the flow -----------------------------------------------------------------------------------

    def _begin_attempt(self) -> None:
        """Decide how the attempt ends: by itself, by an eager failure or by the time-out."""
        self.queue.clear()
        self.late.clear()
        self.stopper = None
        self.is_stopped = False
        self.args_variable = self.given
        model = self.model
        modes = [""]
        if not self.limits.all_orders and self.env.cost < self.most_failures:
            if model.eager:
                modes.append("eager")
            if model.flow.timeout is not None:
                modes.append("deadline")
        self.mode = modes[self.env.tape.choose(len(modes))]
        if self.mode == "deadline":  # counted now: failures before it must leave room for it
            self.env.cost += 1

    def _retry(self) -> None:
        if self.mode and not self.is_stopped:
            raise PlayEnded("redundant")
        if self.model.flow.timeout is not None and self.env.cost < self.most_failures and self.env.tape.choose(2):
            self._time_out()
            return
        self._begin_attempt()
        self._take(self.machine.advance(on.RetryDue()))

    def _stop(self) -> None:
        """Every node run that is not late has ended: now the attempt is stopped."""
        if self.stopper is not None:
            self.is_stopped = True
            self._take(self.machine.advance(on.NodeFailed(self.stopper.number)))
        elif self.mode == "deadline" and self.late:
            self._time_out()
        else:
            raise PlayEnded("redundant")

    def _time_out(self) -> None:
        if self.mode != "deadline":
            self.env.cost += 1
        self.is_stopped = True
        self.bits |= self.model.bits[Goal("timed_out")]
        self._take(self.machine.advance(on.DeadlinePassed()))

    # -- ends of node runs --------------------------------------------------------------------------------------

    def _end_any(self) -> None:
        """End any of the active node runs, or let the time-out pass: all orders are tried."""
        may_time_out = self.model.flow.timeout is not None and self.env.cost < self.most_failures
        chosen = self.env.tape.choose(len(self.queue) + may_time_out)
        if chosen == len(self.queue):
            self._time_out()
            return
        node = self.queue[chosen]
        del self.queue[chosen]
        self._end(node)

    def _end(self, node: NodeRun) -> None:
        visit = (node.name, self.visits[node.number])
        end = self.env.ends.get(visit)
        if end is None:
            end = self._choose_end(node)
            if end is None:
                return
            self.env.ends[visit] = end
            if end == FAILS or (end.__class__ is Observation and not end.succeeded):
                self._count_failure(node, visit)
        if end.__class__ is Observation:
            self.observed[node.number] = end
            succeeded, outcome = end.succeeded, self.programs.outcome_of(node, end)
        else:
            succeeded, outcome = end == SUCCEEDS, None
        if succeeded:
            self._take(self.machine.advance(on.NodeSucceeded(node.number, outcome)))
            return
        if node.is_flow:
            self.bits |= self.model.bits[Goal("subflow_failed", node.name)]
        if node.name in self.model.eager:
            self.bits |= self.model.bits[Goal("eager_failure", node.name)]
            if self.mode == "eager":
                self.stopper = node
                return
        self._take(self.machine.advance(on.NodeFailed(node.number, outcome)))

    def _count_failure(self, node: NodeRun, visit: tuple[str, int]) -> None:
        env = self.env
        env.failures.append(visit)
        if not node.is_flow:
            env.cost += 1

    def _choose_end(self, node: NodeRun) -> Any:
        """How a node run ends: a number or an observation; None when it is late."""
        is_eager = node.name in self.model.eager
        # An eager failure that is not the stop has no place: the attempt would have ended with it.
        may_fail = not is_eager or self.limits.all_orders or (self.mode == "eager" and self.stopper is None)
        may_fail = may_fail and node.name not in self.limits.infallible
        may_be_late = bool(self.mode)
        if node.is_flow:
            return self._choose_observation(node, may_fail, may_be_late)
        ends = [SUCCEEDS]
        if may_fail:
            if self.env.cost < self.most_failures:
                ends.append(FAILS)
            else:
                self.programs.is_cut_by_failures = True
        if may_be_late:
            ends.append(LATE)
        end = ends[self.env.tape.choose(len(ends))]
        if end == LATE:
            self.late.append(node)
            return None
        return end

    def _choose_observation(self, node: NodeRun, may_fail: bool, may_be_late: bool) -> Observation | None:
        if self.limits.inline:
            return self._run_inside(node, may_fail, may_be_late)
        known = self.programs.ends_of(node, self.selective)
        if not known:
            raise PlayEnded("blocked", node.name)
        left = self.most_failures - self.env.cost
        possible = [(seen, cost) for seen, cost in known if seen.succeeded or may_fail]
        within = [(seen, cost) for seen, cost in possible if cost <= left]
        if len(within) < len(possible):
            self.programs.is_cut_by_failures = True
        chosen = self.env.tape.choose(len(within) + may_be_late) if within or may_be_late else None
        if chosen is None:
            raise PlayEnded("failures" if possible else "redundant")
        if chosen == len(within):
            self.late.append(node)
            return None
        seen, cost = within[chosen]
        self.env.cost += cost
        return seen

    def _run_inside(self, node: NodeRun, may_fail: bool, may_be_late: bool) -> Observation | None:
        if may_be_late and self.env.tape.choose(2):
            self.late.append(node)
            return None
        inner, seen = self.programs.summaries.run_inside(self, node)
        if not seen.succeeded and not may_fail:
            raise PlayEnded("redundant")
        self.inner[node.number] = inner
        return seen

    # -- effects ------------------------------------------------------------------------------------------------

    def _take(self, effects: list[do.Effect]) -> None:
        """Perform effects; questions are answered before anything else happens."""
        machine = self.machine
        questions: list[do.Question] = []
        at = 0
        while True:
            for effect in effects:
                kind = effect.__class__
                if kind is do.StartTask or kind is do.StartFlow:
                    self._started(effect.node_run)  # type: ignore[union-attr]
                elif kind is do.TraceNote:
                    self._noted(effect)  # type: ignore[arg-type]
                elif kind is do.ReuseNode:
                    self._visited(effect.node_run)  # type: ignore[union-attr]
                elif kind not in _PASSIVE:
                    questions.append(effect)  # type: ignore[arg-type]
            if at == len(questions):
                return
            question = questions[at]
            at += 1
            effects = machine.advance(self._answer(question))

    def _visited(self, node: NodeRun) -> None:
        name = node.name
        self.visits[node.number] = self.counts[name] = self.counts.get(name, 0) + 1
        self.started.append(node)

    def _started(self, node: NodeRun) -> None:
        model, name = self.model, node.name
        self.bits |= model.node_bits[name]
        self._visited(node)
        if node.edge is not None and model.has_conditions:
            self.fired_sources.update(source.number for source in node.sources)
        if not model.table.destinations[name].waited_for:
            self.bits |= model.bits[Goal("nowait_started", name)]
            return
        if len(self.started) > self.limits.node_runs:
            raise PlayEnded("node_runs", name)
        if model.cyclic:
            self._count_generation(node)
        if model.reads_last:
            self.phases[node.number] = self.phase
        self.queue.append(node)

    def _count_generation(self, node: NodeRun) -> None:
        """Count how many runs of the same node are behind each other; too many cut the run."""
        merged: dict[str, int] = {}
        for source in node.sources:
            for name, count in self.generations.get(source.number, {}).items():
                if count > merged.get(name, 0):
                    merged[name] = count
        if node.name in self.model.cyclic:
            merged[node.name] = merged.get(node.name, 0) + 1
            if merged[node.name] > self.limits.visits:
                if self.states is not None:
                    self.states.append((self._state(node), self.env.cost))
                raise PlayEnded("visits", node.name)
        self.generations[node.number] = merged

    def _noted(self, note: do.TraceNote) -> None:
        if note.event == "FALLBACK_START":
            self.bits |= self.model.bits[Goal("fallback_used", note.details["failure"])]
            self.phase += 1

    # -- questions ----------------------------------------------------------------------------------------------

    def _answer(self, question: do.Question) -> on.Event:
        number, kind = question.question, question.__class__
        if kind is do.AskCondition:
            return on.ConditionAnswered(number, self._edge_holds(question))  # type: ignore[arg-type]
        if kind is do.AskForeach:
            return on.ForeachAnswered(number, self._items(question))  # type: ignore[arg-type]
        if kind is do.AskFallbackCondition:
            index = question.failure.index  # type: ignore[union-attr]
            program = self.programs.fallbacks[index]
            value = self._evaluate(program, (), index, ("fallback_atom_true", "fallback_atom_false"))
            self.bits |= self.model.bits[Goal("fallback_true" if value else "fallback_false", index)]
            return on.ConditionAnswered(number, value)
        if kind is do.AskArguments:
            node = question.node_run  # type: ignore[union-attr]
            self.args_variable = (node.name, self.visits[node.number])
            return on.ArgumentsAnswered(number, ["result of", *self.args_variable])
        name = question.name  # type: ignore[union-attr]
        if self.model.project.plan.tasks[name].selective_run_function is None:
            return on.ReuseAnswered(number, None)
        reused = self.env.is_reused((name, self.counts.get(name, 0) + 1))
        return on.ReuseAnswered(number, f"earlier {name}" if reused else None)

    def _edge_holds(self, question: do.AskCondition) -> bool:
        index = question.edge.index
        value = self._evaluate(self.programs.edges[index], question.sources, index, ("atom_true", "atom_false"))
        if not value:
            self.bits |= self.programs.no_bits[index]
            self.refused_sources.update(source.number for source in question.sources)
        return value

    def _evaluate(self, program: Program, sources: Any, index: int, kinds: tuple[Any, Any]) -> bool:
        truths: list[bool | None] = [None] * program.leaves
        value = program.run(self, sources, truths)
        self.bits |= self.programs.atom_bits(index, kinds, tuple(truths))
        return value

    def _items(self, question: do.AskForeach) -> list[Any]:
        edge = question.edge
        assert edge.foreach is not None
        function = str(edge.foreach.function)
        call = self.answers[function] = self.answers.get(function, 0) + 1
        count = self.env.items_of((function, call), self.limits.items)
        kind: Any = "foreach_none" if not count else "foreach_one" if count == 1 else "foreach_many"
        self.bits |= self.model.bits[Goal(kind, edge.index)]
        return [["item", function, call, position] for position in range(count)]

    # -- abstract states ----------------------------------------------------------------------------------------

    def _state(self, next_node: NodeRun | None = None) -> Any:
        """What the rest of the run depends on, apart from choices to come."""
        current, masks = self.machine.current, self.env.masks
        active = sorted(node.name for node in self.machine.active)
        if next_node is not None and next_node.number not in current.active:
            active.append(next_node.name)
        finished = []
        for name in self.model.join_sources:
            for run in current.finished.get(name, ()):
                seen = self.observed.get(run.number)
                finished.append((name, masks.get((name, self.visits[run.number]), -1), seen))
        return (
            self.machine.phase,
            self.machine.attempt,
            self.mode,
            None if self.stopper is None else self.stopper.name,
            tuple(active),
            tuple(sorted(node.name for node in self.late)),
            tuple(sorted((name, len(runs)) for name, runs in current.unhandled.items())),
            tuple(sorted(finished, key=repr)),
            bool(current.handled_for_failure),
        )


_PASSIVE = (do.ScheduleRetry, do.FinishFlow, do.CancelFlows, do.AskAgain)
