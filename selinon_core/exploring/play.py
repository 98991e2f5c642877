"""One run of the dispatch machine in one environment: the driver of an exploration.

Completions are taken first in, first out: their order changes nothing (rule 8 of the machine), except before a
*stop*: the failure of an eager node, the time-out of the flow, a cancel. What matters for a stop is which node
runs have ended by then. So an attempt that is to be stopped decides so in advance, and each of its node runs may
be *late*: it does not end before the stop. That gives every set of node runs that can have ended, once.

Questions are answered at once, the oldest first, as drivers do.
"""

from __future__ import annotations

from typing import Any

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.exploring.answers import answer
from selinon_core.exploring.ends import choose_end
from selinon_core.exploring.environment import FAILS, SUCCEEDS
from selinon_core.exploring.observation import Observation, PlayEnded
from selinon_core.exploring.play_state import ARGUMENTS, STOP, PlayState, abstract_state

_STARTS = frozenset({do.StartTask, do.StartFlow})
_PASSIVE = frozenset({do.ScheduleRetry, do.FinishFlow, do.CancelFlows, do.AskAgain})


class Play(PlayState):
    """One flow run, played to its end."""

    __slots__ = ()

    def run(self) -> None:
        """Run to the end; raises ``PlayEnded``."""
        machine = self.machine
        self._begin_attempt()
        args = None if self.given is None else ARGUMENTS
        self._take(machine.advance(on.FlowStarted(args, selective=self.selective)))
        while machine.phase != "ended":
            if self.states is not None:
                self.states.append((abstract_state(self), self.env.cost))
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
        if self.model.flow.max_retry and machine.attempt > 1 and self.cancelled_at is None:
            kind: Any = "retry_helped" if self.outcome.succeeded else "retry_gave_up"
            self.bits |= self.model.bits[kind, "", None]

    # -- attempts of the flow -----------------------------------------------------------------------------------

    def _begin_attempt(self) -> None:
        """Decide how the attempt ends: by itself, by an eager failure, by the time-out or by a cancel."""
        self.queue.clear()
        self.late.clear()
        self.stopper = None
        self.is_stopped = False
        self.args_variable = self.given
        model = self.model
        modes = [""]
        if not self.limits.all_orders:
            stops = ["eager"] if model.eager else []
            if model.flow.timeout is not None:
                stops.append("deadline")
            if self.env.cost < self.most_failures:
                modes.extend(stops)
            elif stops:
                self.programs.is_cut_by_failures = True
        if self._may_be_cancelled and not self.limits.all_orders:
            modes.append("cancel")
        self.mode = modes[self.env.tape.choose(len(modes))]
        if self.mode == "deadline":  # counted now: failures before it must leave room for it
            self.env.cost += 1

    def _retry(self) -> None:
        if self.mode and not self.is_stopped:
            raise PlayEnded("redundant")
        flow = self.model.flow
        stops = [self._time_out] if flow.timeout is not None and self.env.cost < self.most_failures else []
        if self._may_be_cancelled and flow.retry_countdown:
            stops.append(self._cancel_while_waiting)
        chosen = self.env.tape.choose(len(stops) + 1) if stops else 0
        if chosen:
            stops[chosen - 1]()
            return
        self.clock += flow.retry_countdown
        self._begin_attempt()
        self._take(self.machine.advance(on.RetryDue()))

    def _stop(self) -> None:
        """Every node run that is not late has ended: now the attempt is stopped."""
        if self.stopper is not None:
            self.is_stopped = True
            self.clock += STOP
            self._take(self.machine.advance(on.NodeFailed(self.stopper.number)))
        elif self.mode == "deadline" and self.late:
            self._time_out()
        elif self.mode == "cancel" and self.late:
            timeout = self.model.flow.timeout
            self._cancel(STOP if timeout is None or timeout > STOP else timeout / 2)
        else:
            raise PlayEnded("redundant")

    @property
    def _may_be_cancelled(self) -> bool:
        """A sub-flow is cancelled only with the flow that it is in."""
        return self.limits.cancel and not self.depth

    def _cancel(self, after: float) -> None:
        self.is_stopped = True
        self.cancelled_at = self.clock + after
        self._take(self.machine.advance(on.FlowCancelled()))

    def _cancel_while_waiting(self) -> None:
        self._cancel(self.model.flow.retry_countdown / 2)

    def _time_out(self) -> None:
        if self.mode != "deadline":
            self.env.cost += 1
        self.is_stopped = True
        self.bits |= self.model.bits["timed_out", "", None]
        self._take(self.machine.advance(on.DeadlinePassed()))

    # -- ends of node runs --------------------------------------------------------------------------------------

    def _end_any(self) -> None:
        """End any of the active node runs, or stop the flow run: all orders are tried."""
        may_time_out = self.model.flow.timeout is not None and self.env.cost < self.most_failures
        chosen = self.env.tape.choose(len(self.queue) + may_time_out + self._may_be_cancelled)
        if chosen >= len(self.queue):
            self.late.extend(self.queue)
            if may_time_out and chosen == len(self.queue):
                self._time_out()
            else:
                self._cancel(STOP)
            return
        node = self.queue[chosen]
        del self.queue[chosen]
        self._end(node)

    def _end(self, node: NodeRun) -> None:
        visit = (node.name, self.visits[node.number])
        end = self.env.ends.get(visit)
        if end is None:
            end = choose_end(self, node)
            if end is None:
                return
            self.env.ends[visit] = end
            if end == FAILS or (end.__class__ is Observation and not end.succeeded):
                self._count_failure(node, visit)
        if end == SUCCEEDS:
            self._take(self.machine.advance(on.NodeSucceeded(node.number)))
            return
        outcome = None
        if end.__class__ is Observation:
            self.observed[node.number] = end
            outcome = self.programs.outcome_of(node, end)
            if end.succeeded:
                self._take(self.machine.advance(on.NodeSucceeded(node.number, outcome)))
                return
        if node.is_flow:
            self.bits |= self.model.bits["subflow_failed", node.name, None]
        if node.name in self.model.eager:
            self.bits |= self.model.bits["eager_failure", node.name, None]
            if self.mode == "eager":
                self.stopper = node
                return
        self._take(self.machine.advance(on.NodeFailed(node.number, outcome)))

    def _count_failure(self, node: NodeRun, visit: tuple[str, int]) -> None:
        env = self.env
        env.failures.append(visit)
        if not node.is_flow:
            env.cost += 1

    # -- effects ------------------------------------------------------------------------------------------------

    def _take(self, effects: list[do.Effect]) -> None:
        """Perform effects; questions are answered before anything else happens."""
        machine = self.machine
        questions: list[do.Question] = []
        at = 0
        while True:
            for effect in effects:
                kind = effect.__class__
                if kind in _STARTS:
                    self._started(effect.node_run)  # type: ignore[union-attr]
                elif kind in _PASSIVE:
                    continue
                elif kind is do.TraceNote:
                    self._noted(effect)  # type: ignore[arg-type]
                elif kind is do.ReuseNode or kind is do.FailNode:
                    self._visited(effect.node_run)  # type: ignore[union-attr]
                else:
                    questions.append(effect)  # type: ignore[arg-type]
            if at == len(questions):
                return
            question = questions[at]
            at += 1
            effects = machine.advance(answer(self, question))

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
            self.bits |= model.bits["nowait_started", name, None]
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
                    self.states.append((abstract_state(self, node), self.env.cost))
                raise PlayEnded("visits", node.name)
        self.generations[node.number] = merged

    def _noted(self, note: do.TraceNote) -> None:
        if note.event == "FALLBACK_START":
            self.bits |= self.model.bits["fallback_used", note.details["failure"], None]
            self.phase += 1
