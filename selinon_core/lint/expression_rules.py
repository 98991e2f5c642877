"""What the rules about expressions have in common: each reports some kinds of what the checks find."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from selinon_core.diagnostics import Diagnostic, Severity, fixes_of
from selinon_core.expressions.checking.findings import Finding, Kind
from selinon_core.lint.analysis.dataflow.findings import Found
from selinon_core.lint.rule import LintContext, Rule


class ExpressionRule(Rule):
    """A rule that reports findings of some kinds, of refused names those with some reasons."""

    kinds: ClassVar[tuple[Kind, ...]] = ()
    reasons: ClassVar[tuple[str, ...]] = ()

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for found in project.dataflow.found:
            finding = found.finding
            refused = finding.kind is Kind.REFUSED and finding.reason in self.reasons
            if (refused or finding.kind in self.kinds) and self.concerns(found):
                yield self.report(project, found)

    def concerns(self, found: Found) -> bool:
        """Whether a finding of these kinds is one of this rule."""
        return True

    def severity_of(self, finding: Finding) -> Severity:
        """How bad a finding is: an error is one only if the part fails whenever it is worked out."""
        depends = self.severity is Severity.ERROR and not finding.certain
        return Severity.WARNING if depends else self.severity

    def help_for(self, project: LintContext, found: Found) -> str:
        """What to do: what the name was probably meant to be, or what the check says."""
        finding = found.finding
        if not finding.candidates:
            return finding.help
        written = found.expression.text[finding.start : finding.end].strip("\"'")
        return (
            project.did_you_mean(f"{self.code} {finding.candidates}", written, finding.candidates) or finding.help
        )

    def report(self, project: LintContext, found: Found) -> Diagnostic:
        """The diagnostic, at the characters of the text."""
        finding = found.finding
        return self.found(
            found.expression.at(finding.start, finding.end),
            finding.message,
            note=finding.note,
            help=self.help_for(project, found),
            severity=self.severity_of(finding),
            fixes=fixes_of(
                *[
                    (fix.title, fix.safe, found.expression.at(fix.start, fix.end).rewritten(fix.text))
                    for fix in finding.fixes
                ]
            ),
        )
