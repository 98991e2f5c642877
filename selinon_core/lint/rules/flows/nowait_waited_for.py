from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import FlowDef
from selinon_core.diagnostics import Diagnostic, Related, Severity, fixes_of
from selinon_core.lint.analysis.uses import first_refs
from selinon_core.lint.rule import LintContext, Rule


class NowaitWaitedFor(Rule):
    """A ``nowait`` node is waited for after all.

    What it does: Compares ``nowait`` with the sources of the edges, the ``nodes`` of the failures and the
    nodes listed under ``eager_failures``.

    Why it is bad: The flow ignores how a ``nowait`` node ends. An edge behind it never fires, and a fallback or
    an eager failure for it never happens.

    Example:
        flow-definitions:
          - name: nightly
            nowait: Fetch
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store

    Use instead:
        flow-definitions:
          - name: nightly
            nowait: Store
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
    """

    code = "SEL410"
    severity = Severity.ERROR
    title = "nowait node that is waited for"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            if not flow.nowait:
                continue
            uses = _waiting(flow)
            for ref in flow.nowait:
                related = [found[ref.name] for found in uses if ref.name in found]
                if related:
                    yield self.found(
                        ref.location,
                        f'"{ref.name}" is marked "nowait", but something waits for it',
                        note="its end is not looked at",
                        related=related,
                        fixes=fixes_of((f'remove "{ref.name}" here', False, ref.location.removed())),
                    )


def _waiting(flow: FlowDef) -> tuple[dict[str, Related], ...]:
    sources = first_refs(edge.sources for edge in flow.edges)
    failed = first_refs(failure.nodes for failure in flow.failures)
    eager = first_refs([flow.eager_failures.refs])
    return tuple(
        {name: Related(ref.span, said.format(name)) for name, ref in refs.items()}
        for refs, said in (
            (sources, 'an edge waits for "{}" here'),
            (failed, 'a fallback for "{}" is here'),
            (eager, '"{}" is to fail the flow eagerly'),
        )
    )
