"""The drawing of a flow in the colours of its coverage, as SVG to stand inside a page."""

from __future__ import annotations

import re
from collections.abc import Iterable

from selinon_core.covering.report import COVERED, MISSING, FlowCoverage, GoalCoverage
from selinon_core.graph import drawing_of, write
from selinon_core.graph.build.coverage_overlay import PartCoverage, lay_coverage
from selinon_core.graph.model import Drawing
from selinon_core.plan import Plan

#: Clicking leads to the line of the file on the same page.
LINK = "#{file}:{line}"
_ID = re.compile(r'(<(?:g|a|svg|polygon|path|text|clipPath|linearGradient)\b[^>]*?\s)id="([^"]*)"')


def coverage_drawing(plan: Plan, flow: FlowCoverage) -> Drawing:
    """The drawing of a flow, its parts marked as covered, partly covered or never met."""
    return lay_coverage(drawing_of(plan, flow.name, storages=False), _parts(flow.goals))


def coverage_svg(plan: Plan, flow: FlowCoverage, prefix: str) -> str:
    """The picture as an ``svg`` element; ``prefix`` keeps its ids apart from those of other pictures."""
    text = write(coverage_drawing(plan, flow), "svg", link=LINK).decode()
    text = text[text.index("<svg") :]
    return _ID.sub(lambda match: f'{match[1]}id="{prefix}{match[2]}"', text)


def _parts(goals: Iterable[GoalCoverage]) -> dict[str, PartCoverage]:
    groups: dict[str, list[GoalCoverage]] = {}
    for found in goals:
        if found.status in (COVERED, MISSING):
            groups.setdefault(_part(found), []).append(found)
            if found.goal.kind == "edge-fired":
                groups.setdefault(found.goal.key, []).append(found)
    return {name: _summary(found) for name, found in groups.items()}


def _part(found: GoalCoverage) -> str:
    """The key of the part a goal belongs to: see ``lay_coverage``."""
    goal = found.goal
    return f"{goal.element}/foreach" if goal.kind.startswith("foreach") else goal.element


def _summary(goals: list[GoalCoverage]) -> PartCoverage:
    facts = tuple(
        f"{'✓' if found.status == COVERED else '✗'} {found.goal.text}" + (f" ({found.hits})" if found.hits else "")
        for found in goals
    )
    return PartCoverage(sum(1 for found in goals if found.status == COVERED), len(goals), facts)
