"""Reading case files in tests: texts to cases and to what is said of them."""

from __future__ import annotations

from textwrap import dedent

from selinon_core.cases.model import Case
from selinon_core.diagnostics import Diagnostic
from selinon_core.plan import Plan
from selinon_core.project.case_files import read_case_text

FILE = "order.flowtest.yaml"


def read(text: str, plan: Plan | None = None) -> tuple[tuple[Case, ...], list[Diagnostic]]:
    """The cases of an indented text, and what is wrong with it."""
    return read_case_text(dedent(text), FILE, plan)


def cases_of(text: str, plan: Plan | None = None) -> tuple[Case, ...]:
    """The cases of a text with which nothing is wrong."""
    cases, found = read(text, plan)
    assert found == []
    return cases


def case_of(text: str, plan: Plan | None = None) -> Case:
    """The one case of a text."""
    (case,) = cases_of(text, plan)
    return case


def wrong(text: str, plan: Plan | None = None) -> list[tuple[str, str, str]]:
    """What is wrong with a text: code, line and column, message."""
    _, found = read(text, plan)
    return [(one.code, f"{one.span.line}:{one.span.column}", one.message) for one in found]
