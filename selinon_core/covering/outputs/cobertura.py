"""A coverage report as Cobertura XML: one class per YAML file, goals as the branches of their line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from xml.sax.saxutils import quoteattr

from selinon_core.covering.outputs.lines import Line, lines_of
from selinon_core.covering.report import CoverageReport
from selinon_core.plan.text_wrap import printable
from selinon_core.version import __version__

_DOCTYPE = '<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">'


def to_cobertura(report: CoverageReport, root: str, locate: Callable[[str], str], timestamp: int = 0) -> str:
    """Return the XML. ``root`` is the directory that names are relative to once ``locate`` has made them so.

    ``timestamp`` is in milliseconds since 1970, as readers expect it.
    """
    files = lines_of(report, locate)
    packages: dict[str, dict[str, list[Line]]] = {}
    for file, lines in files.items():
        packages.setdefault(os.path.dirname(file), {})[file] = lines
    every = [line for lines in files.values() for line in lines]
    covered, valid, branches, all_branches = _numbers(every)
    text = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        _DOCTYPE,
        f'<coverage version="{__version__}" timestamp="{timestamp}" lines-valid="{valid}" '
        f'lines-covered="{covered}" branches-covered="{branches}" branches-valid="{all_branches}" '
        f'{_rates(every)} complexity="0">',
        f"<sources><source>{_text(root)}</source></sources>",
        "<packages>",
    ]
    for package, classes in sorted(packages.items()):
        inside = [line for lines in classes.values() for line in lines]
        name = package.replace("/", ".") or "."
        text.append(f'<package name={_attribute(name)} {_rates(inside)} complexity="0"><classes>')
        for file, lines in classes.items():
            base = _attribute(os.path.basename(file))
            text.append(
                f'<class name={base} filename={_attribute(file)} {_rates(lines)} complexity="0"><methods/><lines>'
            )
            text.extend(_line(line) for line in lines)
            text.append("</lines></class>")
        text.append("</classes></package>")
    return "\n".join([*text, "</packages>", "</coverage>", ""])


def _line(line: Line) -> str:
    if len(line.branches) < 2:
        return f'<line number="{line.number}" hits="{line.hits}"/>'
    return (
        f'<line number="{line.number}" hits="{line.hits}" branch="true" '
        f'condition-coverage="{line.percent}% ({line.covered}/{len(line.branches)})"/>'
    )


def _numbers(lines: Iterable[Line]) -> tuple[int, int, int, int]:
    """Covered lines, lines, covered branches, branches; only lines of several goals have branches."""
    found = list(lines)
    branching = [line for line in found if len(line.branches) > 1]
    return (
        sum(1 for line in found if line.hits),
        len(found),
        sum(line.covered for line in branching),
        sum(len(line.branches) for line in branching),
    )


def _rates(lines: Iterable[Line]) -> str:
    covered, valid, branches, all_branches = _numbers(lines)
    return f'line-rate="{_rate(covered, valid)}" branch-rate="{_rate(branches, all_branches)}"'


def _rate(part: int, whole: int) -> str:
    """From 0 to 1, rounded down to four places; 1 of nothing, as coverage.py has it."""
    return "1" if part == whole else f"{part * 10_000 // whole / 10_000:g}"


def _attribute(text: str) -> str:
    return quoteattr(printable(text))


def _text(text: str) -> str:
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
