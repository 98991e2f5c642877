"""A coverage report as an LCOV tracefile: goals are the branches of their line."""

from __future__ import annotations

from collections.abc import Callable

from selinon_core.covering.outputs.lines import Line, lines_of
from selinon_core.covering.report import CoverageReport
from selinon_core.plan.text_wrap import printable


def to_lcov(report: CoverageReport, locate: Callable[[str], str]) -> str:
    """Return the text; ``locate`` makes names of files relative to the repository."""
    text = []
    for file, lines in lines_of(report, locate).items():
        text += ["TN:", f"SF:{printable(file)}"]
        branching = [line for line in lines if len(line.branches) > 1]
        for line in branching:
            text += _branches(line)
        if branching:
            text.append(f"BRF:{sum(len(line.branches) for line in branching)}")
            text.append(f"BRH:{sum(line.covered for line in branching)}")
        text += [f"DA:{line.number},{line.hits}" for line in lines]
        text += [f"LF:{len(lines)}", f"LH:{sum(1 for line in lines if line.hits)}", "end_of_record"]
    return "".join(line + "\n" for line in text)


def _branches(line: Line) -> list[str]:
    """``BRDA:line,block,branch,taken``; ``-`` is for a line that was never reached."""
    return [
        f"BRDA:{line.number},0,{number},{goal.hits if line.hits else '-'}"
        for number, goal in enumerate(line.branches)
    ]
