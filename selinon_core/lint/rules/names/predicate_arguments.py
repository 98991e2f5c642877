from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.keywords import mismatch
from selinon_core.lint.analysis.predicates import PROVIDED
from selinon_core.lint.rule import LintContext, Rule
from selinon_core.lint.words import plural, quoted, suggested
from selinon_core.source import NOWHERE


class PredicateArguments(Rule):
    """A predicate is given arguments that it does not take, or not all that it needs.

    What it does: Compares ``args`` with the parameters of the predicate. ``message`` and ``node_args`` are
    handed in and cannot be configured. Predicates of the project are read from their source; where that
    cannot be found, or a decorator may have changed the parameters, nothing is said.

    Why it is bad: The call fails when the edge is considered, and the flow with it.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldEqual
                  args: {key: status, valeu: ok}

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldEqual
                  args: {key: status, value: ok}
    """

    code = "SEL213"
    severity = Severity.ERROR
    title = "wrong arguments of a predicate"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for use in project.leaf_uses:
            leaf, name = use.leaf, use.leaf.name.name
            signature = project.predicates.signature(name)
            if signature is None or leaf.args is None:
                continue
            differs = mismatch(leaf.args, signature, PROVIDED)
            span = NOWHERE
            if not project.predicates.is_shipped(name) and (symbol := project.predicates.symbol(name)) is not None:
                span = symbol.span
            related = () if span is NOWHERE else (Related(span, f'"{name}" is defined here'),)
            for arg, meant in differs.unknown:
                yield self.found(
                    leaf.arg_spots[arg][0] if arg in leaf.arg_spots else leaf.value_spot("args"),
                    f'predicate "{name}" does not take an argument "{arg}"',
                    note="is handed in, not configured" if arg in PROVIDED else "unknown argument",
                    help=suggested(meant, differs.taken),
                    related=related,
                )
            if differs.missing:
                yield self.found(
                    leaf.name.spot,
                    f'predicate "{name}" needs {plural("argument", differs.missing)}',
                    note="not given",
                    help=f'add {quoted(differs.missing)} to "args"',
                    related=related,
                )
