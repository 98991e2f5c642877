from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import EdgeDef
from selinon_core.diagnostics import Diagnostic, Severity, fixes_of
from selinon_core.lint.rule import LintContext, Rule


class ResultAtStart(Rule):
    """The condition of a starting edge looks at a result.

    What it does: Finds predicates on a result (those with a parameter ``message``) in conditions of edges
    with an empty ``from``.

    Why it is bad: When a flow starts, nothing has run that could have a result.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
                condition:
                  name: fieldExist
                  args: {key: url}

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
                condition:
                  name: argsFieldExist
                  args: {key: url}
    """

    code = "SEL403"
    severity = Severity.ERROR
    title = "condition on a result in a starting edge"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for use in project.leaf_uses:
            leaf, edge = use.leaf, use.origin
            if not isinstance(edge, EdgeDef) or not edge.is_start or leaf.node is not None or leaf.node_broken:
                continue
            name = leaf.name.name
            if project.predicates.takes_message(name):
                twin = f"args{name[0].upper()}{name[1:]}"
                on_args = f'"{twin}" looks at the arguments of the flow'
                yield self.found(
                    leaf.name.location,
                    f'"{name}" looks at a result, but a starting edge has no source',
                    note="there is no result yet",
                    help=on_args if project.predicates.exists(twin) else "",
                    fixes=fixes_of((f'write "{twin}"', False, leaf.name.location.respelled(name, twin)))
                    if project.predicates.exists(twin)
                    else (),
                )
