"""What tests or runs have covered, for people: a table of flows, and the goals that are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from selinon_cli.render.columns import table
from selinon_cli.render.style import BOLD, GREEN, RED, YELLOW, styled
from selinon_cli.render.visible import counted, visible, width
from selinon_core.explaining.reason_text import reason_lines
from selinon_core.plan.text_wrap import printable

if TYPE_CHECKING:
    from selinon_cli.uncovered_reasons import Why
    from selinon_core.covering import CoverageReport, GoalCoverage
    from selinon_core.diagnostics.location import Place

#: Goals named per section unless all are asked for.
MOST_GOALS = 50
TIMES = "\u00d7"
#: Cases named behind a goal.
_MOST_CASES = 3
_NOTHING: Mapping[str, Why] = {}
_HINTS = {
    "failures": "goals about failures: {} of {} covered; they are not counted (--failures counts them)",
    "mcdc": "predicates that decide: {} of {} covered; they are not counted (--mcdc counts them)",
}


def coverage_text(
    report: CoverageReport, *, show: str = "missing", color: bool = False, why: Mapping[str, Why] | None = None
) -> str:
    """The table, then the missing goals and those set apart; ``show="all"`` lists the covered ones too.

    ``why``: what kept goals from being met, by their ids.
    """
    parts = [_table(report, color)]
    most = None if show == "all" else MOST_GOALS
    if show == "all":
        parts.append(_section("covered", report.having("covered"), GREEN, color, most, _by))
    parts.append(_section("missing", report.having("missing"), RED, color, most, why=why or {}))
    parts.append(_section("impossible", report.having("impossible"), BOLD, color, most, _reason))
    parts.append(_section("ignored", report.having("ignored"), BOLD, color, most, _reason))
    parts.append(_apart(report, color, show))
    if report.without_leaves:
        parts.append(
            f"{counted(report.without_leaves, 'decision')} came without the values of their predicates: "
            "they count for edges, not for predicates\n"
        )
    if report.without_attempts:
        parts.append(
            f"{counted(report.without_attempts, 'run')} came without the attempts of their tasks: "
            "retries and time-outs of tasks are not counted for them\n"
        )
    return "\n".join(part for part in parts if part)


def coverage_line(report: CoverageReport) -> str:
    """One line: ``19 of 20 goals covered: 95 %``."""
    from selinon_core.covering.report import percent_text

    total = report.total
    if not total.goals:
        return "no flow has a goal"
    return f"{total.covered} of {counted(total.goals, 'goal')} covered: {percent_text(total)}"


def _table(report: CoverageReport, color: bool) -> str:
    from selinon_core.covering.report import percent_text

    has_reused = any(flow.reused for flow in report.flows)
    header = ["flow", "covered", "goals", "percent", *(["reused"] if has_reused else [])]
    rows: list[list[object]] = []
    for flow in report.flows:
        counts = flow.counts
        row: list[object] = [flow.name, counts.covered, counts.goals, percent_text(counts).rjust(7)]
        rows.append([*row, sum(flow.reused.values())] if has_reused else row)
    total = report.total
    row = ["total", total.covered, total.goals, percent_text(total).rjust(7)]
    reused = sum(sum(flow.reused.values()) for flow in report.flows)
    rows.append([*row, reused] if has_reused else row)
    return table(header, rows, color=color)


def _section(
    title: str,
    goals: Sequence[GoalCoverage],
    style: str,
    color: bool,
    most: int | None,
    behind: Callable[[GoalCoverage], str] = lambda goal: "",
    why: Mapping[str, Why] = _NOTHING,
) -> str:
    if not goals:
        return ""
    lines = [
        "\n".join([line, *_why_lines(why.get(goal.goal.id), goal.goal.flow)])
        for line, goal in zip(_goal_lines(goals, behind), goals, strict=True)
    ]
    shown = lines if most is None else lines[:most]
    more = [f"  ... and {len(lines) - len(shown)} more (--show all)"] if len(lines) > len(shown) else []
    return "\n".join([styled(f"{title}", style, color), *shown, *more, ""])


def _why_lines(why: Why | None, flow: str) -> Iterator[str]:
    """The case that came nearest, and what kept it from the goal."""
    if why is None:
        return
    if why.nearest is None:
        yield f"    no case that can be run again runs flow {visible(flow)}"
        return
    yield f"    nearest: {visible(why.nearest)}"
    for answer in why.answers:
        yield f"      {printable(answer.text)}"
        yield from reason_lines(answer.because, 8)


def _goal_lines(goals: Sequence[GoalCoverage], behind: Callable[[GoalCoverage], str]) -> list[str]:
    """A line per goal; it says so where an anchor or a merge key puts the place into several flows."""
    flows = _flows_of_places(goals)
    rows = []
    for goal in goals:
        times = flows[goal.goal.place]
        place = visible(str(goal.goal.place)) + (f" ({TIMES}{times} flows)" if times > 1 else "")
        rows.append((visible(goal.goal.flow), visible(goal.goal.text), place, behind(goal)))
    widths = [max(width(row[column]) for row in rows) for column in range(3)]
    return [("  " + "  ".join([*map(_padded, row[:3], widths), row[3]])).rstrip() for row in rows]


def _flows_of_places(goals: Iterable[GoalCoverage]) -> Counter[Place]:
    return Counter(place for place, _ in {(goal.goal.place, goal.goal.flow) for goal in goals})


def _padded(text: str, to: int) -> str:
    return text + " " * (to - width(text))


def _reason(goal: GoalCoverage) -> str:
    return visible(goal.reason)


def _by(goal: GoalCoverage) -> str:
    names = ", ".join(visible(case) for case in goal.by[:_MOST_CASES])
    return names + (f", ... ({len(goal.by)} cases)" if len(goal.by) > _MOST_CASES else "")


def _apart(report: CoverageReport, color: bool, show: str) -> str:
    """Goals that only count when asked for: how many there are, with ``show="all"`` which ones."""
    from selinon_core.covering.goals import KINDS

    parts = []
    for needs, hint in _HINTS.items():
        goals = [goal for flow in report.flows for goal in flow.more if KINDS[goal.goal.kind].needs == needs]
        if not goals:
            continue
        covered = sum(1 for goal in goals if goal.status == "covered")
        line = hint.format(covered, len(goals))
        if show != "all":
            if needs == "failures":
                parts.append(line + "\n")
            continue
        parts.append("\n".join([styled(line, YELLOW, color), *_goal_lines(goals, _status), ""]))
    return "\n".join(parts)


def _status(goal: GoalCoverage) -> str:
    return goal.status


def to_github(report: CoverageReport, locate: Callable[[str], str]) -> str:
    """The missing goals as workflow commands of GitHub, one a line."""
    from selinon_cli.render.machine import annotation

    return "".join(
        annotation(
            "warning", locate(goal.goal.place.file), goal.goal.place.line, goal.goal.place.column,
            f"not covered: {goal.goal.kind}", f"{goal.goal.flow}: {goal.goal.text}",
        )
        for goal in report.having("missing")
    )  # fmt: skip
