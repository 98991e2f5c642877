"""One recorded flow run fed to a machine with the new flow: completions and answers go in, effects are compared.

The events after a completion record its consequences, in no particular order. So the effects of the machine and
the recorded events are collected; both sets have to be equal when the next completion comes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.flow_index import FlowIndex
from selinon_core.dispatch.machine import FlowRun
from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.dispatch.rules.migration import moved_selection
from selinon_core.dispatch.selective import SelectiveRun
from selinon_core.errors import UnexpectedEvent
from selinon_core.migrations.describe import edge_text
from selinon_core.migrations.recorded_arguments import RecordedArguments
from selinon_core.plan import EdgePlan, FlowPlan
from selinon_core.plan.flow_diff import MigrationStep, ends, follow

Details = Mapping[str, Any]


class ReplayMismatch(Exception):
    """Raised when the new flow does not do what was recorded; ``places`` are in the YAML files."""

    def __init__(self, message: str, *places: object) -> None:
        super().__init__(message)
        self.places = tuple(str(place) for place in places)


class Replay:
    """``was`` is the flow that the run was recorded with, ``steps`` map its edges to those of ``table``."""

    def __init__(self, table: FlowIndex, was: FlowPlan, steps: Sequence[MigrationStep], on_unreached: str) -> None:
        self._machine = FlowRun(table, str, on_unreached)
        self._table = table
        self._was = was
        self._steps = tuple(steps)
        self._started: list[NodeRun] = []  # by the machine, not yet seen in the record
        self._scheduled: list[tuple[str, EdgePlan | None, Details]] = []  # in the record, not yet by the machine
        self._ids: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._deferred: set[int] = set()
        self._arguments = RecordedArguments(was, steps)
        self._retry_due = False
        self._retry_recorded = False
        #: The start of the run, until the next event says whether it runs another one again.
        self._begins: on.FlowStarted | None = None

    def take(self, event: str, details: Details) -> None:
        """Take the next recorded event; raises ``ReplayMismatch``."""
        handler = _HANDLERS.get(event)
        if handler is not None:
            try:
                if self._begins is not None and event != _RERUN:
                    self._begin(None)
                if self._retry_recorded and event not in _BETWEEN_ATTEMPTS:
                    self._begin_attempt()
                handler(self, details)
            except UnexpectedEvent as error:
                raise ReplayMismatch(f"the new flow does not get here: {error}", self._table.flow.place) from error

    def _feed(self, event: on.Event) -> None:
        for effect in self._machine.advance(event):
            if isinstance(effect, (do.StartTask, do.StartFlow)):
                self._started.append(effect.node_run)
            elif isinstance(effect, do.AskFirstResult):
                self._feed(on.FirstResultAnswered(effect.question, None))
            elif isinstance(effect, do.AskArgs) and not self._arguments.has(effect.entry):
                self._feed(on.ArgsAnswered(effect.question, [[0, None]] * len(effect.positions)))
            elif isinstance(effect, do.ScheduleRetry):
                self._retry_due = True
            elif isinstance(effect, do.ReuseNode):
                self._names[effect.node_run.number] = effect.node_run.id
        self._match()

    def _match(self) -> None:
        """Pair what was started with what was recorded: by node, edge and parents, else by node and edge."""
        for strict in (True, False):
            for name, edge, details in list(self._scheduled):
                index = None if edge is None else edge.index
                for run in self._started:
                    if run.name != name or run.edge != index or (strict and not self._same_parent(run, details)):
                        continue
                    id = details.get("task_id") or details.get("child_dispatcher_id") or details.get("node_id")
                    self._ids[str(id)] = run.number
                    self._names[run.number] = str(id)
                    self._started.remove(run)
                    self._scheduled.remove((name, edge, details))
                    break

    def _same_parent(self, run: NodeRun, details: Details) -> bool:
        parent = details.get("parent") or {}
        return all(parent.get(s.name, self._names.get(s.number)) == self._names.get(s.number) for s in run.sources)

    def _ids_of(self, runs: Sequence[NodeRun]) -> dict[str, str | None]:
        return {run.name: self._names.get(run.number) for run in runs}

    def _settled(self) -> None:
        """Everything that followed from the last completion was recorded, and nothing else was."""
        if self._scheduled:
            name, edge, _ = self._scheduled[0]
            how = "as a fallback" if edge is None else f"by {edge_text(edge)}"
            place = self._table.flow.place if edge is None else edge.place
            raise ReplayMismatch(f"{name} was started {how}, which the new flow does not do", place)
        if self._started:
            run = self._started[0]
            if run.edge is None:
                raise ReplayMismatch(f"the new flow starts {run.name} as a fallback", self._table.flow.place)
            edge = self._table.rows[run.edge].edge
            raise ReplayMismatch(f"the new flow starts {run.name} by {edge_text(edge)}", edge.place)
        for question in self._machine.open_questions:
            if question.question in self._deferred or isinstance(question, (do.AskFirstResult, do.AskOutput)):
                continue
            raise _unexpected(question, self._table.flow)

    # -- events -------------------------------------------------------------------------------------------------

    def _flow_started(self, details: Details) -> None:
        if self._machine.phase != "new":
            return  # of a later attempt, which has begun in the machine
        selective = details.get("selective")
        chosen = None if selective is None else SelectiveRun.from_json(selective)
        if chosen is not None:
            chosen = moved_selection(chosen, self._steps, self._was, self._table)
        self._begins = on.FlowStarted(details.get("node_args"), details.get("parent"), None, chosen)

    def _begin(self, rerun_of: str | None) -> None:
        begins, self._begins = self._begins, None
        if begins is not None:
            begins.rerun = rerun_of
            self._feed(begins)

    def _node_scheduled(self, details: Details) -> None:
        name = str(details.get("task_name") or details.get("child_flow_name"))
        edge = self._edge(details) if "edge" in details else None
        self._scheduled.append((name, edge, details))
        asked = None if edge is None else self._asked_about(name, edge, details)
        if asked is None:
            self._match()
        else:  # of a rerun: this node runs
            self._feed(on.ReuseAnswered(asked.question, None))

    def _asked_about(self, name: str, edge: EdgePlan | None, details: Details) -> do.AskRecorded | None:
        """The first question of a rerun about a node, of this edge and these parents if there is one."""
        about = [q for q in self._machine.open_questions if isinstance(q, do.AskRecorded)]
        about = [q for q in about if q.node_run.name == name and (edge is None or q.node_run.edge == edge.index)]
        return next((q for q in about if self._same_parent(q.node_run, details)), about[0] if about else None)

    def _reused(self, details: Details) -> None:
        """A node of a rerun was reused. In selective runs the answer before says the same."""
        if self._machine.phase == "new" or self._machine.start.rerun is None:
            return
        name, id = str(details.get("task_name")), str(details.get("task_id"))
        asked = self._asked_about(name, None, {})
        if asked is None:
            raise ReplayMismatch(f"{name} was reused, which the new flow does not start", self._table.flow.place)
        outcome = FlowOutcome(True, {}, {}, [], {}) if asked.node_run.is_flow else None
        self._feed(on.ReuseAnswered(asked.question, id, outcome))

    def _edge(self, details: Details) -> EdgePlan:
        recorded = edge_recorded(details, self._was)
        index = None if recorded is None else follow(self._steps, recorded)
        if index is None:
            sources, to = (", ".join(details.get(key, ())) for key in ("nodes_from", "nodes_to"))
            raise ReplayMismatch(
                f"there is no edge {sources or 'start'} -> {to} in the new flow", details.get("where", "")
            )
        return self._table.rows[index].edge

    def _node_ended(self, details: Details, event: Callable[[int], on.Event]) -> None:
        if details.get("refused"):
            return  # it was not started: the machine knows from its arguments
        self._settled()
        number = self._ids.get(str(details.get("node_id")))
        if number is not None:
            self._feed(event(number))

    def _condition(self, details: Details, value: bool) -> None:
        edge = self._edge(details)
        parent = details.get("parent") or {}
        for question in self._machine.open_questions:
            if not isinstance(question, do.AskCondition) or question.edge.index != edge.index:
                continue
            if self._ids_of(question.sources) == parent:
                self._feed(on.ConditionAnswered(question.question, value))
                return
        raise ReplayMismatch(
            f"the condition of {edge_text(edge)} was asked, which the new flow does not do", edge.place
        )

    def _foreach(self, details: Details) -> None:
        edge = self._edge(details)
        for question in self._machine.open_questions:
            if isinstance(question, do.AskForeach) and question.edge.index == edge.index:
                items = details.get("result") or [None] * int(details.get("count") or 0)
                self._feed(on.ForeachAnswered(question.question, items))
                return
        raise ReplayMismatch(
            f"the foreach of {edge_text(edge)} was called, which the new flow does not do", edge.place
        )

    def _fallback_condition(self, details: Details, value: bool) -> None:
        fallback = details.get("fallback")
        for question in self._machine.open_questions:
            if isinstance(question, do.AskFallbackCondition) and (
                list(question.failure.nodes) == details.get("nodes")
                and (list(question.failure.fallback) or True) == fallback
            ):
                self._feed(on.ConditionAnswered(question.question, value))
                return
        raise ReplayMismatch(
            "the condition of a fallback was asked that the new flow does not have", details.get("where")
        )

    def _args(self, details: Details) -> None:
        for question in self._machine.open_questions:
            if isinstance(question, do.AskArgs) and self._ids_of(question.sources) == (
                details.get("parent") or {}
            ):
                given = self._arguments.taken(question, details)
                if given is not None:
                    self._feed(on.ArgsAnswered(question.question, given))
                    return

    def _reuse(self, details: Details) -> None:
        for question in self._machine.open_questions:
            if not isinstance(question, do.AskReuse) or question.name != details.get("node_name"):
                continue
            if self._ids_of(question.sources) == (details.get("parent") or {}):
                self._feed(on.ReuseAnswered(question.question, details.get("result")))
                return
        raise ReplayMismatch(f"{details.get('node_name')} was asked about, which the new flow does not do")

    def _deferral(self, details: Details) -> None:
        if "edge" in details:
            edge = self._edge(details)
            self._deferred.update(
                q.question
                for q in self._machine.open_questions
                if (isinstance(q, (do.AskCondition, do.AskForeach)) and q.edge.index == edge.index)
                or (isinstance(q, do.AskArgs) and q.entry is edge)
            )

    def _retry(self, details: Details) -> None:
        if not self._retry_due:
            raise ReplayMismatch(
                "the run was started again, which the new flow does not do", self._table.flow.place
            )
        self._settled()
        self._retry_due = False
        self._retry_recorded = True

    def _begin_attempt(self) -> None:
        """The next attempt begins: after its countdown, in which node runs of the one before may still end."""
        self._retry_recorded = False
        self._feed(on.RetryDue())

    def _ended_well(self, details: Details) -> None:
        self._settled()
        for question in self._machine.open_questions:
            if isinstance(question, do.AskOutput):
                self._feed(on.OutputAnswered(question.question, None))
        outcome = self._machine.outcome
        if outcome is None or not outcome.succeeded:
            raise ReplayMismatch("the flow had succeeded here, which the new one has not", self._table.flow.place)

    def _ended_badly(self, details: Details) -> None:
        machine = self._machine
        if not machine.ended and "timeout" in str(details.get("reason")):
            self._feed(on.DeadlinePassed())
        elif not machine.ended and not self._retry_due and machine.open_questions:
            self._feed(on.QuestionFailed(machine.open_questions[0].question, str(details.get("reason"))))
        self._settled()
        if self._retry_due != bool(details.get("will_retry")) or (machine.outcome and machine.outcome.succeeded):
            raise ReplayMismatch("the flow had failed here, which the new one has not", self._table.flow.place)

    def _reopened(self, details: Details) -> None:
        numbers = [self._ids.get(str(node.get("id"))) for node in details.get("retried") or ()]
        self._feed(on.Reopened([number for number in numbers if number is not None]))


def _unexpected(question: do.Question, flow: FlowPlan) -> ReplayMismatch:
    """The new flow asks something to which nothing recorded is the answer."""
    if isinstance(question, do.AskRecorded):
        name = question.node_run.name
        return ReplayMismatch(f"the new flow starts {name}, and nothing says whether it was reused", flow.place)
    if isinstance(question, do.AskFallbackCondition):
        return ReplayMismatch("the new flow asks the condition of a fallback", question.failure.place)
    if isinstance(question, do.AskArgs):
        names = ", ".join(question.destinations)
        return ReplayMismatch(f"the new flow works out arguments for {names}", question.entry.place)
    assert isinstance(question, do.AskCondition | do.AskForeach | do.AskReuse)
    what = "foreach" if isinstance(question, do.AskForeach) else "condition"
    if isinstance(question, do.AskReuse):
        what = "selective run function"
    return ReplayMismatch(f"the new flow asks the {what} of {edge_text(question.edge)}", question.edge.place)


def edge_recorded(details: Mapping[str, Any], was: FlowPlan) -> int | None:
    """The index an edge of an event has in the old flow, None when that flow has no such edge."""
    same = (frozenset(details.get("nodes_from", ())), frozenset(details.get("nodes_to", ())))
    index = details.get("edge")
    if isinstance(index, int) and 0 <= index < len(was.edges) and ends(was.edges[index]) == same:
        return index
    return next((edge.index for edge in was.edges if ends(edge) == same), None)


_RERUN = "RUN_RERUN"
#: What may be recorded between the end of an attempt and the beginning of the next.
_BETWEEN_ATTEMPTS = frozenset({"NODE_SUCCESSFUL", "NODE_FAILURE", "FLOW_CANCEL", "FLOW_FAILURE"})

_HANDLERS: dict[str, Callable[[Replay, Details], None]] = {
    "FLOW_START": Replay._flow_started,
    "TASK_SCHEDULE": Replay._node_scheduled,
    "SUBFLOW_SCHEDULE": Replay._node_scheduled,
    "NODE_SUCCESSFUL": lambda replay, details: replay._node_ended(details, on.NodeSucceeded),
    "NODE_FAILURE": lambda replay, details: replay._node_ended(details, on.NodeFailed),
    "EDGE_COND_TRUE": lambda replay, details: replay._condition(details, True),
    "EDGE_COND_FALSE": lambda replay, details: replay._condition(details, False),
    "FOREACH_RESULT": Replay._foreach,
    "FALLBACK_COND_TRUE": lambda replay, details: replay._fallback_condition(details, True),
    "FALLBACK_COND_FALSE": lambda replay, details: replay._fallback_condition(details, False),
    "NODE_ARGS": Replay._args,
    "SELECTIVE_RUN_FUNC": Replay._reuse,
    "SELECTIVE_TASK_REUSE": Replay._reused,
    _RERUN: lambda replay, details: replay._begin(str(details.get("rerun_of"))),
    "DISPATCHER_RETRY": Replay._deferral,
    "FLOW_RETRY": Replay._retry,
    "FLOW_END": Replay._ended_well,
    "FLOW_FAILURE": Replay._ended_badly,
    "RUN_RETRIED": Replay._reopened,
    "FLOW_CANCEL": lambda replay, details: replay._feed(on.FlowCancelled()),
}
