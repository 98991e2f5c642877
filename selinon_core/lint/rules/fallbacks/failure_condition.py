from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import FailureDef
from selinon_core.diagnostics import Diagnostic, Severity, fixes_of
from selinon_core.lint.rule import LintContext, Rule


class FailureCondition(Rule):
    """The condition of a fallback looks at a result.

    What it does: Finds predicates with a parameter ``message``, or with a ``node``, in conditions of
    failures.

    Why it is bad: A failed node has no result. Such a condition can look at the arguments of the flow and at
    the environment.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
            failures:
              - nodes: Fetch
                fallback: Rescue
                condition:
                  name: fieldExist
                  args: {key: url}

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
            failures:
              - nodes: Fetch
                fallback: Rescue
                condition:
                  name: argsFieldExist
                  args: {key: url}
    """

    code = "SEL503"
    severity = Severity.ERROR
    title = "fallback condition on a result"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for use in project.leaf_uses:
            if not isinstance(use.origin, FailureDef):
                continue
            leaf, name = use.leaf, use.leaf.name.name
            if project.predicates.takes_message(name):
                twin = f"args{name[0].upper()}{name[1:]}"
                yield self.found(
                    leaf.name.location,
                    f'"{name}" looks at a result, but a failed node has none',
                    note="expected a predicate on arguments or environment",
                    help=f'"{twin}" looks at the arguments of the flow' if project.predicates.exists(twin) else "",
                    fixes=fixes_of((f'write "{twin}"', False, leaf.name.location.respelled(name, twin)))
                    if project.predicates.exists(twin)
                    else (),
                )
            elif leaf.node:
                yield self.found(
                    leaf.node[0].location,
                    'the condition of a fallback has no sources, so there is nothing that "node" could mean',
                    note="not allowed here",
                    fixes=fixes_of(('remove "node"', False, leaf.without("node"))),
                )
