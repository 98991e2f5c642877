from __future__ import annotations

import os
from collections.abc import Iterator

from selinon_core.config.model import NameRef
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule


class OutputSchema(Rule):
    """The file of an ``output_schema`` is missing, no JSON, or no JSON Schema.

    What it does: Looks for the file relative to the YAML file and then to the working directory, or beside
    the module in ``package.module:file.json``, and reads it. A module that cannot be found is not reported
    here.

    Why it is bad: Every result of the task would fail the check that cannot be made.

    Example:
        tasks:
          - name: Fetch
            import: shop
            output_schema: schemas/fetsch.json
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch

    Use instead:
        # schemas/fetch.json
        #   {"type": "object", "required": ["url"]}
        tasks:
          - name: Fetch
            import: shop
            output_schema: schemas/fetch.json
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL406"
    severity = Severity.ERROR
    title = "unusable output schema"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        judged: dict[tuple[str, str], str] = {}
        for task in project.model.tasks:
            ref = task.output_schema
            if ref is None:
                continue
            key = (os.path.dirname(ref.span.file), ref.name)
            if key not in judged:
                judged[key] = _fault(project, ref)
            if judged[key]:
                yield self.found(
                    ref.location,
                    f'the output_schema of "{task.name.name}" cannot be used: {judged[key]}',
                    note="expected the path of a JSON Schema",
                )


def _fault(project: LintContext, ref: NameRef) -> str:
    from selinon_core.lint.analysis.schema_files import schema_fault
    from selinon_core.schemas.check import find_schema

    beside = (os.path.dirname(ref.span.file),)
    module, colon, file = ref.name.partition(":")
    if colon and find_schema(ref.name, beside) is None:
        directory = project.code.directory(module)
        return "" if directory is None else schema_fault(os.path.join(directory, file), ())
    return schema_fault(ref.name, beside)
