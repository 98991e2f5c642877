"""Answers to the questions of the machine: conditions on worlds, numbers of items, reuse."""

from __future__ import annotations

from typing import Any

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.exploring.conditions import Program, Undecided
from selinon_core.exploring.environment import Variable
from selinon_core.exploring.play_state import PlayState
from selinon_core.plan import ForeachItems
from selinon_core.worlds import Worlds


def answer(play: PlayState, question: do.Question) -> on.Event:
    try:
        return _answer(play, question)
    except Undecided:
        return on.QuestionFailed(question.question, "a condition cannot be worked out")


def _answer(play: PlayState, question: do.Question) -> on.Event:
    number, kind = question.question, question.__class__
    if kind is do.AskCondition:
        return on.ConditionAnswered(number, _edge_holds(play, question))  # type: ignore[arg-type]
    if kind is do.AskForeach:
        return on.ForeachAnswered(number, _items(play, question))  # type: ignore[arg-type]
    if kind is do.AskFallbackCondition:
        index = question.failure.index  # type: ignore[union-attr]
        program = play.programs.fallbacks[index]
        value = _evaluate(play, program, (), index, ("fallback_atom_true", "fallback_atom_false"))
        play.asked.append((True, index, value))
        play.bits |= play.model.bits["fallback_true" if value else "fallback_false", index, None]
        return on.ConditionAnswered(number, value)
    if kind is do.AskFirstResult:
        node = question.node_run  # type: ignore[union-attr]
        play.args_variable = (node.name, play.visits[node.number])
        return on.FirstResultAnswered(number, ["result of", *play.args_variable])
    if kind is do.AskArgs:
        sources = [(source.name, play.visits[source.number]) for source in question.sources]  # type: ignore[union-attr]
        written = play.programs.written(question.entry.args)  # type: ignore[union-attr]
        return on.ArgsAnswered(
            number,
            [[0, ["args", question.entry.index, sources, at, *written]] for at in question.positions],  # type: ignore[union-attr]
        )
    if kind is do.AskOutput:
        return on.OutputAnswered(
            number, ["output of", play.model.flow.name, *play.programs.written(play.model.flow.output)]
        )
    name = question.name  # type: ignore[union-attr]
    if play.model.project.plan.tasks[name].selective_run_function is None:
        return on.ReuseAnswered(number, None)
    reused = play.env.is_reused((name, play.counts.get(name, 0) + 1))
    return on.ReuseAnswered(number, f"earlier {name}" if reused else None)


def _edge_holds(play: PlayState, question: do.AskCondition) -> bool:
    index = question.edge.index
    value = _evaluate(play, play.programs.edges[index], question.sources, index, ("atom_true", "atom_false"))
    play.asked.append((False, index, value))
    if not value:
        play.bits |= play.programs.no_bits[index]
        play.refused_sources.update(source.number for source in question.sources)
    return value


def _evaluate(play: PlayState, program: Program, sources: Any, index: int, kinds: tuple[Any, Any]) -> bool:
    truths: list[bool | None] = [None] * program.leaves
    value = program.run(play, sources, truths)
    play.bits |= play.programs.atom_bits(index, kinds, tuple(truths))
    return value


def _worlds_read(play: PlayState, question: do.AskForeach) -> tuple[Variable, Worlds] | None:
    """What the list of a foreach is a part of, with its worlds; None where nothing else decides on that."""
    from selinon_core.exploring.list_lengths import path_alone

    assert question.edge.foreach is not None
    path, model = path_alone(question.edge.foreach.text), play.model
    if path is None:
        return None
    variable, worlds = None, None
    if path.use.kind == "args":
        variable = play.args_variable
        worlds = model.args_worlds if variable is play.given else model.worlds.get(str(model.first))
    elif path.use.kind == "node":
        visits = [(run.name, play.visits[run.number]) for run in question.sources if run.name == path.use.name]
        variable, worlds = (visits[0] if len(visits) == 1 else None), model.worlds.get(path.use.name)
    return None if variable is None or worlds is None else (variable, worlds)


def _items(play: PlayState, question: do.AskForeach) -> list[Any]:
    edge = question.edge
    assert edge.foreach is not None
    function = edge.foreach.text
    call: Any
    lengths = play.limits.items
    if isinstance(edge.foreach, ForeachItems):  # the same list for the same runs
        lengths = play.model.lengths_of(function, lengths)
        call = tuple((source.name, play.visits[source.number]) for source in question.sources)
    else:
        call = play.answers[function] = play.answers.get(function, 0) + 1
    worlds = _worlds_read(play, question) if isinstance(edge.foreach, ForeachItems) else None
    if worlds is None:
        count = play.env.items_of((function, call), lengths)
    else:
        variable, of_variable = worlds
        fitting = play.model.lengths_in(function, of_variable, lengths)
        count = play.env.items_within((function, call), lengths, variable, of_variable.all, fitting)
    kind: Any = "foreach_none" if not count else "foreach_one" if count == 1 else "foreach_many"
    play.bits |= play.model.bits[kind, edge.index, None]
    return [["item", function, call, position] for position in range(count)]
