"""A flow run moved on by hand, for tests that tell a story: complete nodes by name, answer questions in turn."""

from __future__ import annotations

from typing import Any, TypeVar

from selinon_core.dispatch import FlowOutcome, NodeRun, SelectiveRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.plan import Plan
from tests.dispatch.driver import new_machine

E = TypeVar("E")


class Play:
    """Ids of runs are ``run-NUMBER``. ``effects`` are those of the last event, ``all`` those of all."""

    def __init__(
        self,
        plan: Plan,
        flow: str = "main",
        *,
        args: Any = None,
        parent: dict[str, Any] | None = None,
        failures: dict[str, Any] | None = None,
        selective: SelectiveRun | None = None,
        on_unreached: str = "warn",
        refused: str | None = None,
        rerun: str | None = None,
    ) -> None:
        self.machine = new_machine(plan, flow, on_unreached)
        self.all: list[do.Effect] = []
        self.feed(on.FlowStarted(args, parent, failures, selective, refused, rerun))

    def feed(self, event: on.Event) -> Play:
        self.effects = self.machine.advance(event)
        self.all += self.effects
        return self

    # -- what happens -------------------------------------------------------------------------------------------

    def _running(self, name: str) -> NodeRun:
        for start in self.starts(name):
            if start.node_run.status == "active":
                return start.node_run
        raise AssertionError(f"{name} is not running")

    def ok(self, *names: str, outcome: FlowOutcome | None = None) -> Play:
        """The oldest running run of each name succeeds."""
        for name in names:
            self.feed(on.NodeSucceeded(self._running(name).number, outcome))
        return self

    def fail(self, *names: str, outcome: FlowOutcome | None = None) -> Play:
        """The oldest running run of each name fails."""
        for name in names:
            self.feed(on.NodeFailed(self._running(name).number, outcome))
        return self

    def answer(self, *values: Any) -> Play:
        """Answer the oldest open questions in turn."""
        for value in values:
            self.feed(answer_to(self.question, value))
        return self

    def answer_late(self, value: Any) -> list[do.Effect]:
        """Answer the question that was asked last, although its answer may not be awaited any more."""
        asked = [effect for effect in self.all if isinstance(effect, do.Question)]
        return self.feed(answer_to(asked[-1], value)).effects

    # -- what was done ------------------------------------------------------------------------------------------

    @property
    def question(self) -> do.Question:
        return self.machine.open_questions[0]

    def starts(self, name: str | None = None) -> list[do.StartTask | do.StartFlow]:
        found = [effect for effect in self.all if isinstance(effect, (do.StartTask, do.StartFlow))]
        return [start for start in found if name in (None, start.node_run.name)]

    def start(self, name: str) -> do.StartTask | do.StartFlow:
        (only,) = self.starts(name)
        return only

    def subflow(self, name: str) -> do.StartFlow:
        start = self.start(name)
        assert isinstance(start, do.StartFlow)
        return start

    @property
    def names(self) -> list[str]:
        """The names of all started runs, in order."""
        return [start.node_run.name for start in self.starts()]

    @property
    def new_names(self) -> list[str]:
        """The names of the runs that the last event started."""
        return [e.node_run.name for e in self.effects if isinstance(e, (do.StartTask, do.StartFlow))]

    def of(self, kind: type[E]) -> list[E]:
        return [effect for effect in self.all if isinstance(effect, kind)]

    def notes(self, event: str) -> list[dict[str, Any]]:
        return [note.details for note in self.of(do.TraceNote) if note.event == event]

    @property
    def outcome(self) -> FlowOutcome:
        """How the last attempt, or the flow run, ended."""
        ends = [e for e in self.all if isinstance(e, (do.FinishFlow, do.ScheduleRetry))]
        return ends[-1].outcome

    @property
    def ended(self) -> bool:
        return self.machine.ended


def answer_to(question: do.Question, value: Any) -> on.Event:
    """The event that answers a question with a value."""
    number = question.question
    if isinstance(question, (do.AskCondition, do.AskFallbackCondition)):
        return on.ConditionAnswered(number, value)
    if isinstance(question, do.AskForeach):
        return on.ForeachAnswered(number, value)
    if isinstance(question, do.AskReuse | do.AskRecorded):
        return on.ReuseAnswered(number, value)
    if isinstance(question, do.AskArgs):
        return on.ArgsAnswered(number, value)
    if isinstance(question, do.AskOutput):
        return on.OutputAnswered(number, value)
    return on.FirstResultAnswered(number, value)
