from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import EdgeDef, ForeachItemsDef
from selinon_core.diagnostics import Diagnostic, Related
from selinon_core.diagnostics.location import SourceLocation
from selinon_core.expressions.type_fit import misfits
from selinon_core.lint.analysis.dataflow.findings import Given
from selinon_core.lint.misfit_rules import Compared, MisfitRule
from selinon_core.lint.rule import LintContext


class ArgumentsMisfit(MisfitRule):
    """Arguments do not fit the `input_schema` of the node that gets them.

    What it does: Compares what edges and failures give their nodes with the `input_schema` of each: keys that
    are missing, keys that there are not, and types. That are `args`; without them the items of the foreach, for
    tasks and the sub-flows of `propagate_node_args` the arguments of the flow, and for other sub-flows nothing.
    What depends on the values, as something that may be missing or null, is a warning.

    Why it is bad: The node fails before it starts.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: order
                args: {numbr: 7}
          - name: order
            input_schema:
              type: object
              properties: {number: {type: integer}}
              required: [number]
              additionalProperties: false
            edges:
              - from:
                to: Fetch

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: order
                args: {number: 7}
          - name: order
            input_schema:
              type: object
              properties: {number: {type: integer}}
              required: [number]
              additionalProperties: false
            edges:
              - from:
                to: Fetch
    """

    code = "SEL443"
    title = "arguments that do not fit"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for given in project.dataflow.given:
            found = list(misfits(given.type, given.takes.type))
            if found:
                yield from self.misfits_found(project, _compared(project, given), found)


def _compared(project: LintContext, given: Given) -> Compared:
    node = project.model.node(given.node)
    assert node is not None
    related = (Related(node.key_location("input_schema").span, f'the arguments of "{given.node}"'),)
    note = help = ""
    if given.template is None and not _has_items(given):
        note, help = _without_args(given)
    location = given.entry.key_location("args") if given.template is not None else _started_at(given)
    return Compared(
        given.node,
        "the arguments",
        "the argument",
        f'"{given.node}" takes no argument',
        "it takes",
        location,
        given.template,
        related,
        given.takes.source,
        note,
        help,
    )


def _has_items(given: Given) -> bool:
    return isinstance(given.entry, EdgeDef) and isinstance(given.entry.foreach, ForeachItemsDef)


def _without_args(given: Given) -> tuple[str, str]:
    """Where arguments come from that are not written, and what to do about missing ones."""
    if given.flow is None:
        help = f'give the edge "args", or name "{given.node}" in propagate_node_args'
        return 'a sub-flow gets no arguments without "args"', help
    name = given.flow.name.name
    return f"it gets the arguments of {name}", f'give the edge "args", or add it to the input_schema of {name}'


def _started_at(given: Given) -> SourceLocation:
    foreach = given.entry.foreach if isinstance(given.entry, EdgeDef) else None
    if isinstance(foreach, ForeachItemsDef) and foreach.expression is not None:
        return foreach.expression.location
    return given.ref.location
