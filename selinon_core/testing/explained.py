"""Why a case is not fine, as lines for people: what was expected, what was found instead, and its reasons."""

from __future__ import annotations

from collections.abc import Iterator

from selinon_core.explaining.reason_text import reason_lines
from selinon_core.plan.text_wrap import printable
from selinon_core.testing.results import CaseResult, Finding

#: Where the reasons of a finding begin.
_INDENT = 14
#: Findings about a case as a whole, whose place stands in its line.
_OF_CASE = ("xfail", "max_steps", "error")


def explanation(result: CaseResult) -> str:
    """Why a case is not fine: every finding, then what its tasks printed. Empty for one that is."""
    lines: list[str] = []
    if result.runs > 1 and result.failed_runs:
        lines.append(f"  with seed {result.seed} ({result.failed_runs} of {result.runs} seeds fail)")
    elif result.seed and result.failed_runs:
        lines.append(f"  with seed {result.seed}")
    for finding in result.findings if not result.is_fine else ():
        lines += _finding(finding)
    if result.status == "stale":
        lines.append(f"  {printable(result.reason)}")
    if result.output:
        lines.append("  printed")
        lines += [f"    | {printable(line)}" for line in result.output.splitlines()]
    return "\n".join(lines) + "\n" if lines else ""


def _finding(finding: Finding) -> Iterator[str]:
    if finding.wanted:
        place = f"  ({printable(finding.where)})" if finding.where and finding.expectation not in _OF_CASE else ""
        is_of_flow = finding.expectation == "stand_ins"
        yield f"  expected  {printable(finding.wanted)}{'' if is_of_flow else place}"
        yield f"  but       {printable(finding.found)}{place if is_of_flow else ''}"
    else:
        yield f"  {printable(finding.found)}"
    yield from reason_lines(finding.reasons, _INDENT)
