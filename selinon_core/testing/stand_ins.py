"""Decisions that rest on made-up values: results that no mock gives, functions that could not be imported."""

from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics.wording import listed
from selinon_core.dispatch import effects as do
from selinon_core.explaining.words import edge_text, entry_text
from selinon_core.local.stand_ins import MadeUpDecision
from selinon_core.plan.condition_text import condition_text
from selinon_core.testing.observation import Observation
from selinon_core.testing.results import Finding

_WANTED = "every decision to rest on what the case says"
_HINT = "(stand_ins: allow accepts it)"


def decisions_on_stand_ins(seen: Observation) -> Iterator[Finding]:
    """One finding for each decision that rests on a value that the case does not give, alike ones once."""
    found: dict[tuple[str, str | None], None] = {}
    for decision in seen.run.made_up_decisions:
        subject, place = _subject(seen, decision.question)
        for text in _made_up(decision):
            found[f"{subject}, but {text} {_HINT}", place] = None
    for text, place in found:
        yield Finding("stand_ins", _WANTED, text, place)


def _subject(seen: Observation, question: do.Question) -> tuple[str, str | None]:
    """What was decided, and where that is written."""
    if isinstance(question, do.AskCondition):
        text = f"edge {edge_text(question.edge)} asked {condition_text(question.edge.condition, limit=60)}"
        return text, str(question.edge.place)
    if isinstance(question, do.AskFallbackCondition):
        entry = question.failure
        return f"fallback {entry_text(entry)} asked {condition_text(entry.condition, limit=60)}", str(entry.place)
    if isinstance(question, do.AskForeach):
        function = question.edge.foreach.text if question.edge.foreach is not None else ""
        return f"edge {edge_text(question.edge)} asked its foreach {function}", str(question.edge.place)
    if isinstance(question, do.AskReuse):
        task = seen.plan.tasks[question.name]
        return f"task {question.name} asked {task.selective_run_function}", str(task.place)
    return "a decision was taken", None


def _made_up(decision: MadeUpDecision) -> Iterator[str]:
    if decision.results:
        names = listed(dict.fromkeys(record.run.name for record in decision.results))
        yield f"the result of {names} is a stand-in: no mock gives one"
    if decision.arguments:
        yield "the arguments of its flow are a stand-in: no mock gives the result that they are"
    for function in decision.functions:
        yield f"{function} cannot be imported and has no mock"
