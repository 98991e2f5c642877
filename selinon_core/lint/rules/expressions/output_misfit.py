from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related
from selinon_core.expressions.type_fit import misfits
from selinon_core.lint.misfit_rules import Compared, MisfitRule
from selinon_core.lint.rule import LintContext


class OutputMisfit(MisfitRule):
    """The `output` of a flow does not fit its `output_schema`.

    What it does: Works out the type of `output` from the schemas of what it reads, and compares it with the
    schema: keys that are missing, keys that there are not, and types. What depends on the values, as something
    that may be missing or null, is a warning, and so is what is wrong with a key that may be missing.

    Why it is bad: The flow fails when everything in it has succeeded.

    Example:
        flow-definitions:
          - name: order
            input_schema: {type: object, required: [number], properties: {number: {type: integer}}}
            edges:
              - from:
                to: Fetch
            output: {number: "order ${args.number}"}
            output_schema: {type: object, required: [number], properties: {number: {type: integer}}}

    Use instead:
        flow-definitions:
          - name: order
            input_schema: {type: object, required: [number], properties: {number: {type: integer}}}
            edges:
              - from:
                to: Fetch
            output: {number: "${args.number}"}
            output_schema: {type: object, required: [number], properties: {number: {type: integer}}}
    """

    code = "SEL450"
    title = "output that does not fit"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for output in project.dataflow.outputs:
            flow = output.flow
            related = (Related(flow.key_location("output_schema").span, f'the schema of "{flow.name.name}"'),)
            compared = Compared(
                flow.name.name,
                "the output",
                "the output",
                f'the output_schema of "{flow.name.name}" has no key',
                "it has",
                flow.key_location("output"),
                flow.output,
                related,
                output.declared.source,
            )
            yield from self.misfits_found(project, compared, misfits(output.type, output.declared.type))
