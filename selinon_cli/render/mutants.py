"""Verdicts on mutants as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from selinon_cli.render.machine import annotation
from selinon_cli.render.style import BOLD, GREEN, RED, styled
from selinon_core.cases.writing import case_file_text
from selinon_core.mutating.verdicts import Score, Verdict
from selinon_core.plan import Plan

_STYLES = {"survived": RED, "no-coverage": RED, "killed": GREEN, "timeout": GREEN}
_WIDTH = 12


def verdict_text(verdict: Verdict, plan: Plan, *, color: bool) -> str:
    """What became of a mutant: the mutant with its place, and what would notice a survivor."""
    mutant = verdict.mutant
    word = styled(f"{verdict.status:{_WIDTH - 1}}", _STYLES.get(verdict.status, BOLD), color)
    owner = "" if mutant.flow is None else f"{mutant.flow}: "
    place = f"({mutant.place})"
    lines = [f"{word} {owner}{mutant.text}  {place}", f"id {mutant.id}"]
    if verdict.killed_by is not None:
        lines.append(f"by {verdict.killed_by}: {verdict.message}")
    elif verdict.missing is not None:
        lines.append(f"told apart: {verdict.missing.text}. This case would notice (--suggest writes it):")
        lines += case_file_text([verdict.missing.case], plan).splitlines()[1:]
    elif verdict.reason and verdict.status in ("survived", "no-coverage"):
        lines.append(f"not known to be equivalent: {verdict.reason}")
    elif verdict.reason:
        lines.append(verdict.reason)
    return lines[0] + "\n" + "".join(f"{'':{_WIDTH}}{line}\n" for line in lines[1:])


def summary_line(total: Score, seconds: float) -> str:
    """``62 killed, 1 survived, 1 equivalent of 64 mutants in 0.3 s: 98 %``."""
    shown = [
        f"{number} {'not covered' if status == 'no-coverage' else status}"
        for status, number in total.counts.items()
        if number or status in ("killed", "survived")
    ]
    made = sum(total.counts.values())
    percent = "" if total.percent is None else f": {_percent(total.percent)} %"
    return f"{', '.join(shown)} of {made} mutant{'s' * (made != 1)} in {seconds:.2f} s{percent}"


def _percent(percent: float) -> str:
    """Rounded down, so that 100 is nothing but all."""
    return f"{int(percent * 10) / 10:g}" if percent < 100 else "100"


def github(verdicts: Iterable[Verdict], locate: Callable[[str], str]) -> str:
    """The survivors as workflow commands of GitHub, one a line."""
    return "".join(
        annotation(
            "warning",
            locate(verdict.mutant.place.file),
            verdict.mutant.place.line,
            verdict.mutant.place.column,
            f"mutant {verdict.status}: {verdict.mutant.operator}",
            verdict.mutant.text,
        )
        for verdict in verdicts
        if verdict.status in ("survived", "no-coverage")
    )
