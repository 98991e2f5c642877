"""Diagnostics for people: a header, the line with carets under the offender, and what helps.

::

    flows/order.yaml:14:15: error[SEL201]: unknown node "Chrage"
       14 |     - from: Chrage
          |             ^^^^^^ no task or flow has this name
          = help: did you mean "Charge" (nodes.yaml:9:13)?
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from selinon_cli.render.style import BLUE, BOLD, SEVERITY_STYLE, styled
from selinon_cli.render.visible import cells, counted, visible
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.diagnostics.location import Span

#: A line longer than this (in columns) is cut around what is pointed at.
LONGEST_LINE = 160
_BEFORE = 60
_CUT = "..."


def render_blocks(diagnostics: Iterable[Diagnostic], sources: Mapping[str, Sequence[str]], *, color: bool) -> str:
    """Render each diagnostic; ``sources`` holds the lines of the files, a file may be missing there."""
    return "".join(_block(diagnostic, sources.get(diagnostic.span.file), color) for diagnostic in diagnostics)


class SourceLines(Mapping[str, Sequence[str]]):
    """The lines of files given as texts, split as YAML does, each file when it is first asked for."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._lines: dict[str, Sequence[str]] = {}

    def __getitem__(self, file: str) -> Sequence[str]:
        if file not in self._lines:
            text = self._texts[file]
            self._lines[file] = split_lines(text)
        return self._lines[file]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def split_lines(text: str) -> list[str]:
    """The lines of a text without their ends; these are the breaks that YAML 1.1 counts."""
    for line_break in ("\r\n", "\r", "\x85", "\u2028", "\u2029"):
        text = text.replace(line_break, "\n")
    return text.split("\n")


def _block(diagnostic: Diagnostic, lines: Sequence[str] | None, color: bool) -> str:
    span, style = diagnostic.span, SEVERITY_STYLE[diagnostic.severity]
    label = styled(f"{diagnostic.severity.value}[{diagnostic.code}]", style, color)
    place = styled(visible(f"{span.file}:{span.line}:{span.column}"), BOLD, color)
    out = [f"{place}: {label}: {visible(diagnostic.message)}"]
    number = str(span.line).rjust(5)
    gutter = " " * len(number)
    bar = styled("|", BLUE, color)
    if lines is not None and 1 <= span.line <= len(lines):
        shown, indent, carets = _pointed_at(lines[span.line - 1], span)
        out.append(f"{styled(number, BLUE, color)} {bar} {shown}".rstrip())
        pointer = styled(f"{'^' * carets} {visible(diagnostic.note)}".rstrip(), style, color)
        out.append(f"{gutter} {bar} {' ' * indent}{pointer}")
    elif diagnostic.note:
        out.append(_remark(gutter, "note", diagnostic.note, color))
    out.extend(
        _remark(gutter, "note", f"{related.message} ({related.span.place})", color)
        for related in diagnostic.related
    )
    if diagnostic.help:
        out.append(_remark(gutter, "help", diagnostic.help, color))
    return "\n".join(out) + "\n"


def _remark(gutter: str, kind: str, text: str, color: bool) -> str:
    head = f"{gutter} {styled('=', BLUE, color)} {styled(kind + ':', BOLD, color)} "
    rest = " " * (len(gutter) + len(f" = {kind}: "))
    return head + f"\n{rest}".join(visible(line) for line in text.split("\n"))


def _pointed_at(line: str, span: Span) -> tuple[str, int, int]:
    """The line as shown, the columns before the carets, and how many carets."""
    start = min(span.column - 1, len(line))
    end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    if len(line) > LONGEST_LINE:
        line, start, end = _cut(line, start, end)
    shown = list(cells(line))
    indent = sum(columns for _, columns in shown[:start])
    carets = sum(columns for _, columns in shown[start : max(end, start)])
    return "".join(text for text, _ in shown), indent, max(carets, 1)


def _cut(line: str, start: int, end: int) -> tuple[str, int, int]:
    """Keep the part of a very long line around what is pointed at."""
    first = max(0, start - _BEFORE)
    last = first + LONGEST_LINE
    front = _CUT if first else ""
    back = _CUT if last < len(line) else ""
    shift = len(front) - first
    return front + line[first:last] + back, start + shift, min(end, last) + shift


def summary(diagnostics: Iterable[Diagnostic], *, files: int, flows: int, tasks: int, suppressed: int = 0) -> str:
    """``2 errors, 1 warning in 3 files (17 flows, 33 tasks)``."""
    severities = [diagnostic.severity for diagnostic in diagnostics]
    parts = [
        counted(number, noun)
        for severity, noun in (
            (Severity.ERROR, "error"),
            (Severity.WARNING, "warning"),
            (Severity.INFO, "info"),
        )
        if (number := severities.count(severity))
    ]
    text = ", ".join(parts) or "no problems"
    text += f" in {counted(files, 'file')} ({counted(flows, 'flow')}, {counted(tasks, 'task')})"
    return text + (f", {suppressed} suppressed" if suppressed else "")
