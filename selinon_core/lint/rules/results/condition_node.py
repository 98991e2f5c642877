from __future__ import annotations

import itertools
from collections.abc import Iterator

from selinon_core.config.model import EdgeDef, NameRef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.wording import quoted
from selinon_core.lint.rule import LintContext, Rule


class ConditionNode(Rule):
    """The ``node`` of a condition leads nowhere.

    What it does: ``node`` is a source of the edge, or a path that begins with a sub-flow among the sources
    and leads through the sub-flows started there to a task. Every step of it is checked.

    Why it is bad: The condition has no result to read.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [Fetch, Parse]
              - from: Fetch
                to: Store
                condition:
                  name: fieldExist
                  node: Parse
                  args: {key: url}

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [Fetch, Parse]
              - from: [Fetch, Parse]
                to: Store
                condition:
                  name: fieldExist
                  node: Parse
                  args: {key: url}
    """

    code = "SEL405"
    severity = Severity.ERROR
    title = "condition on a node that is not a source"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for use in project.leaf_uses:
            path, edge = use.leaf.node, use.origin
            if not path or not isinstance(edge, EdgeDef) or edge.sources is None:
                continue
            sources = dict.fromkeys(ref.name for ref in edge.sources)
            if path[0].name not in sources:
                yield self.found(
                    path[0].location,
                    f'"{path[0].name}" is not a source of this edge',
                    note="expected " + quoted(sources, "or") if sources else "a starting edge has no sources",
                    help=project.did_you_mean(f"source of {id(edge)}", path[0].name, sources),
                    related=[Related(edge.value_location("from").span, "the sources are here")] if sources else (),
                )
            elif len(path) > 1:
                yield from self._follow(project, path)

    def _follow(self, project: LintContext, path: tuple[NameRef, ...]) -> Iterator[Diagnostic]:
        model = project.model
        for flow_ref, ref in itertools.pairwise(path):
            flow = model.flow_by_name.get(flow_ref.name)
            if not model.is_flow(flow_ref.name) or flow is None:
                if flow_ref.name in model.task_by_name:
                    yield self.found(
                        flow_ref.location,
                        f'"{flow_ref.name}" is a task: the path cannot lead on from it',
                        note="expected a flow",
                    )
                return
            facts = project.facts(flow)
            if ref.name not in facts.starters:
                if not facts.may_start(ref.name) and ref.name not in model.maybe_defined:
                    yield self.found(
                        ref.location,
                        f'flow "{flow_ref.name}" never starts "{ref.name}"',
                        note="not in this flow",
                        help=project.did_you_mean(f"started in {id(flow)}", ref.name, facts.starters),
                        related=(Related(flow.name.span, f'flow "{flow_ref.name}" is defined here'),),
                    )
                return
        if model.is_flow(path[-1].name):
            yield self.found(
                path[-1].location,
                f'the path ends in flow "{path[-1].name}"; only tasks have results',
                note="expected a task",
            )
