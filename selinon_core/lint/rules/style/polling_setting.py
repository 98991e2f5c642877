from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import CacheDef, FlowDef, SamplingDef
from selinon_core.diagnostics import Diagnostic, Fix, Severity, fixes_of
from selinon_core.lint.rule import LintContext, Rule
from selinon_core.plan import shipped

#: Seconds of silence that pass anyway before a flow run is looked at.
LEAST_SILENCE = 60


class PollingSetting(Rule):
    """A setting of a flow is about polling, and flows are not polled.

    What it does: Looks at projects that import ``selinon``.
    Mentions flows with a ``cache`` of node states, and flows with a shipped ``sampling`` strategy
    whose numbers are all 60 seconds or less. (The *increase* and *adapt* strategies are mentioned by a rule of
    their own.)

    Why it is bad: A flow goes on at once when one of its nodes ends. ``sampling`` only says how long a silence
    may be before the flow is looked at, which is a minute at least; short intervals that kept a flow quick in
    Selinon 1.x do nothing. States of nodes are not asked for, so that nothing is ever in their cache.

    Example:
        flow-definitions:
          - name: nightly
            sampling:
              name: constant
              args: {retry: 2}
            edges:
              - from:
                to: Fetch

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL913"
    severity = Severity.INFO
    title = "setting about polling without effect"
    about_selinon_1 = True

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            if flow.sampling is not None and _is_too_short(flow.sampling):
                yield self.found(
                    flow.sampling.location,
                    "this polling interval has no effect",
                    note="flows go on when a node ends",
                    help="leave it out",
                    fixes=_left_out(flow, "sampling"),
                )
            if flow.cache is not None and _is_known(flow.cache):
                yield self.found(
                    flow.cache.location,
                    "a cache of node states is not used",
                    note="states are not asked for",
                    help="leave it out",
                    fixes=_left_out(flow, "cache"),
                )


def _left_out(flow: FlowDef, key: str) -> tuple[Fix, ...]:
    return fixes_of((f'remove "{key}"', not flow.location.is_shared, flow.without(key)))


def _is_too_short(sampling: SamplingDef) -> bool:
    function = sampling.function
    if function is None or function.module.name not in shipped.STRATEGY_MODULES:
        return False
    name, args = function.name.name, sampling.args or {}
    if name.endswith(("_increase", "_adapt")) or set(args) != set(shipped.STRATEGIES.get(name, ())):
        return False  # another rule reports wrong arguments
    return bool(args) and all(isinstance(n, (int, float)) and n <= LEAST_SILENCE for n in args.values())


def _is_known(cache: CacheDef) -> bool:
    function = cache.function
    return function is not None and (
        function.module.name not in shipped.CACHE_MODULES or function.name.name in shipped.CACHES
    )
