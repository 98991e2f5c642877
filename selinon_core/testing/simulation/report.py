"""Campaigns as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selinon_core.cases.deviations import deviation_data
from selinon_core.simulating.campaign import Violation
from selinon_core.testing.simulation.campaign import Campaign, Summary
from selinon_core.testing.simulation.watching import fallbacks_of, timeouts_of, vacuous

REPORT_VERSION = 1


def json_report(played: Sequence[tuple[Campaign, Summary]], *, interrupted: bool) -> dict[str, Any]:
    """The whole report. ``seconds`` and ``per_second`` are of real time, ``virtual_seconds`` are not."""
    schedules = sum(summary.schedules for _, summary in played)
    seconds = sum(summary.seconds for _, summary in played)
    return {
        "version": REPORT_VERSION,
        "schedules": schedules,
        "seconds": round(seconds, 6),
        "per_second": round(schedules / seconds, 1) if seconds else 0.0,
        "interrupted": interrupted,
        "violations": [
            violation_json(campaign, summary, violation)
            for campaign, summary in played
            for violation in summary.violations
        ],
        "campaigns": [_campaign(campaign, summary) for campaign, summary in played],
    }


def violation_json(campaign: Campaign, summary: Summary, violation: Violation) -> dict[str, Any]:
    """A violation. ``drawn`` is the number of deviations of the seed, ``deviations`` are those that are left."""
    return {
        "invariant": violation.invariant,
        "subject": violation.subject,
        "text": violation.text,
        "case": campaign.subject.label,
        "flow": campaign.case.flow,
        "seed": violation.seed,
        "schedules": summary.breaks.get((violation.invariant, violation.subject), 1),
        "deviations": [deviation_data(one) for one in violation.deviations],
        "decisions": violation.decisions,
        "drawn": violation.drawn,
        "stale": [deviation_data(one) for one in violation.stale],
        "events": list(violation.events),
        "differs": violation.differs,
        "nondeterminism": violation.nondeterminism,
    }


def _campaign(campaign: Campaign, summary: Summary) -> dict[str, Any]:
    plan, flow = campaign.subject.plan, campaign.case.flow
    return {
        "case": campaign.subject.label,
        "flow": flow,
        "schedules": summary.schedules,
        "distinct": len(summary.distinct),
        "planned": summary.planned,
        "seconds": round(summary.seconds, 6),
        "undisturbed": summary.outcome,
        "outcomes": summary.outcomes,
        "attempts": {task: count._asdict() for task, count in summary.attempts.items()},
        "virtual_seconds": {f"p{share}": summary.percentile(share / 100) for share in (50, 95, 99)},
        "fallbacks": {name: name in summary.met.fallbacks for name in fallbacks_of(plan, flow)},
        "timeouts": {name: name in summary.met.timeouts for name in timeouts_of(plan, flow)},
        "faults": [
            {"fault": fault, "where": where, "times": times}
            for (fault, where), times in sorted(summary.fired.items())
        ],
        "never_exercised": [*summary.never, *vacuous(campaign.invariants, summary.met)],
        "notes": list(summary.notes),
    }
