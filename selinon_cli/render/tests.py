"""Results of flow tests for people, and as annotations of GitHub workflows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from selinon_cli.render.machine import annotation
from selinon_cli.render.style import BOLD, CYAN, GREEN, RED, YELLOW, styled
from selinon_cli.render.visible import visible
from selinon_core.cases.model import Case
from selinon_core.testing.results import CaseResult, Note, counts

_STYLES = {"passed": GREEN, "failed": RED, "error": RED, "stale": RED, "skipped": YELLOW, "xfailed": YELLOW}
_PLACE_COLUMN = 84


def case_line(case: Case, result: CaseResult, *, color: bool) -> str:
    """A case with its status and its place, on one line."""
    status = styled(result.status.upper(), _STYLES[result.status], color)
    head = f"{visible(case.id)} ... {result.status.upper()}"
    place = f"({case.place})"
    gap = " " * max(2, _PLACE_COLUMN - len(head))
    return f"{visible(case.id)} ... {status}{gap}{place}\n"


def summary_line(results: Iterable[CaseResult], seconds: float, notes: Sequence[Note]) -> str:
    """The closing line: how many cases came to what, in how many runs, and which mocks nothing checks."""
    results = list(results)
    numbers = [f"{number} {status}" for status, number in counts(results).items() if number]
    runs = sum(result.runs for result in results)
    seeds = f", {runs} seeds" if runs > len(results) else ""
    text = f"{', '.join(numbers) or 'no case ran'}{seeds} in {seconds:.2f} s"
    unchecked = list(dict.fromkeys(note.text for note in notes if note.kind == "unchecked-mock"))
    if unchecked:
        names = ", ".join(unchecked[:5]) + (", ..." if len(unchecked) > 5 else "")
        one = len(unchecked) == 1
        what = "1 mock is unchecked" if one else f"{len(unchecked)} mocks are unchecked"
        text += f"; {what} ({names} {'has' if one else 'have'} no output_schema)"
    return text


def note_line(note: Note, *, is_error: bool, color: bool) -> str:
    """A note on its own line."""
    label = styled("error:", RED, color) if is_error else styled("note:", CYAN, color)
    place = styled(f"{visible(note.where)}: ", BOLD, color) if note.where else ""
    return f"{place}{label} {visible(note.text)}\n"


def slowest(pairs: Iterable[tuple[Case, CaseResult]], number: int) -> str:
    """The cases that took most real time."""
    ordered = sorted(pairs, key=lambda pair: -pair[1].seconds)[:number]
    return "".join(f"{result.seconds:9.3f} s  {visible(case.id)}\n" for case, result in ordered)


def github(pairs: Iterable[tuple[Case, CaseResult]], locate: Callable[[str], str]) -> str:
    """An annotation for each case that is not fine, at its place."""
    return "".join(
        annotation(
            "error", locate(case.place.file), case.place.line, case.place.column, case.title, _annotated(result)
        )
        for case, result in pairs
        if not result.is_fine
    )


def _annotated(result: CaseResult) -> str:
    if result.findings:
        return "\n".join(finding.message for finding in result.findings)
    return result.reason or result.status
