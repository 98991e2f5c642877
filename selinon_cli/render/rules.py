"""How rules are listed and explained."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from selinon_cli.render.style import BOLD, SEVERITY_STYLE, styled
from selinon_core.diagnostics import Diagnostic, Severity


class RuleText(NamedTuple):
    """What is said about a rule; ``parts`` are the headings of its documentation, in order."""

    code: str
    severity: Severity
    title: str
    summary: str
    parts: Mapping[str, str]

    def plain(self) -> str:
        """The documentation without the summary."""
        return "\n\n".join(f"{heading}:\n{text}" for heading, text in self.parts.items())


def explanation(rule: RuleText, *, color: bool) -> str:
    """Everything about one rule."""
    label = styled(f"{rule.code}", SEVERITY_STYLE[rule.severity], color)
    out = [f"{label}: {rule.title} ({rule.severity.value})"]
    if rule.summary:
        out += ["", rule.summary]
    for heading, text in rule.parts.items():
        out += ["", styled(heading, BOLD, color)]
        out += ["  " + line if line else "" for line in text.split("\n")]
    return "\n".join(out) + "\n"


def rule_list(rules: Sequence[RuleText], *, color: bool) -> str:
    """A table: code, severity, title."""
    return "".join(
        f"{styled(rule.code, SEVERITY_STYLE[rule.severity], color)}  {rule.severity.value:<7}  {rule.title}\n"
        for rule in rules
    )


def rule_json(rules: Sequence[RuleText]) -> str:
    """The rules as a JSON list of ``{code, severity, title, summary, documentation: {heading: text}}``."""
    listed = [
        {
            "code": rule.code,
            "severity": rule.severity.value,
            "title": rule.title,
            "summary": rule.summary,
            "documentation": dict(rule.parts),
        }
        for rule in rules
    ]
    return json.dumps(listed, indent=2) + "\n"


def statistics(diagnostics: Iterable[Diagnostic], titles: Mapping[str, str]) -> str:
    """How often each rule spoke, the most frequent first."""
    counts: dict[str, int] = {}
    for diagnostic in diagnostics:
        counts[diagnostic.code] = counts.get(diagnostic.code, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return "".join(f"{number:>5}  {code}  {titles.get(code, '')}".rstrip() + "\n" for code, number in ordered)
