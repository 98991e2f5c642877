from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import SchemaDef, TaskDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.rule import LintContext, Rule


class AliasesDiffer(Rule):
    """Two tasks of one class differ in ``max_retry`` or ``output_schema``.

    What it does: Compares every task with the first one that has the same class.

    Why it is bad: It need not be: aliases of a class exist to be configured differently. But the class has
    one code, which either stands being retried and gives results of a form, or does not.

    Example:
        tasks:
          - name: Fetch
            import: shop
            max_retry: 3
          - name: FetchAgain
            import: shop
            classname: Fetch
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [Fetch, FetchAgain]

    Use instead:
        tasks:
          - name: Fetch
            import: shop
            max_retry: 3
          - name: FetchAgain
            import: shop
            classname: Fetch
            max_retry: 3
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [Fetch, FetchAgain]
    """

    code = "SEL906"
    severity = Severity.INFO
    title = "tasks of one class that differ"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        first: dict[tuple[str, str], TaskDef] = {}
        for task in project.model.tasks:
            if task.function is None:
                continue
            key = (task.function.module.name, task.function.name.name)
            other = first.setdefault(key, task)
            if other is task or other.name.name == task.name.name:
                continue
            related = (Related(other.name.span, f'task "{other.name.name}" has the same class'),)
            if task.max_retry != other.max_retry:
                yield self.found(
                    task.key_location("max_retry") if task.given("max_retry") else task.name.location,
                    f'"{task.name.name}" and "{other.name.name}" are of one class, but differ in "max_retry": '
                    f"{task.max_retry} and {other.max_retry}",
                    note=f'class "{key[1]}" of "{key[0]}"',
                    related=related,
                )
            if _schema(task) != _schema(other):
                yield self.found(
                    task.key_location("output_schema") if task.given("output_schema") else task.name.location,
                    f'"{task.name.name}" and "{other.name.name}" are of one class, but differ in "output_schema"',
                    note=f'class "{key[1]}" of "{key[0]}"',
                    related=related,
                )


def _schema(task: TaskDef) -> str | None:
    schema = task.output_schema
    return repr(schema.data) if isinstance(schema, SchemaDef) else None if schema is None else schema.name
