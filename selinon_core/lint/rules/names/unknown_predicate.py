from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.location import NOWHERE
from selinon_core.lint.code.symbols import Kind
from selinon_core.lint.rule import LintContext, Rule


class UnknownPredicate(Rule):
    """A condition calls a predicate that does not exist.

    What it does: Looks predicates up among the shipped ones or, with ``global.predicates_module``, in that
    module. When the module cannot be found, a name that is not a shipped predicate is reported once,
    as information.

    Why it is bad: A condition that cannot be evaluated makes the flow fail when the edge is considered.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldEquals
                  args: {key: status, value: ok}

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

    code = "SEL204"
    severity = Severity.ERROR
    title = "unknown predicate"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        predicates = project.predicates
        unsure: set[str] = set()
        for use in project.leaf_uses:
            name = use.leaf.name.name
            exists = predicates.exists(name)
            if exists and (symbol := predicates.own_symbol(name)) and symbol.kind in (Kind.VALUE, Kind.MODULE):
                yield self.found(
                    use.leaf.name.location,
                    f'"{name}" in module "{predicates.module}" is a {symbol.kind.value}, not a function',
                    note="expected a predicate",
                    related=() if symbol.span is NOWHERE else (Related(symbol.span, "it is defined here"),),
                )
            if exists or (exists is None and (name in predicates.names() or name in unsure)):
                continue
            close = project.did_you_mean("predicate", name, predicates.names())
            if exists is None:
                unsure.add(name)
                yield self.found(
                    use.leaf.name.location,
                    f'cannot check whether there is a predicate "{name}"',
                    note=f'module "{predicates.module}" cannot be looked at',
                    help=close,
                    severity=Severity.INFO,
                )
            else:
                where = "shipped predicate" if predicates.module is None else f'predicate in "{predicates.module}"'
                yield self.found(
                    use.leaf.name.location,
                    f'unknown predicate "{name}"',
                    note=f"no {where} has this name",
                    help=close,
                )
