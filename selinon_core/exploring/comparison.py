"""Two versions of a flow played in the same environments: is there one in which they do not do the same?

Both versions of a run share their choices by node and visit: the first run of a node ends in the same way in both.
What is compared is what a user can see: which node runs there were, with which arguments, parents and failures,
how they ended, and how the flow ended. Sub-flows are those of the first version, taken from their summaries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from selinon_core.dispatch.rules.propagation import parent_of
from selinon_core.exploring.environment import Environment
from selinon_core.exploring.exploration import Choices
from selinon_core.exploring.flow_programs import FlowPrograms
from selinon_core.exploring.limits import Limits
from selinon_core.exploring.model import ProjectModel, Schemas
from selinon_core.exploring.observation import Context, PlayEnded
from selinon_core.exploring.play import Play
from selinon_core.exploring.summaries import Summaries
from selinon_core.exploring.tape import Tape
from selinon_core.exploring.witness import Witness, witness_of_play
from selinon_core.plan import Plan

#: What the machine does not know of a flow: it says when and where, not what.
_UNSEEN = ("queue", "throttling", "retry_countdown", "sampling", "cache")
_EVERY = 256  # runs between two looks at the clock


class Comparison(NamedTuple):
    """``difference``: a run of the first version that the second one would not make; None when none was found.

    ``is_complete``: every environment was tried and all that decides was seen, so that without a difference the
    versions are equivalent. ``why_incomplete`` says in a few words why not. ``runs`` counts environments.
    """

    difference: Difference | None
    is_complete: bool
    why_incomplete: str
    runs: int


class Difference(NamedTuple):
    """An environment that tells two versions apart, and how: ``texts`` has a sentence for each difference.

    ``witness``: the environment as a case that expects what the first version does. ``choices`` play it again.
    """

    choices: Choices
    texts: tuple[str, ...]
    witness: Witness


def compare(
    plan: Plan,
    other: Plan,
    flow: str,
    schemas: Schemas = lambda task: None,
    limits: Limits | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Comparison:
    """Play ``flow`` of both plans in the same environments until they differ.

    By default any number of node runs may fail.
    """
    return Comparer(plan, other, flow, schemas, limits or Limits(failures=None), is_over).compare()


class Comparer:
    """One comparison."""

    def __init__(
        self,
        plan: Plan,
        other: Plan,
        flow: str,
        schemas: Schemas,
        limits: Limits,
        is_over: Callable[[], bool],
    ) -> None:
        self._limits = limits._replace(in_order=True)
        self._is_over = is_over
        project = ProjectModel(plan, schemas, beside=other)
        self._summaries = Summaries(project, limits, is_over)
        self._context = Context(flow)
        models = (project[flow], ProjectModel(other, schemas, like=project)[flow])
        self._programs = tuple(FlowPrograms(model, self._summaries, with_outcomes=True) for model in models)
        self._unknown = _why_unknown(plan, other, flow)
        self._cut = ""

    def compare(self) -> Comparison:
        """Play until a difference is found, or all environments were tried."""
        tape, runs = Tape(), 0
        while True:
            if runs >= self._limits.budget or (not runs % _EVERY and self._is_over()):
                return Comparison(None, False, "the budget is used up", runs)
            runs += 1
            difference = self._play(tape)
            if difference is not None:
                return Comparison(difference, True, "", runs)
            if not tape.advance():
                break
        why = self._unknown or self._cut or self._of_subflows()
        return Comparison(None, not why, why, runs)

    def _of_subflows(self) -> str:
        explored = (self._summaries.explored_of(name) for name in self._summaries.project.plan.flows)
        return (
            "" if all(one is None or one.is_complete for one in explored) else "a sub-flow was not explored fully"
        )

    def _play(self, tape: Tape) -> Difference | None:
        env = Environment(tape)
        plays = [Play(programs, env, self._limits) for programs in self._programs]
        reasons = [_end_of(play) for play in plays]
        if reasons[0] or reasons[1] not in ("", "visits", "node_runs"):
            self._cut = f"a run was cut ({reasons[0] or reasons[1]})"
            return None
        texts = ["the other version goes on"] if reasons[1] else _differences(*plays)
        if not texts:
            return None
        choices = tuple(tape.choices[: tape.at])
        name = f"{self._context.flow}: {texts[0]}"
        return Difference(choices, tuple(texts), witness_of_play(self._summaries, plays[0], name))


def _end_of(play: Play) -> str:
    try:
        play.run()
    except PlayEnded as ended:
        return ended.reason
    return ""


def _why_unknown(plan: Plan, other: Plan, name: str) -> str:
    """Why the dispatch machine alone cannot show that two versions are equivalent; empty when it can."""
    if plan.tasks != other.tasks or plan.storages != other.storages:
        return "tasks or storages differ"
    if plan.settings != other.settings:
        return "global settings differ"
    if any(plan.flows[flow] != other.flows.get(flow) for flow in plan.flows if flow != name):
        return "other flows differ"
    for flow in (plan.flows[name], other.flows[name]):
        if flow.timeout is not None:
            return "the flow has a time-out"
        if flow.eager_failures:
            return "eager failures depend on the order"
        if any(edge.selective is not None for edge in flow.edges):
            return "selective edges are not compared"
    one, two = plan.flows[name], other.flows[name]
    return "" if all(getattr(one, key) == getattr(two, key) for key in _UNSEEN) else "queues or times differ"


def _differences(one: Play, two: Play) -> list[str]:
    texts = []
    ends = [(play.outcome.succeeded, play.machine.attempt) for play in (one, two)]
    if ends[0] != ends[1]:
        said = ["succeeds" if succeeded else "fails" for succeeded, _ in ends]
        texts.append(
            f"it {said[0]}, the other version {said[1]}"
            if said[0] != said[1]
            else f"it needs {ends[0][1]} attempts, the other version {ends[1][1]}"
        )
    for name in dict.fromkeys([*one.counts, *two.counts]):
        counts = [play.counts.get(name, 0) for play in (one, two)]
        if counts[0] != counts[1]:
            often, others = (_often(count) for count in counts)
            texts.append(f"{name} runs {often}, in the other version {others}")
    if texts:
        return texts
    rows = [Counter(_rows(play)) for play in (one, two)]
    for row in rows[0] - rows[1]:
        same = [other for other in rows[1] - rows[0] if other[:2] == row[:2]]
        what = "something else"
        if same:
            parts = zip(("arguments", "parents", "failures", "status"), row[2:], same[0][2:], strict=True)
            what = ", ".join(part for part, mine, others in parts if mine != others)
        texts.append(f"{row[0]} gets other {what}" if what != "status" else f"{row[0]} ends otherwise")
    failed = [sorted(play.outcome.failed) for play in (one, two)]
    if one.outcome.output != two.outcome.output:
        texts.append("its output is another")
    if failed[0] != failed[1]:
        texts.append(f"failed are {', '.join(failed[0])}, in the other version {', '.join(failed[1])}")
    unreached = [play.outcome.unreached for play in (one, two)]
    if unreached[0] != unreached[1]:
        texts.append("other nodes are unreached")
    return texts


def _often(count: int) -> str:
    return {0: "not at all", 1: "once"}.get(count, f"{count} times")


def _rows(play: Play) -> list[tuple[str, int, str, str, str, str]]:
    """The node runs as users see them, ids replaced by node and visit."""
    names = {node.id: f"{node.name}#{play.visits[node.number]}" for node in play.started}
    flow = play.model.flow
    rows: list[tuple[str, int, str, str, str, str]] = []
    for node in play.started:
        parent = parent_of(flow, node, {})
        rows.append(
            (
                node.name,
                play.visits[node.number],
                repr(node.args),
                repr(_renamed(parent, names)),
                repr(_renamed(node.failures, names)),
                # A run that the flow does not wait for ends as the environment says, in both versions.
                "success" if node.status == "active" else node.status,
            )
        )
    return rows


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return sorted((key, _renamed(inner, names)) for key, inner in value.items())
    if isinstance(value, list):
        return sorted((_renamed(inner, names) for inner in value), key=repr)
    if isinstance(value, str):
        return names.get(value) or names.get(value.rstrip("*!"), value) + value[-1:]
    return value
