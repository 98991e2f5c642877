"""A coverage report as one page that needs nothing else: drawings, goals with their cases, files with hits.

The page runs no script and loads nothing. All text is escaped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from selinon_core.covering.outputs.drawing import coverage_svg
from selinon_core.covering.outputs.lines import Line, lines_of
from selinon_core.covering.outputs.page_style import CSS
from selinon_core.covering.report import (
    COVERED,
    MISSING,
    Counts,
    CoverageReport,
    FlowCoverage,
    GoalCoverage,
    percent_text,
)
from selinon_core.diagnostics.location import Place
from selinon_core.plan import Plan
from selinon_core.plan.text_wrap import printable
from selinon_core.version import __version__

#: Cases named per goal: a page with every goal of a thousand cases would not be read.
_MOST_CASES = 20
_MARKS = {COVERED: "✓", MISSING: "✗"}
_OTHER = "\u2013"


def to_html(plan: Plan, report: CoverageReport, sources: Mapping[str, str]) -> str:
    """Return the page. ``sources`` has the texts of the YAML files by the names that places have."""
    files = lines_of(report)
    shown = [name for name in sources if name in files]
    body = [
        "<header><h1>Coverage of flows</h1>",
        f"<p>{_summary(report)}</p></header>",
        "<main>",
        _flows(report),
        *(_flow(plan, flow, number, set(shown)) for number, flow in enumerate(report.flows)),
        *(_file(name, sources[name], files[name]) for name in shown),
        f'<p class="muted">selinon {__version__}</p>',
        "</main>",
    ]
    return _PAGE.format(css=CSS, body="\n".join(body))


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Coverage of flows</title>
<style>
{css}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _summary(report: CoverageReport) -> str:
    total = report.total
    if not total.goals:
        return "No flow has a goal."
    cases = len(report.cases)
    text = f"{_percent(total)} of {total.goals} goals are covered, by {cases} case{'' if cases == 1 else 's'}."
    if report.without_leaves:
        text += f" {report.without_leaves} decisions came without the values of their predicates."
    if report.without_attempts:
        text += f" {report.without_attempts} runs came without the attempts of their tasks."
    return text


def _percent(counts: Counts) -> str:
    return f'<span class="percent {_tone(counts)}">{percent_text(counts)}</span>'


def _tone(counts: Counts) -> str:
    if not counts.goals:
        return "muted"
    return "good" if counts.covered == counts.goals else "part" if counts.covered else "bad"


def _flows(report: CoverageReport) -> str:
    rows = "\n".join(
        f'<tr><td><a href="#{_flow_id(flow.name)}">{_text(flow.name)}</a></td><td>{_bar(flow.counts)}</td>'
        f'<td class="number">{flow.counts.covered}/{flow.counts.goals}</td>'
        f'<td class="number">{_percent(flow.counts)}</td></tr>'
        for flow in report.flows
    )
    return f'<table class="flows"><tbody>\n{rows}\n</tbody></table>'


def _bar(counts: Counts) -> str:
    percent = counts.percent
    return "" if percent is None else f'<span class="bar"><i style="width:{percent:g}%"></i></span>'


def _flow(plan: Plan, flow: FlowCoverage, number: int, files: set[str]) -> str:
    counts = flow.counts
    parts = [
        f'<section id="{_flow_id(flow.name)}"><h2>{_text(flow.name)}</h2>',
        f'<p>{_percent(counts)} <span class="muted">{counts.covered} of {counts.goals} goals</span></p>',
        f'<figure tabindex="0">{coverage_svg(plan, flow, f"f{number}-")}</figure>',
        _goals("Missing", flow.having(MISSING), files, is_open=True),
        _goals("Covered", flow.having(COVERED), files),
        _goals("Impossible", flow.having("impossible"), files),
        _goals("Ignored", flow.having("ignored"), files),
        _goals("Not counted", flow.more, files),
    ]
    if flow.reused:
        names = ", ".join(f"{_text(name)} ({times})" for name, times in flow.reused.items())
        parts.append(f'<p class="muted">Results of earlier runs were reused: {names}.</p>')
    return "\n".join(part for part in [*parts, "</section>"] if part)


def _goals(title: str, goals: Sequence[GoalCoverage], files: set[str], *, is_open: bool = False) -> str:
    if not goals:
        return ""
    rows = "\n".join(_goal(goal, files) for goal in goals)
    return (
        f"<details{' open' if is_open else ''}><summary>{title} ({len(goals)})</summary>\n"
        f'<table class="goals"><tbody>\n{rows}\n</tbody></table></details>'
    )


def _goal(found: GoalCoverage, files: set[str]) -> str:
    goal = found.goal
    status = found.status if found.status in _MARKS else "apart"
    text = f'{_text(goal.text)} <span class="kind">{goal.kind}</span>'
    if found.reason:
        text += f'<br><span class="muted">{_text(found.reason)}</span>'
    return (
        f'<tr class="{status}" id="{_id(goal.id)}"><td>{_MARKS.get(found.status, _OTHER)}</td>'
        f'<td>{text}{_cases(found)}</td><td class="number">{found.hits or ""}</td>'
        f'<td class="place">{_place(goal.place, files)}</td></tr>'
    )


def _cases(found: GoalCoverage) -> str:
    if not found.by:
        return ""
    items = "".join(f"<li>{_text(case)}</li>" for case in found.by[:_MOST_CASES])
    more = len(found.by) - _MOST_CASES
    items += f"<li>and {more} more</li>" if more > 0 else ""
    count = len(found.by)
    return (
        f"<details><summary>{count} case{'' if count == 1 else 's'}</summary>"
        f'<ul class="cases">{items}</ul></details>'
    )


def _place(place: Place, files: set[str]) -> str:
    shown = _text(f"{place.file}:{place.line}")
    return f'<a href="#{_line_id(place.file, place.line)}">{shown}</a>' if place.file in files else shown


def _file(name: str, text: str, lines: Sequence[Line]) -> str:
    known = {line.number: line for line in lines}
    rows = [
        _row(name, number, content, known.get(number))
        for number, content in enumerate(re.split(r"\r\n|\r|\n", text.removesuffix("\n")), 1)
    ]
    return (
        f'<section><h2>{_text(name)}</h2><div class="file" tabindex="0"><table><tbody>\n'
        + "\n".join(rows)
        + "\n</tbody></table></div></section>"
    )


def _row(name: str, number: int, content: str, line: Line | None) -> str:
    shown = _text(content.expandtabs(4))
    start = f'<tr id="{_line_id(name, number)}"'
    if line is None:
        return f'{start}><td class="number">{number}</td><td class="hits"></td><td>{shown}</td></tr>'
    total = len(line.branches)
    state = "covered" if line.covered == total else "partly" if line.covered else "never"
    goals = html.escape(
        "\n".join(f"{_MARKS[g.status]} {printable(g.goal.flow)}: {printable(g.goal.text)}" for g in line.branches)
    )
    hits = f"{line.hits}" if state != "partly" else f"{line.covered}/{total} · {line.hits}"
    return (
        f'{start} class="{state}" title="{goals}"><td class="number">{number}</td>'
        f'<td class="hits">{hits}</td><td>{shown}</td></tr>'
    )


def _flow_id(name: str) -> str:
    return f"flow-{_id(name)}"


def _line_id(file: str, line: int) -> str:
    """As links of the drawings have it: see ``drawing.LINK``."""
    return f"{_id(file)}:{line}"


def _id(text: str) -> str:
    return quote(text.replace("\\", "/"))


def _text(text: str) -> str:
    return html.escape(printable(text))
