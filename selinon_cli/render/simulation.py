"""Simulation campaigns for people: what their users read first, then what is broken, with the schedule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from selinon_cli.render.style import BOLD, GREEN, RED, YELLOW, styled
from selinon_cli.render.visible import visible
from selinon_core.cases.deviations import deviation_data, deviation_text
from selinon_core.cases.model import Case
from selinon_core.simulating.campaign import ScheduleResult, SimulationOptions, Violation
from selinon_core.testing.junit import junit_xml
from selinon_core.testing.results import CaseResult, Finding
from selinon_core.testing.simulation.campaign import Campaign, Summary
from selinon_core.testing.simulation.watching import fallbacks_of, timeouts_of, vacuous

#: Points that were never exercised and outcomes that are named without ``-v``.
_FEW = 3


def campaign_text(
    campaign: Campaign, summary: Summary, world: SimulationOptions, *, color: bool, verbosity: int = 0
) -> str:
    """What came of a campaign; with ``verbosity`` 1 nothing is shortened, with -1 only what is broken is shown."""
    lines = [_head(campaign, summary, world, color)]
    if verbosity >= 0:
        lines += [f"  {line}" for line in _body(campaign, summary, color, verbosity > 0)]
    for violation in summary.violations:
        lines += [f"  {line}" for line in _violation(campaign, summary, violation, color)]
    return "".join(f"{line}\n" for line in lines)


def _head(campaign: Campaign, summary: Summary, world: SimulationOptions, color: bool) -> str:
    played = f"{summary.schedules} schedule{'s' * (summary.schedules != 1)}"
    if summary.schedules < summary.planned:
        played += f" of {summary.planned}"
    if len(summary.distinct) < summary.schedules:
        played += f" ({len(summary.distinct)} different)"
    faults = " ".join(world.faults) or "no faults"
    many = f"{world.workers} worker{'s' * (world.workers != 1)}"
    slots = f" of {world.slots} slots ({world.pool})" if world.slots > 1 else ""
    name = styled(visible(campaign.subject.label), BOLD, color)
    return f"{name}: {played}, {many}{slots}, {faults}; {summary.per_second:.0f}/s"


def _body(campaign: Campaign, summary: Summary, color: bool, in_full: bool) -> Iterator[str]:
    alike = summary.outcomes.get(summary.outcome, 0)
    text = f"outcome as undisturbed ({summary.outcome}) in {alike} of {summary.schedules}"
    yield visible(styled(text, GREEN if alike == summary.schedules else YELLOW, False))
    others = sorted((o for o in summary.outcomes.items() if o[0] != summary.outcome), key=lambda o: (-o[1], o[0]))
    for outcome, count in others if in_full else others[:_FEW]:
        yield visible(f"  {outcome} in {count}")
    yield from _attempts(campaign, summary)
    shares = ", ".join(f"p{share} {summary.percentile(share / 100):g}" for share in (50, 95, 99))
    yield f"virtual seconds {shares}"
    yield from _met(campaign, summary)
    yield from (visible(note) for note in summary.notes)
    yield from _never(campaign, summary, in_full)


def _attempts(campaign: Campaign, summary: Summary) -> Iterator[str]:
    """Which tasks ran more often than without faults: for users the first question is whether that is safe."""
    more = {task: count for task, count in summary.attempts.items() if count.repeated}
    if not more:
        yield "no task ran more often than undisturbed"
        return
    most = ", ".join(f"{task} up to {count.most} ({count.expected} expected)" for task, count in more.items())
    yield visible(f"attempts per task: {most}")
    for task, count in sorted(more.items(), key=lambda each: (-each[1].completed, -each[1].repeated)):
        text = f"{task} ran more than once" if count.expected == 1 else f"{task} ran more often than undisturbed"
        text += f" in {count.repeated} schedule{'s' * (count.repeated != 1)}"
        if count.completed:
            often = "twice to its end" if count.expected == 1 else "more often to its end"
            text += f", {often} in {count.completed}"
        yield visible(text)
    if campaign.case.tasks != "real" and any(count.completed for count in more.values()):
        yield "-> is it safe to run them twice? (--tasks real checks effects)"


def _met(campaign: Campaign, summary: Summary) -> Iterator[str]:
    plan, flow = campaign.subject.plan, campaign.case.flow
    fallbacks, timeouts = fallbacks_of(plan, flow), timeouts_of(plan, flow)
    if fallbacks:
        yield visible(f"fallbacks used: {_share(fallbacks, summary.met.fallbacks)}")
    yield visible(f"time-outs hit: {_share(timeouts, summary.met.timeouts) if timeouts else 'none are set'}")


def _share(names: Sequence[str], met: frozenset[str]) -> str:
    never = [name for name in names if name not in met]
    rest = f" (never: {', '.join(never)})" if never else ""
    return f"{len(names) - len(never)} of {len(names)}{rest}"


def _never(campaign: Campaign, summary: Summary, in_full: bool) -> Iterator[str]:
    for phrase in vacuous(campaign.invariants, summary.met):
        yield visible(f"never exercised: {phrase}")
    never = summary.never if in_full else summary.never[:_FEW]
    if never:
        more = len(summary.never) - len(never)
        rest = f", and {more} more (-v)" if more else ""
        yield visible(f"never exercised: {', '.join(never)}{rest}")


def _violation(campaign: Campaign, summary: Summary, violation: Violation, color: bool) -> Iterator[str]:
    label = styled("broken", RED, color)
    yield f"{label}    {visible(violation.invariant)}: {visible(violation.text)}"
    count = summary.breaks.get((violation.invariant, violation.subject), 1)
    seed = "without any deviation" if violation.seed < 0 else f"seed {violation.seed}"
    left = len(violation.deviations)
    yield (
        f"          in {count} schedule{'s' * (count != 1)}; {seed}, {violation.decisions} decisions,"
        f" {violation.drawn} deviation{'s' * (violation.drawn != 1)} drawn, {left} left:"
    )
    yield from (f"            {visible(deviation_text(one))}" for one in violation.deviations)
    if violation.nondeterminism is not None:
        yield f"          uncontrolled nondeterminism, the second time at: {visible(violation.nondeterminism)}"
        if campaign.case.tasks == "real":
            yield "          a task reads the time, randomness or the world"
        return
    if violation.differs is not None:
        yield f"          what the nearest schedule that breaks nothing does not do: {visible(violation.differs)}"
    if violation.events:
        yield "          what happened last:"
        yield from (f"            {visible(line)}" for line in violation.events)


def replay_text(case: Case, result: ScheduleResult, *, color: bool) -> str:
    """One schedule, as it was played."""
    lines = [f"{styled(visible(case.id), BOLD, color)}: {visible(result.outcome)}"]
    met = [one for one in case.schedule if one not in result.stale]
    lines += [f"  {visible(deviation_text(one))}" for one in met]
    lines += [f"  met nothing: {visible(deviation_text(one))}" for one in result.stale]
    lines += [f"    {visible(line)}" for line in result.transcript]
    for found in result.violations:
        lines.append(f"  {styled('broken', RED, color)}    {visible(found.invariant)}: {visible(found.text)}")
    if not result.violations:
        lines.append(f"  {styled('nothing is broken', GREEN, color)}")
    return "".join(f"{line}\n" for line in lines)


def replay_json(case: Case, result: ScheduleResult) -> dict[str, Any]:
    """One schedule, for programs."""
    return {
        "version": 1,
        "case": case.id,
        "outcome": result.outcome,
        "deviations": [deviation_data(one) for one in result.deviations],
        "stale": [deviation_data(one) for one in result.stale],
        "violations": [found._asdict() for found in result.violations],
        "events": list(result.transcript),
        "virtual_seconds": result.seconds,
    }


def junit(played: Sequence[tuple[Campaign, Summary]]) -> str:
    """The campaigns as JUnit XML: a suite a file, a test case a campaign."""
    suites: dict[str, list[tuple[Case, CaseResult, str]]] = {}
    for campaign, summary in played:
        findings = tuple(
            Finding("simulate", f'"{violation.invariant}" to hold', violation.text)
            for violation in summary.violations
        )
        status = "failed" if findings else "passed"
        result = CaseResult(0, status, 0, summary.schedules, 0, summary.seconds, findings)
        lines = [line for each in summary.violations for line in _violation(campaign, summary, each, False)]
        suites.setdefault(campaign.case.file, []).append((campaign.case, result, "\n".join(lines)))
    return junit_xml(suites.items())
