"""A simulated flow run that is mended and reopened whenever it fails, until there is nothing to retry any more."""

from __future__ import annotations

from typing import Any

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.rules.reopening import retried_by_default, why_not_reopened
from tests.dispatch.driver import Simulation, TooBig
from tests.dispatch.script import Script

MOST_RETRIES = 60


class Mended(Script):
    """A world in which some runs do not fail any more, and questions do not break."""

    mended: set[str]

    def node_fails(self, key: str, generation: int) -> bool:
        return key not in self.mended and super().node_fails(key, generation)

    def question_breaks(self, question: Any) -> bool:
        return False

    def condition_holds(self, question: Any, generation: int) -> bool:
        """That of a fallback reads the arguments of the flow only: it says the same each time."""
        return super().condition_holds(question[:3] if question[0] == "fallback" else question, generation)


def mended(script: Script, keys: set[str]) -> Mended:
    made = Mended(*script)
    made.mended = keys
    return made


class _Asked(dict[Any, Any]):
    """Questions by key; those that are asked again may come a second time."""

    again: set[Any] = set()

    def __contains__(self, key: object) -> bool:
        return key not in self.again and super().__contains__(key)


class Retrying(Simulation):
    """As ``Simulation``. ``early``: a run is reopened while node runs of it still run, if there are any."""

    def __init__(self, *args: Any, early: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.questions = _Asked()
        self.early = early
        self.mended_keys: set[str] = set()
        self.broken: set[Any] = set()
        self.succeeded_before: set[int] = set()
        self.retries = 0
        self.uses_again: list[tuple[Any, ...]] = []

    def _next(self, *what: Any) -> int:
        """The use of an entry whose arguments are asked for again is the same one."""
        if what in [about for about, _ in self.uses_again]:
            index = [about for about, _ in self.uses_again].index(what)
            use: int = self.uses_again.pop(index)[1]
            return use
        return super()._next(*what)

    def run(self) -> Retrying:
        self.feed(self.start.event())
        while True:
            while self.pending and not (self.early and self._may_go_on()):
                if len(self.log) > 400:
                    raise TooBig
                self.step(self.pending.pop(self.order.randrange(len(self.pending))))
            if not self._may_go_on() or self.retries > MOST_RETRIES:
                return self
            self._reopen()

    def _may_go_on(self) -> bool:
        return self.machine.ended and why_not_reopened(self.machine) is None

    def _reopen(self) -> None:
        self.retries += 1
        numbers = [node.number for node in retried_by_default(self.machine)]
        self.mended_keys |= {self.keys[number] for number in numbers}
        keys = {self.question_key[question.question] for question in self.machine.dropped_at_end}
        self.broken |= keys
        args = [self.question_key[question.question] for question in self.machine.dropped_at_end]
        fallbacks = [key for key in args if key[0] == "args" and key[2] == "fallback"]
        self.uses_again = [(("use", key[1], key[3]), key[4]) for key in fallbacks]
        self.questions.again = {*keys, ("output", self.label)}  # type: ignore[attr-defined]
        self.pending = [what for what in self.pending if what[0] != "question"]
        event = on.Reopened(numbers, "tester")
        effects = self.machine.advance(event)
        self.log.append(event)
        self.effects.append(effects)
        for effect in effects:
            if isinstance(effect, do.StartAgain):
                assert effect.node_run.number in numbers
                self.pending.append(("node", effect.node_run.number))
                if effect.node_run.is_flow:
                    self.subflows_running[effect.node_run.number] = effect.node_run
            else:
                self._take(effect)
        self.questions.again = set()  # type: ignore[attr-defined]

    def _end_node(self, number: int) -> None:
        assert number not in self.succeeded_before, "a run that succeeded runs again"
        key = self.keys[number]
        fails = key not in self.mended_keys and self.script.node_fails(key, self.generation[key])
        if not fails:
            self.succeeded_before.add(number)
        outcome = self.script.outcome(key, not fails) if self.plan.is_flow(self.runs[key].name) else None
        self.subflows_running.pop(number, None)
        self.feed(on.NodeFailed(number, outcome) if fails else on.NodeSucceeded(number, outcome))

    def _answer(self, number: int) -> None:
        key = self.question_key[number]
        if key[0] == "fallback" or key in self.broken or not self.script.question_breaks(key):
            kept, self.script = self.script, mended(self.script, set())
            super()._answer(number)
            self.script = kept
        else:
            super()._answer(number)
