from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from selinon_core.config.model import NameRef, SchemaDef, TaskDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.code.symbols import Kind
from selinon_core.lint.rule import LintContext, Rule

if TYPE_CHECKING:
    from selinon_core.expressions.types import ObjectType, Type

#: Objects in objects further down than this are not compared.
_DEEPEST = 5


class AnnotatedResult(Rule):
    """The ``output_schema`` of a task and the annotation of ``run`` contradict each other.

    What it does: Reads what ``run`` returns from its annotation (builtins, ``list[...]``, ``X | None``,
    ``Literal``, dataclasses, ``TypedDict``, ``NamedTuple``, enumerations, structs of msgspec, models of pydantic),
    and looks whether any value fits both that and the schema. What is not understood is taken for anything.

    Why it is bad: Either of them is wrong. If the annotation is right, no result fits the schema, and every
    attempt of the task fails.

    Example:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, node_args) -> list[int]:
        #           return [1]
        tasks:
          - name: Fetch
            import: shop
            output_schema: {type: object}
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch

    Use instead:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, node_args) -> list[int]:
        #           return [1]
        tasks:
          - name: Fetch
            import: shop
            output_schema: {type: array, items: {type: integer}}
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL613"
    severity = Severity.WARNING
    title = "output schema against the annotation of run"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for task in project.model.tasks:
            function, declared = task.function, task.output_schema
            if function is None or declared is None:
                continue
            cls = project.code.lookup(function.module.name, function.name.name)
            if cls is None or cls.kind is not Kind.CLASS or (run := project.code.method(cls, "run")) is None:
                continue
            from selinon_core.lint.code.annotations import schemas_of_run

            schemas = schemas_of_run(project.code, cls)
            schema = _schema_of(declared) if schemas is not None and schemas.result else None
            if schemas is None or schema is None:
                continue
            from selinon_core.expressions.schema_types import type_of_schema  # few projects come so far

            clash = _clash(type_of_schema(schema), type_of_schema(schemas.result), "the result", _DEEPEST)
            if clash:
                yield self.found(
                    _location(task, declared),
                    f'the output_schema of "{task.name.name}" contradicts the annotation of run: {clash}',
                    note="no result fits both",
                    related=(Related(run.span, "run is here"),),
                )


def _location(task: TaskDef, declared: NameRef | SchemaDef) -> Any:
    return declared.location if isinstance(declared, NameRef) else task.key_location("output_schema")


def _schema_of(declared: NameRef | SchemaDef) -> Any:
    """A schema as JSON; None where it is not at hand or cannot be used, which another rule reports."""
    if isinstance(declared, SchemaDef):
        return declared.data
    import json

    from selinon_core.schemas.check import find_schema

    path = find_schema(declared.name, (os.path.dirname(declared.span.file),))
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            return json.loads(file.read())
    except (OSError, ValueError, RecursionError):
        return None


def _clash(declared: Type, annotated: Type, what: str, depth: int) -> str:
    """What no value can be at once; nothing where some value may fit both."""
    from selinon_core.expressions.type_algebra import intersection
    from selinon_core.expressions.type_words import describe

    one, other = _only_object(declared), _only_object(annotated)
    if one is not None and other is not None and depth:
        for key in sorted(one.required | other.required):
            inner = f'"{key}" of {what}'
            if one.value_of(key).is_never or other.value_of(key).is_never:
                has, lacks = ("annotation", "schema") if one.value_of(key).is_never else ("schema", "annotation")
                return f"{inner} is required by the {has}, and the {lacks} does not have it"
            found = _clash(one.value_of(key), other.value_of(key), inner, depth - 1)
            if found:
                return found
        return ""
    if declared.is_never or annotated.is_never or not intersection(declared, annotated).is_never:
        return ""
    return f"{what} is {describe(declared)} by the schema, and {describe(annotated)} by the annotation"


def _only_object(type_: Type) -> ObjectType | None:
    from selinon_core.expressions.types import ObjectType

    member = type_.members[0] if len(type_.members) == 1 and not type_.loose else None
    return member if isinstance(member, ObjectType) else None
