from __future__ import annotations

import os
from collections.abc import Iterator

from selinon_core.config.model import FlowDef, NameRef, SchemaDef, TaskDef
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
        for name, key, schema in _schemas(project):
            if isinstance(schema, SchemaDef):
                known, fault = ("", ""), _fault_in_place(schema)
            else:
                known = (schema.location.file, schema.name)
                if known not in judged:
                    judged[known] = _fault(project, schema)
                fault = judged[known]
            if fault:
                yield self.found(
                    schema.location,
                    f'the {key} of "{name}" cannot be used: {fault}',
                    note="expected a JSON Schema" if known == ("", "") else "expected the path of a JSON Schema",
                )


def _schemas(project: LintContext) -> Iterator[tuple[str, str, NameRef | SchemaDef]]:
    """The schemas of tasks and flows: whose, the key, the schema."""
    owners: tuple[TaskDef | FlowDef, ...] = (*project.model.tasks, *project.model.flows)
    for owner in owners:
        for key, schema in (("output_schema", owner.output_schema), ("input_schema", owner.input_schema)):
            if schema is not None:
                yield owner.name.name, key, schema


def _fault_in_place(schema: SchemaDef) -> str:
    from selinon_core.lint.analysis.schema_files import fault_of

    return fault_of(schema.data, "the schema", os.path.dirname(schema.span.file))


def _fault(project: LintContext, ref: NameRef) -> str:
    from selinon_core.lint.analysis.schema_files import schema_fault
    from selinon_core.schemas.check import find_schema

    beside = (os.path.dirname(ref.span.file),)
    module, colon, file = ref.name.partition(":")
    if colon and find_schema(ref.name, beside) is None:
        path = project.code.path(module)
        directory = None if path is None else os.path.dirname(path)
        return "" if directory is None else schema_fault(os.path.join(directory, file), ())
    return schema_fault(ref.name, beside)
