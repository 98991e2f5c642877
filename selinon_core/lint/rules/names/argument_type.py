from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from selinon_core.diagnostics import Diagnostic, Fix, Severity, fixes_of
from selinon_core.diagnostics.location import SourceLocation
from selinon_core.lint.analysis.literal_types import describe, misfit
from selinon_core.lint.rule import LintContext, Rule


class ArgumentType(Rule):
    """An argument is of a type that its parameter does not take.

    What it does: Compares values in ``args`` and ``configuration`` with the types of the parameters of shipped
    predicates, strategies, caches and storages, and with the annotations in functions and classes of the project.
    Only text, numbers, booleans, null, lists and mappings are compared; texts with placeholders are left out.

    Why it is bad: A predicate that compares a length with a text is never true, and a storage may fail when it is
    built. Mostly a value has quotes that it should not have, or the other way round.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldLenEqual
                  args: {key: pages, length: "3"}

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldLenEqual
                  args: {key: pages, length: 3}
    """

    code = "SEL219"
    severity = Severity.WARNING
    title = "argument of the wrong type"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for call in project.configured():
            for argument, value in call.arguments.items():
                annotation = call.signature.types.get(argument)
                if annotation is None or (isinstance(value, str) and "{" in value):
                    continue
                wanted = misfit(value, annotation)
                if wanted:
                    yield self.found(
                        call.value_spot_of(argument),
                        f'"{argument}" of {call.title} has to be {wanted}, not {describe(value)}',
                        note=f"expected {wanted}",
                        related=call.related,
                        fixes=_without_quotes(call.value_spot_of(argument), value, annotation),
                    )


def _without_quotes(location: SourceLocation, value: Any, annotation: str) -> tuple[Fix, ...]:
    """A number in quotes without them; a condition may turn out otherwise then."""
    number = re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", value) if isinstance(value, str) else None
    if number is None or misfit(float(value) if number[2] else int(value), annotation):
        return ()
    return fixes_of(("write it without quotes", False, location.rewritten(value)))
