"""Drives one dispatch machine through a scripted world, in any order, and reports what it did in terms of keys.

Runs and questions get the keys that ``reference.Reference`` uses, so that what two machines did can be compared
although their numbers and ids differ. With ``check=True`` the reference is asked for its opinion after each event.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from selinon_core.dispatch import FlowRun, NodeRun, SelectiveRun, flow_indexes
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.ancestors import runs_meant
from selinon_core.dispatch.node_run import FlowOutcome
from selinon_core.plan import FailurePlan, Plan
from tests.dispatch.reference import Reference, Run, run_key
from tests.dispatch.script import Script

MOST_EVENTS = 400
#: Node runs: the reference derives everything anew after each event, so its time grows with their third power.
MOST_COMPARED = 80
#: The effects that tell of a new node run.
NEW_RUNS = (do.StartTask, do.StartFlow, do.ReuseNode, do.FailNode)


class TooBig(Exception):
    """Raised when a random flow grows beyond what a test wants to wait for."""


class Start:
    """What the flow run is asked with."""

    def __init__(
        self,
        args: Any = None,
        parent: dict[str, Any] | None = None,
        failures: dict[str, Any] | None = None,
        selective: SelectiveRun | None = None,
        on_unreached: str = "warn",
    ) -> None:
        self.args = args
        self.parent = parent
        self.failures = failures
        self.selective = selective
        self.on_unreached = on_unreached

    def __repr__(self) -> str:
        return f"Start({self.__dict__})"

    def event(self) -> on.FlowStarted:
        return on.FlowStarted(self.args, self.parent, self.failures, self.selective)


def new_machine(plan: Plan, flow: str, on_unreached: str = "warn") -> FlowRun:
    return FlowRun(flow_indexes(plan)[flow], "run-{}".format, on_unreached)


class Simulation:
    """One flow run. After ``run``: ``log`` of events, ``effects`` of each, ``runs`` and ``endings`` by key."""

    def __init__(
        self,
        plan: Plan,
        flow: str,
        script: Script,
        order: Random,
        start: Start | None = None,
        *,
        check: bool = False,
        stop_after: int | None = None,
        stop: on.Event | None = None,
    ) -> None:
        self.plan = plan
        self.start = start or Start()
        self.script = script
        self.order = order
        self.machine = new_machine(plan, flow, self.start.on_unreached)
        self.reference: Reference | None = None
        self.check = check
        self.stop_after = stop_after
        self.stop = stop or on.FlowCancelled()
        self.flow = flow
        self.log: list[on.Event] = []
        self.effects: list[list[do.Effect]] = []
        self.runs: dict[str, Run] = {}
        self.questions: dict[Any, do.Question] = {}
        self.endings: list[FlowOutcome] = []
        self.generation: dict[str, int] = {}
        self.keys: dict[int, str] = {}
        self.key_of_id: dict[str, str] = {}
        self.pending: list[tuple[str, int]] = []
        self.deferred: Counter[int] = Counter()
        self.question_key: dict[int, Any] = {}
        self.subflows_running: dict[int, NodeRun] = {}
        self._ordinals: Counter[Any] = Counter()
        self._uses: Counter[Any] = Counter()
        self._hint: tuple[Any, int] | None = None
        self._use: int | None = None
        self._fallback_keys: dict[int, str] = {}

    @property
    def label(self) -> Any:
        """What keys of this attempt begin with."""
        return self.machine.attempt

    @property
    def outcome(self) -> FlowOutcome:
        assert self.machine.outcome is not None
        return self.machine.outcome

    def run(self) -> Simulation:
        self.feed(self.start.event())
        if self.check:
            start = self.start
            self.reference = Reference(
                self.plan, self.flow, start.on_unreached, start.args, start.parent, start.failures, start.selective
            )
            self.compare()
        while self.pending:
            if len(self.log) == self.stop_after:
                if self.reference is not None:
                    self.reference.stopped()
                self.feed(self.stop)
                self.compare()
                continue
            if len(self.log) > MOST_EVENTS or (self.reference is not None and len(self.runs) > MOST_COMPARED):
                raise TooBig
            self.step(self.pending.pop(self.order.randrange(len(self.pending))))
            self.compare()
        return self

    # -- events -------------------------------------------------------------------------------------------------

    def step(self, what: tuple[str, int]) -> None:
        kind, number = what
        if kind == "node":
            self._end_node(number)
        elif kind == "question":
            self._answer(number)
        else:
            if self.reference is not None:
                self.reference.retry_due()
            self.feed(on.RetryDue())

    def _end_node(self, number: int) -> None:
        key = self.keys[number]
        run = self.runs[key]
        fails = self.script.node_fails(key, self.generation[key])
        outcome = self.script.outcome(key, not fails) if self.plan.is_flow(run.name) else None
        self.subflows_running.pop(number, None)
        if self.reference is not None:
            self.reference.node_ended(key, not fails, outcome)
        self.feed(on.NodeFailed(number, outcome) if fails else on.NodeSucceeded(number, outcome))

    def _answer(self, number: int) -> None:
        key = self.question_key[number]
        question = self.questions[key]
        open_now = any(q is question for q in self.machine.open_questions)
        if self.deferred[number] < self.script.times_deferred(key):
            self.deferred[number] += 1
            effects = self.feed(on.QuestionDeferred(number))
            if open_now:
                (again,) = effects
                assert isinstance(again, do.AskAgain)
                assert again.asked is question
                assert again.deferrals == self.deferred[number]
                assert again.delay == max(1.0, self.plan.flows[self.flow].retry_countdown)
            self.pending.append(("question", number))
            return
        if self.script.question_breaks(key):
            if self.reference is not None:
                self.reference.question_failed(key)
            self.feed(on.QuestionFailed(number, "scripted"))
            return
        generation = self._question_generation(question)
        event: on.Event
        value: Any
        if isinstance(question, (do.AskCondition, do.AskFallbackCondition)):
            value = self.script.condition_holds(key, generation)
            event = on.ConditionAnswered(number, value)
        elif isinstance(question, do.AskForeach):
            value = self.script.items(key, generation)
            event = on.ForeachAnswered(number, value)
        elif isinstance(question, do.AskReuse):
            value = self.script.reused_id(key)
            event = on.ReuseAnswered(number, value)
            self._hint = (key[1:5], key[5])
        elif isinstance(question, do.AskArgs):
            value = self.script.given(key, generation, question.destinations, len(question.positions))
            event = on.ArgsAnswered(number, value)
            if key[2] == "fallback":
                self._use = key[4]
            elif key[6] is not None:
                self._hint = ((*key[1:4], question.destinations[0]), key[6])
        elif isinstance(question, do.AskOutput):
            value = self.script.output(key)
            event = on.OutputAnswered(number, value)
        else:
            value = {"first": key[2]}
            event = on.FirstResultAnswered(number, value)
        if self.reference is not None:
            self.reference.answered(key, value)
        self.feed(event)
        self._hint = self._use = None

    def _question_generation(self, question: do.Question) -> int:
        if isinstance(question, do.AskArgs) and isinstance(question.entry, FailurePlan):
            return 1 + int(self.question_key[question.question][4])
        if isinstance(question, (do.AskCondition, do.AskForeach, do.AskReuse, do.AskArgs)):
            return max((self.generation[self.keys[run.number]] + 1 for run in question.sources), default=0)
        return 0

    # -- effects ------------------------------------------------------------------------------------------------

    def feed(self, event: on.Event) -> list[do.Effect]:
        was_ended = self.machine.ended
        effects = self.machine.advance(event)
        self.log.append(event)
        self.effects.append(effects)
        assert not (was_ended and effects), "an ended flow run does nothing any more"
        for effect in effects:
            self._take(effect)
        finishes = [effect for effect in effects if isinstance(effect, do.FinishFlow)]
        assert len(finishes) == (self.machine.ended and not was_ended)
        if finishes:
            assert effects[-1] is finishes[0]
            assert finishes[0].outcome is self.machine.outcome
        return effects

    def _take(self, effect: do.Effect) -> None:
        if isinstance(effect, (do.StartTask, do.StartFlow)):
            self._started(effect.node_run, effect.parent)
            self.pending.append(("node", effect.node_run.number))
            assert isinstance(effect, do.StartFlow) == self.plan.is_flow(effect.node_run.name)
            if isinstance(effect, do.StartFlow):
                self.subflows_running[effect.node_run.number] = effect.node_run
        elif isinstance(effect, (do.ReuseNode, do.FailNode)):
            self._started(effect.node_run, None)
        elif isinstance(effect, do.TraceNote):
            if effect.event == "FALLBACK_START":
                self._fallback(effect.details)
        elif isinstance(effect, do.ScheduleRetry):
            assert effect.delay == self.plan.flows[self.flow].retry_countdown
            self.endings.append(effect.outcome)
            self.pending.append(("retry", 0))
        elif isinstance(effect, do.FinishFlow):
            self.endings.append(effect.outcome)
        elif isinstance(effect, do.CancelFlows):
            assert [run.number for run in effect.runs] != []
            assert {run.number for run in effect.runs} == self.subflows_running.keys()
        elif not isinstance(effect, do.AskAgain):
            self._asked(effect)

    def _asked(self, question: do.Question) -> None:
        attempt = self.label
        key: tuple[Any, ...]
        if isinstance(question, do.AskFallbackCondition):
            entry = question.failure.index
            key = ("fallback", attempt, entry, self._next("asked", attempt, entry))
        elif isinstance(question, do.AskFirstResult):
            key = ("arguments", attempt, self.keys[question.node_run.number])
        elif isinstance(question, do.AskOutput):
            key = ("output", attempt)
        elif isinstance(question, do.AskArgs) and isinstance(question.entry, FailurePlan):
            entry = question.entry.index
            key = ("args", attempt, "fallback", entry, self._next("use", attempt, entry))
        elif isinstance(question, do.AskArgs):
            combination = tuple(self.keys[run.number] for run in question.sources)
            about = (question.entry.index, combination, question.destinations, tuple(question.positions))
            run = (attempt, *about[:2], question.destinations[0])  # that was just asked about, and is not reused
            key = (
                "args",
                attempt,
                *about,
                self._hint[1] if self._hint is not None and self._hint[0] == run else None,
            )
        else:
            combination = tuple(self.keys[run.number] for run in question.sources)
            key = ("condition", attempt, question.edge.index, combination)
            if isinstance(question, do.AskForeach):
                key = ("foreach", *key[1:])
            elif isinstance(question, do.AskReuse):
                key = ("reuse", *key[1:], question.name)
                key = (*key, self._next(*key))
        assert key not in self.questions, "one question per edge and combination"
        self.questions[key] = question
        self.question_key[question.question] = key
        self.pending.append(("question", question.question))

    def _next(self, *what: Any) -> int:
        self._ordinals[what] += 1
        return self._ordinals[what] - 1

    def _fallback(self, details: dict[str, Any]) -> None:
        attempt, entry = self.label, details["failure"]
        if self._use is None:
            use = self._next("use", attempt, entry)
        else:
            use, self._use = self._use, None  # further fallbacks may follow from the same answer
        names: Counter[str] = Counter()
        for run in details["started"]:
            key = run_key("fallback", attempt, entry, use, run.name, names[run.name])
            names[run.name] += 1
            self.generation[key] = 1 + use
            self._fallback_keys[run.number] = key

    def _started(self, run: NodeRun, parent: dict[str, Any] | None) -> None:
        """``parent`` None: the run is reused or refused, so no node run gets a parent."""
        combination = tuple(self.keys[source.number] for source in run.sources)
        if run.edge is None:
            key = self._fallback_keys[run.number]
        else:
            about = (self.label, run.edge, combination, run.name)
            if self._hint is not None and self._hint[0] == about:
                ordinal = self._hint[1]
            else:
                times = self.plan.flows[self.flow].edges[run.edge].destinations.count(run.name)
                ordinal = run.position * times + self._next("run", *about, run.position)
            key = run_key("edge", *about, ordinal)
            self.generation[key] = max((self.generation[k] + 1 for k in combination), default=0)
        assert key not in self.runs
        assert run.number not in self.keys
        assert run.id not in self.key_of_id
        self.keys[run.number] = key
        self.key_of_id[run.id] = key
        self.runs[key] = Run(
            key,
            run.name,
            run.edge,
            combination,
            run.args,
            {} if parent is None else self.translated(parent),
            self.translated(run.failures),
            run.status == "reused",
            run.position,
            run.refused,
        )

    def translated(self, value: Any) -> Any:
        """Keys in place of ids."""
        if isinstance(value, dict):
            return {name: self.translated(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.translated(inner) for inner in value]
        return self.key_of_id.get(value, value) if isinstance(value, str) else value

    # -- comparing ----------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """The machine has started, asked and ended what the reference thinks it had to."""
        reference = self.reference
        if reference is None:
            return
        expected = {
            key: run._replace(
                parent={} if run.reused or run.refused else run.parent,
                failures=run.failures if run.reused else run.failures or None,
            )
            for key, run in reference.past.items()
        }
        actual = {key: run._replace(failures=run.failures or None) for key, run in self.runs.items()}
        assert actual == expected
        assert self.questions.keys() == reference.past_questions.keys()
        for key, question in self.questions.items():
            if not isinstance(question, do.AskFirstResult):
                assert reference.past_questions[key][0] == question.args
            if isinstance(question, do.AskArgs):
                assert reference.past_questions[key][1] == question.items
        self._compare_lineage(reference)
        assert self.machine.ended == (reference.status == "ended")
        if reference.status == "running":
            active = {self.keys[run.number] for run in self.machine.active}
            assert active == reference.active(reference.view)
            still_open = {self.question_key[q.question] for q in self.machine.open_questions}
            assert still_open == reference.view.open
        assert len(self.endings) == len(reference.endings)
        for outcome, ending in zip(self.endings, reference.endings, strict=True):
            assert outcome.succeeded == ending.succeeded
            assert self.translated(outcome.finished) == ending.finished
            failed = {name: sorted(keys) for name, keys in self.translated(outcome.failed).items()}
            assert failed == {name: sorted(keys) for name, keys in ending.failed.items()}
            assert {self.key_of_id[node["id"]] for node in outcome.active} == ending.active
            assert outcome.unreached == ending.unreached
            assert outcome.output == ending.output

    def _compare_lineage(self, reference: Reference) -> None:
        """Names mean what the reference thinks they mean, and finished runs have one order."""
        if reference.status != "running":
            return
        names = {run.name for run in reference.view.runs.values()}
        for asked in self.machine.open_questions:
            if isinstance(asked, (do.AskArgs, do.AskCondition, do.AskForeach)):
                combination = tuple(self.keys[run.number] for run in asked.sources)
                for name in names:
                    meant = {self.keys[run.number] for run in runs_meant(asked.sources, name)}
                    assert meant == reference.meant(combination, name)
            elif isinstance(asked, do.AskOutput):
                for name, runs in asked.finished.items():
                    assert [self.keys[run.number] for run in runs] == reference.in_order(name)


def clear_parents(runs: dict[str, Run], fallback: Run) -> bool:
    """Whether the parents of the runs that a fallback handles, and those handles before it, agree."""
    merged: dict[str, Any] = {}
    for key in fallback.sources:
        handled = runs[key]
        if handled.edge is None and not clear_parents(runs, handled):
            return False
        for name, value in handled.parent.items():
            if merged.setdefault(name, value) != value:
                return False
    return True
