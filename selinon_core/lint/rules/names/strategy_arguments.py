from __future__ import annotations

from collections.abc import Iterator

from selinon_core import shipped
from selinon_core.config.model import ImportDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.keywords import argument_spot, mismatch
from selinon_core.lint.code.symbols import Kind, Signature
from selinon_core.lint.rule import LintContext, Rule
from selinon_core.lint.words import plural, quoted, suggested
from selinon_core.source import NOWHERE, Span

#: The one strategy that has arguments of its own when none are given.
DEFAULT_SAMPLING = "biexponential_increase"


class StrategyArguments(Rule):
    """A sampling strategy is given arguments that it does not take, or not all that it needs.

    What it does: Compares ``sampling.args`` with the parameters of the strategy; ``status`` is handed in.

    Why it is bad: The call fails whenever the flow is to be looked at.

    Example:
        flow-definitions:
          - name: nightly
            sampling:
              name: biexponential_decrease
              args: {start_retry: 60, stop_rerty: 2}
            edges:
              - from:
                to: Fetch

    Use instead:
        flow-definitions:
          - name: nightly
            sampling:
              name: constant
              args: {retry: 300}
            edges:
              - from:
                to: Fetch
    """

    code = "SEL214"
    severity = Severity.ERROR
    title = "wrong arguments of a sampling strategy"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            sampling = flow.sampling
            if sampling is None or sampling.function is None:
                continue
            name, args = sampling.function.name, sampling.args
            if args is None:
                if sampling.given("args") or name.name == DEFAULT_SAMPLING:
                    continue  # broken, or the defaults
                args = {}
            signature, span = _signature(project, sampling.function)
            if signature is None:
                continue
            related = () if span is NOWHERE else (Related(span, f'"{name.name}" is defined here'),)
            differs = mismatch(args, signature, ("status",))
            for arg, meant in differs.unknown:
                yield self.found(
                    argument_spot(sampling, "args", arg),
                    f'strategy "{name.name}" does not take an argument "{arg}"',
                    note="is handed in, not configured" if arg == "status" else "unknown argument",
                    help=suggested(meant, differs.taken),
                    related=related,
                )
            if differs.missing:
                yield self.found(
                    name.spot,
                    f'strategy "{name.name}" needs {plural("argument", differs.missing)}',
                    note="not given",
                    help=f'add {quoted(differs.missing)} to "args"',
                    related=related,
                )


def _signature(project: LintContext, function: ImportDef) -> tuple[Signature | None, Span]:
    name = function.name.name
    if function.module.name in shipped.STRATEGY_MODULES:
        args = shipped.STRATEGIES.get(name)
        return (None if args is None else Signature(args, frozenset(args), frozenset(args))), NOWHERE
    symbol = project.code.lookup(function.module.name, name)
    if symbol is None or symbol.kind is not Kind.FUNCTION or symbol.signature is None:
        return None, NOWHERE
    called = symbol.signature
    if not called.positional:
        return None, NOWHERE  # another rule's matter
    # The first parameter gets the status, whatever its name.
    first = called.positional[0]
    return called._replace(
        positional=called.positional[1:], by_name=called.by_name - {first}, required=called.required - {first}
    ), symbol.span
