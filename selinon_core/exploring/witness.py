"""A run of an exploration as a flow test case: worlds become results of mocks, choices of functions their answers.

Sub-flows are mocked as a whole. Node runs that have to be late get a long duration, so that the case shows the
same order in virtual time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from selinon_core.cases.matchers import Equal
from selinon_core.cases.model import (
    Case,
    ConditionMock,
    Expect,
    Expected,
    FunctionMock,
    Mocks,
    NodeMock,
    Outcome,
    Rule,
    Script,
    When,
)
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.exploring.conditions import unknown_key
from selinon_core.exploring.environment import FAILS, Environment
from selinon_core.exploring.exploration import Choices
from selinon_core.exploring.limits import Limits
from selinon_core.exploring.observation import Context, Observation, PlayEnded
from selinon_core.exploring.play import Play
from selinon_core.exploring.play_state import GIVEN, STOP
from selinon_core.exploring.probing import observations_at_end
from selinon_core.exploring.summaries import Summaries
from selinon_core.exploring.tape import Tape
from selinon_core.exploring.values_read import ValuesRead
from selinon_core.exploring.variables import variable_name
from selinon_core.plan import Leaf, Test
from selinon_core.plan.functions import leaves_of
from selinon_core.plan.variable_uses import variables_read
from selinon_core.worlds import LeafKind, Worlds, kind_of

_LATE = 2 * STOP  # virtual seconds after which node runs end that end behind a stop


class Witness(NamedTuple):
    """A run that shows something, and how to see it again.

    ``guessed``: functions whose answers were chosen because they are not known. ``from_summaries``: sub-flows
    whose end was taken from their own exploration. ``is_confirmed``: the arguments that the sub-flows need are
    those the flow has; False where that is not known. ``is_cut``: the run has no end within the limits.
    """

    case: Case
    guessed: tuple[str, ...]
    from_summaries: tuple[str, ...]
    is_confirmed: bool
    is_cut: bool


def replay(
    summaries: Summaries, context: Context, choices: Choices, limits: Limits | None = None
) -> tuple[Play, bool]:
    """Play a run of an exploration again; also whether it ended."""
    programs = summaries.programs_of(summaries.project[context.flow])
    env = Environment(Tape(choices))
    play = Play(programs, env, limits or summaries.limits, context.has_args, summaries.selection(context))
    try:
        play.run()
        if play.model.probes:
            observations_at_end(play)
    except PlayEnded:
        return play, False
    return play, True


def witness_of(
    summaries: Summaries, context: Context, choices: Choices, name: str, file: str = "suggested.flowtest.yaml"
) -> Witness:
    """The run with these choices as a case called ``name``."""
    play, is_ended = replay(summaries, context, choices)
    return witness_of_play(summaries, play, name, file, is_cut=not is_ended)


def witness_of_play(
    summaries: Summaries, play: Play, name: str, file: str = "suggested.flowtest.yaml", *, is_cut: bool = False
) -> Witness:
    """A run that was played as a case called ``name``."""
    writer = _Writer(summaries, play)
    flow = play.model.flow
    case = Case(
        name=name,
        flow=flow.name,
        file=file,
        place=flow.place,
        args=writer.args(),
        env=writer.variables(),
        mocks=writer.mocks(),
        at=() if play.cancelled_at is None else ((play.cancelled_at, "cancel"),),
        expect=Expect() if is_cut else _expected(play),
    )
    subflows = dict.fromkeys(node.name for node in play.started if node.number in play.observed)
    return Witness(case, tuple(writer.guessed), tuple(subflows), writer.is_confirmed, is_cut)


def _expected(play: Play) -> Expect:
    """What the run did: its status, and how often each node ran."""
    runs = {name: count for name, count in play.counts.items() if count}
    unreached = play.outcome.unreached
    return Expect(
        status=Expected("success" if play.outcome.succeeded else "failure"),
        runs=Expected(runs),
        unreached=Expected(tuple(unreached)) if unreached else None,
    )


class _Writer:
    def __init__(self, summaries: Summaries, play: Play) -> None:
        self._summaries = summaries
        self._play = play
        self._model = play.model
        self._read = ValuesRead(play.model.flow, play.env.items, self._example)
        self.guessed: dict[str, None] = dict.fromkeys(self._read.unknown)
        self.is_confirmed = True

    def _example(self, node: str) -> Any:
        """Arguments that a node takes; None where it has no schema of them."""
        schema = self._model.project.schema_of_arguments(node)
        return None if schema is None else schema.minimal_value()

    def args(self) -> Any:
        """Arguments that the conditions took to be given; None where none asked."""
        worlds = self._model.args_worlds
        if self._play.given is None:
            return None
        schema = self._model.project.schema_of_arguments(self._model.flow.name)
        if worlds is None:
            return self._read.arguments(None, schema)
        world = _first(self._play.env.masks.get(GIVEN, worlds.all))
        return _of_world(worlds, world, self._read.arguments(worlds.values[world], schema))

    def variables(self) -> dict[str, str | None]:
        """The environment variables that the conditions asked for, and those without which expressions fail."""
        project = self._model.project
        values, masks = project.variables.values, self._play.env.variables()
        found = {name: values[name][_first(mask)] for (_, name), mask in masks.items() if name in values}
        listed = project.plan.settings.environment
        # expressions fail without a value, and the process that runs the case may have none
        needed = {name for name in listed if "default" not in listed[name]} - found.keys()
        if needed:
            needed &= variables_read(project.plan, self._model.name)
        return found | dict.fromkeys(sorted(needed), "text")

    def mocks(self) -> Mocks:
        """The mocks that bring the run about."""
        by_node: dict[str, list[Outcome | None]] = defaultdict(list)
        for node in self._play.started:
            if node.status != "reused":
                by_node[node.name].append(self._outcome(node))
        nodes = {name: mock for name, listed in by_node.items() if (mock := _mock(listed)) is not None}
        return Mocks(nodes, self._functions(), self._conditions())

    def _outcome(self, node: NodeRun) -> Outcome | None:
        """How a node run ends; None where a result that nothing reads is made up."""
        play = self._play
        visit = (node.name, play.visits[node.number])
        after = self._after(node)
        end = play.env.ends.get(visit)
        if isinstance(end, Observation):
            return self._outcome_of_flow(node, end, after)
        if end == FAILS:
            task = self._model.project.plan.tasks.get(node.name)
            if task is not None and task.wait is not None:
                return Outcome("error", f"Rejected: {node.name} is rejected", after)
            return Outcome("fatal", f"{node.name} fails", after)
        if node.is_flow:
            return self._finished_flow(visit, {}, after)
        worlds = self._model.worlds.get(node.name)
        if worlds is None and not self._read.is_read(node.name):
            return None if not after else Outcome("result", self._result(node.name), after)
        schema = self._model.project.schema_of(node.name)
        if worlds is None:
            return Outcome("result", self._read.result(visit, None, schema), after)
        world = _first(play.env.masks.get(visit, worlds.all))
        value = _of_world(worlds, world, self._read.result(visit, worlds.values[world], schema))
        return Outcome("result", value, after)

    def _finished_flow(self, visit: tuple[str, int], finished: dict[str, list[Any]], after: float) -> Outcome:
        """A sub-flow that succeeds: with its output where that is read, else with the results of its tasks."""
        if self._read.is_read(visit[0]) and self._model.project.plan.flows[visit[0]].output is not None:
            schema = self._model.project.schema_of_output(visit[0])
            return Outcome("output", self._read.result(visit, None, schema), after)
        return Outcome("finished", finished, after)

    def _after(self, node: NodeRun) -> float:
        if node is self._play.stopper:
            return STOP
        if any(node is late for late in self._play.late):
            timeout = self._model.flow.timeout
            is_early = self._play.stopper is not None or self._play.cancelled_at is not None
            return _LATE if is_early or timeout is None else float(timeout) + 1.0
        return 0.0

    def _result(self, task: str) -> Any:
        schema = self._model.project.schema_of(task)
        return None if schema is None else schema.minimal_value()

    def _outcome_of_flow(self, node: NodeRun, seen: Observation, after: float) -> Outcome:
        if node.args is not None and self._model.project[node.name].reads_args:
            self.is_confirmed = False  # its own exploration may have had other arguments
        if not seen.succeeded:
            return Outcome("error", f"FlowError: {node.name} fails", after)
        visit = (node.name, self._play.visits[node.number])
        return self._finished_flow(visit, self._finished(self._play, node, seen), after)

    def _finished(self, above: Play, node: NodeRun, seen: Observation) -> dict[str, list[Any]]:
        """The results of the tasks in a sub-flow that ends as ``seen``, for the conditions that read them."""
        summaries = self._summaries
        context = summaries.context_of(above.model, node, above.selective)
        choices = summaries.explore(context).end_choices.get(seen)
        if choices is None:
            return {}
        inner, _ = replay(summaries, context, choices)
        found: dict[str, list[Any]] = {}
        finished = inner.machine.current.finished
        for probe in inner.model.probes:
            name = probe.path[0] if probe.path else next(iter(finished), None)
            if name is None or name in found:
                continue
            runs = _with_last(inner, finished.get(name, []))
            if probe.inner is not None:
                found[name] = [self._finished(inner, run, inner.observed[run.number]) for run in runs]
            elif name not in inner.model.project.plan.flows:
                found[name] = [_value(inner, run) for run in runs]
        return {name: values for name, values in found.items() if values}

    def _functions(self) -> dict[str, FunctionMock]:
        calls: dict[str, list[Any]] = defaultdict(list)
        called = {key: count for key, count in self._play.env.items.items() if isinstance(key[1], int)}
        for (function, call), count in sorted(called.items()):
            calls[function].append([f"item {call}.{number}" for number in range(1, count + 1)])
        return {name: FunctionMock(tuple(values)) for name, values in calls.items()}

    def _conditions(self) -> tuple[ConditionMock, ...]:
        """The truths of conditions that ask functions of the project."""
        flow = self._model.flow
        asked: dict[tuple[bool, int], list[bool]] = defaultdict(list)
        for is_fallback, index, value in self._play.asked:
            asked[is_fallback, index].append(value)
        found = []
        for (is_fallback, index), values in asked.items():
            condition = flow.failures[index].condition if is_fallback else flow.edges[index].condition
            unknown = [
                str(leaf.function) if isinstance(leaf, Leaf) else leaf.text
                for leaf in leaves_of(condition)
                if self._is_unknown(leaf, is_fallback=is_fallback)
            ]
            if unknown:
                self.guessed.update(dict.fromkeys(unknown))
                found.append(ConditionMock(flow.name, index, tuple(values), is_fallback))
        return tuple(found)

    def _is_unknown(self, leaf: Leaf | Test, *, is_fallback: bool) -> bool:
        """Whether no result, argument or variable of the case decides a leaf."""
        kind = kind_of(leaf)
        if kind is LeafKind.ENVIRONMENT and isinstance(leaf, Leaf):
            return variable_name(leaf) not in self._model.project.variables.values
        if kind is not LeafKind.UNKNOWN:
            return False
        if isinstance(leaf, Leaf) or self._model.read(leaf, is_fallback=is_fallback) is None:
            return True
        return any(key[0] == unknown_key(leaf) for key in self._play.env.free if isinstance(key, tuple))


def _of_world(worlds: Worlds, world: int, value: Any) -> Any:
    """The value, which has more than what decides, as long as it is still one of the world."""
    return value if worlds.is_in(world, value) else worlds.values[world]


def _mock(outcomes: Sequence[Outcome | None]) -> NodeMock | None:
    """One mock for the runs of a node, by visit where they differ."""
    if all(outcome == outcomes[0] for outcome in outcomes):
        return None if outcomes[0] is None else NodeMock((Rule(None, Script((outcomes[0],))),))
    rules = [
        Rule(When(visit=Equal(visit)), Script((outcome,)))
        for visit, outcome in enumerate(outcomes, 1)
        if outcome is not None
    ]
    return NodeMock(tuple(rules))


def _first(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _value(play: Play, run: NodeRun) -> Any:
    worlds = play.model.worlds.get(run.name)
    if worlds is None:
        return None
    return worlds.values[_first(play.env.masks.get((run.name, play.visits[run.number]), worlds.all))]


def _with_last(play: Play, runs: Sequence[NodeRun]) -> list[NodeRun]:
    """The runs in an order in which the one comes last that was chosen to be."""
    last = [run for run in runs if run.number in play.chosen_last]
    return [run for run in runs if run not in last] + last
