"""Conditions as programs: their leaves ask the environment of a run, from left to right, as far as needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from selinon_core.dispatch.node_run import NodeRun
from selinon_core.exploring.environment import VARIABLE, Environment
from selinon_core.exploring.leaf_truths import Truths, leaf_key
from selinon_core.exploring.model import FlowModel, probe_index
from selinon_core.exploring.observation import Observation
from selinon_core.plan import And, Condition, Leaf, Not, Test
from selinon_core.plan.condition_text import constant_truth
from selinon_core.worlds import LeafKind, ReadTest, judge, kind_of

Sources = tuple[NodeRun, ...]
LeafTruths = list[bool | None]


class Running(Protocol):
    """What conditions need of a run; see ``play.Play``."""

    env: Environment
    visits: dict[int, int]
    observed: dict[int, Observation]
    given: Any
    args_variable: Any


_Evaluate = Callable[[Running, Sources, LeafTruths], bool]


class Program(NamedTuple):
    """``run(play, sources, leaves)`` gives the truth and notes that of each leaf it evaluates."""

    run: _Evaluate
    leaves: int


class Undecided(Exception):
    """An expression has no truth: the question fails, and with it the attempt of the flow."""


def program_of(model: FlowModel, condition: Condition, *, is_fallback: bool = False) -> Program:
    """Compile a condition of a flow; ``run`` raises ``Undecided``."""
    leaves = 0

    def of_test(test: Test) -> Callable[[Running, Sources], bool]:
        read = model.read(test, is_fallback=is_fallback)
        return _test(test) if read is None else _read_test(model, test, read)

    def compiled(part: Condition) -> _Evaluate:
        nonlocal leaves
        if isinstance(part, Leaf | Test):
            index = leaves
            leaves += 1
            return _noting(index, _leaf(model, part) if isinstance(part, Leaf) else of_test(part))
        if isinstance(part, Not):
            operand = compiled(part.operand)
            return lambda play, sources, truths: not operand(play, sources, truths)
        operands = tuple(compiled(operand) for operand in part.operands)
        if isinstance(part, And):
            return lambda play, sources, truths: all(run(play, sources, truths) for run in operands)
        return lambda play, sources, truths: any(run(play, sources, truths) for run in operands)

    return Program(compiled(condition), leaves)


def _noting(index: int, truth: Callable[[Running, Sources], bool]) -> _Evaluate:
    def run(play: Running, sources: Sources, truths: LeafTruths) -> bool:
        value = truths[index] = truth(play, sources)
        return value

    return run


def _leaf(model: FlowModel, leaf: Leaf) -> Callable[[Running, Sources], bool]:
    kind = kind_of(leaf)
    if kind is LeafKind.CONSTANT:
        constant = judge(leaf, None)
        return lambda play, sources: constant
    if kind is LeafKind.ENVIRONMENT:
        name, truths = model.project.variables.truths[leaf_key(leaf)]
        variable = (VARIABLE, name)
        return lambda play, sources: play.env.holds(variable, truths)
    if kind is LeafKind.ARGUMENTS:
        return _on_arguments(model, leaf)
    if leaf.node is not None and leaf.node[0] in model.project.plan.flows:
        return _on_subflow(model, leaf)
    if kind is LeafKind.RESULT:
        if leaf.node is None:
            nothing = judge(leaf, None)
            return lambda play, sources: nothing
        return _on_result(model, leaf, leaf.node[0])
    return _unknown(leaf)


def _on_result(model: FlowModel, leaf: Leaf, task: str) -> Callable[[Running, Sources], bool]:
    truths = model.truths_of(task, leaf)
    if not truths.true or truths.true == truths.all:
        constant = bool(truths.true)
        return lambda play, sources: constant

    def truth(play: Running, sources: Sources) -> bool:
        return play.env.holds((task, play.visits[_source(sources, task).number]), truths)

    return truth


def _on_arguments(model: FlowModel, leaf: Leaf) -> Callable[[Running, Sources], bool]:
    of_args = model.truths_of(None, leaf)
    of_first = of_args if model.first is None else model.truths_of(model.first, leaf)
    nothing = judge(leaf, None)

    def truth(play: Running, sources: Sources) -> bool:
        variable = play.args_variable
        if variable is None:
            return nothing
        return play.env.holds(variable, of_args if variable is play.given else of_first)

    return truth


def _on_subflow(model: FlowModel, leaf: Leaf) -> Callable[[Running, Sources], bool]:
    assert leaf.node is not None
    flow = leaf.node[0]
    # Bound late: the sub-flow may be the flow itself, whose model is being made.
    index: list[int] = []

    def truth(play: Running, sources: Sources) -> bool:
        if not index:
            index.append(probe_index(model.project[flow], leaf))
        run = _source(sources, flow)
        return bool(play.observed[run.number].values[index[0]])

    return truth


def _test(test: Test) -> Callable[[Running, Sources], bool]:
    """An expression: it can be true or false for the runs that it reads, whatever others are.

    What says the same, or the opposite, of the same runs goes with it.
    """
    constant = constant_truth(test)
    if constant is not None:
        return lambda play, sources: constant
    from selinon_core.dispatch.ancestors import runs_meant
    from selinon_core.plan.comparisons import plain_test
    from selinon_core.plan.expression_uses import nodes_read, reads_args, tree_of

    plain = plain_test(tree_of(test.text))
    names, on_args = sorted(nodes_read(test.expression)), reads_args(test.expression)

    def truth(play: Running, sources: Sources) -> bool:
        read = tuple((run.name, play.visits[run.number]) for name in names for run in runs_meant(sources, name))
        return play.env.is_free((plain.key, read, play.args_variable if on_args else None)) != plain.is_opposite

    return truth


def unknown_key(test: Test) -> object:
    """What the truth of an expression that nothing decides is known by, beside the runs that it reads."""
    from selinon_core.plan.comparisons import plain_test
    from selinon_core.plan.expression_uses import tree_of

    return plain_test(tree_of(test.text)).key


def _read_test(model: FlowModel, test: Test, read: ReadTest) -> Callable[[Running, Sources], bool]:
    """An expression on one value, decided by its worlds; an unknown for a value that is not there."""
    from selinon_core.dispatch.ancestors import runs_meant

    unknown, task = _test(test), read.node
    if task is None:
        of_args = model.truths_of(None, test)
        of_first = of_args if model.first is None else model.truths_of(model.first, test)

        def on_arguments(play: Running, sources: Sources) -> bool:
            variable = play.args_variable
            if variable is None:
                return unknown(play, sources)
            return _decided(play.env, variable, of_args if variable is play.given else of_first)

        return on_arguments
    truths = model.truths_of(task, test)

    def on_result(play: Running, sources: Sources) -> bool:
        runs = runs_meant(sources, task)
        if len(runs) != 1:
            return unknown(play, sources)
        return _decided(play.env, (task, play.visits[runs[0].number]), truths)

    return on_result


def _decided(env: Environment, variable: Any, truths: Truths) -> bool:
    if truths.undefined and env.holds(variable, Truths(truths.all, truths.undefined)):
        raise Undecided
    return env.holds(variable, truths)


def _unknown(leaf: Leaf) -> Callable[[Running, Sources], bool]:
    key = leaf_key(leaf)
    name = None if leaf.node is None else leaf.node[0]

    def truth(play: Running, sources: Sources) -> bool:
        visits = play.visits
        return play.env.is_free(
            (key, tuple((s.name, visits[s.number]) for s in sources if name in (None, s.name)))
        )

    return truth


def _source(sources: Sources, name: str) -> NodeRun:
    for run in sources:
        if run.name == name:
            return run
    raise LookupError(f"{name} is not a source of the edge")
