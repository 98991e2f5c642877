"""Why the runs that ``selinon check`` finds went as they did: each is run as a test case, and explained.

``exploring`` plays flows without results of tasks. The witness of a finding has made-up ones, so that its run is
explained like any other: with the values that conditions saw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from selinon_core.cases.references import edge_text
from selinon_core.errors import SelinonException
from selinon_core.explaining.answers import Answer, Answers, cut
from selinon_core.explaining.explanation import Explanation
from selinon_core.exploring import witness_of
from selinon_core.runtime.redaction import redaction
from selinon_core.testing.case_run import CaseRunner
from selinon_core.testing.invariants import judge_invariant
from selinon_core.testing.options import RunOptions

if TYPE_CHECKING:
    from selinon_core.cases.model import Invariant
    from selinon_core.exploring import FlowCheck, Property
    from selinon_core.plan import EdgePlan, Plan
    from selinon_core.testing.observation import Observation

#: Answers about one finding, and levels of reasons of each.
_MOST_ANSWERS = 5
_DEPTH = 4


def explained_findings(
    plan: Plan, checks: Sequence[FlowCheck], silenced: Mapping[str, str]
) -> dict[str, tuple[Answer, ...]]:
    """Answers by the ids of findings: of errors and warnings that no comment silences and that a run shows."""
    quiet = type(plan)(plan.tasks, plan.flows, plan.storages, plan.settings._replace(trace=()))
    runner = CaseRunner(quiet, (), RunOptions())
    found = {}
    for check in checks:
        for finding in check.properties:
            if finding.severity == "information" or finding.choices is None or finding.id in silenced:
                continue
            asked = _QUESTIONS.get(finding.name)
            seen = None if asked is None else _run_of(check, finding, runner)
            if asked is not None and seen is not None:
                answers = {answer.text: answer for answer in asked(check, finding, seen)}
                found[finding.id] = tuple(
                    answer._replace(because=cut(answer.because, _DEPTH))
                    for answer in list(answers.values())[:_MOST_ANSWERS]
                )
    return found


def _run_of(check: FlowCheck, finding: Property, runner: CaseRunner) -> Observation | None:
    """The run that shows a finding; None for one without an end, which no test case can be of."""
    assert finding.choices is not None
    witness = witness_of(check.summaries, check.context, finding.choices, finding.text)
    if witness.is_cut:
        return None
    try:
        return runner.observed(witness.case, (witness.case,), 0)
    except SelinonException:
        return None


def _silent(check: FlowCheck, finding: Property, seen: Observation) -> Iterator[Answer]:
    """Why what could have followed a node did not run."""
    name = finding.subject.removeprefix("node ")
    for edge in check.flow.edges:
        if name in edge.sources and edge.condition is not None:
            yield from _of_edge(edge, seen)


def _of_edge(edge: EdgePlan, seen: Observation) -> Iterator[Answer]:
    """Why the destinations of an edge did not run; what it said where another edge started them."""
    answers = Answers(seen)
    missing = [name for name in edge.destinations if not _ran(name, seen)]
    for name in missing:
        yield from answers.of_node(name)
    if not missing:
        yield from answers.of_edge(str(edge.index))


def _starving(check: FlowCheck, finding: Property, seen: Observation) -> Iterator[Answer]:
    """Why the sources that a join waits for did not run."""
    answers = Answers(seen)
    for edge in check.flow.edges:
        if edge.place == finding.place and finding.subject == f"edge {edge_text(edge)}":
            for name in dict.fromkeys(edge.sources):
                if not _ran(name, seen):
                    yield from answers.of_node(name)


def _unhandled(check: FlowCheck, finding: Property, seen: Observation) -> Iterator[Answer]:
    """Why no entry that names what failed was used."""
    failed = {record.run.name for record in seen.records if record.run.status == "failure"}
    used = {each.failure.index for each in seen.facts.fallbacks if each.used}
    why = Explanation(seen)
    because = tuple(
        why.not_used(check.flow, entry)
        for entry in check.flow.failures
        if failed & set(entry.nodes) and entry.index not in used
    )
    yield Answers(seen).of_run()._replace(because=because)


def _broken(check: FlowCheck, finding: Property, seen: Observation) -> Iterator[Answer]:
    """What an invariant found, and why it was so."""
    hidden = redaction(seen.plan.settings.redact)
    by_name: dict[str, Invariant] = {each.name: each for each in check.exploration.invariants}
    for one in judge_invariant(by_name[finding.subject], seen, Explanation(seen), _load_nothing):
        of_run = Answers(seen).of_run()
        yield of_run._replace(text=one.found, because=one.reasons).masked(hidden)


def _load_nothing(function: object) -> object:
    raise AssertionError("explorations judge no functions of a project")


def _ran(name: str, seen: Observation) -> bool:
    return any(record.run.name == name and record.flow_run is seen.root for record in seen.records)


_QUESTIONS: dict[str, Callable[[FlowCheck, Property, Observation], Iterator[Answer]]] = {
    "silent-end": _silent,
    "join-starves": _starving,
    "unhandled": _unhandled,
    "invariant": _broken,
}
