"""Types of the schemas that a project names, in files and in place; each file is read once."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from selinon_core.config.model import NameRef, SchemaDef, TaskDef
from selinon_core.expressions.schema_types import type_of_schema
from selinon_core.expressions.types import ANY, Type
from selinon_core.lint.code.task_schemas import schemas_of_task
from selinon_core.schemas.check import find_schema

if TYPE_CHECKING:
    from selinon_core.lint.code.index import CodeIndex

Json = Any


class Typed(NamedTuple):
    """A type, and how messages call the file that it comes from; empty for a schema in place."""

    type: Type
    source: str = ""


class SchemaTypes:
    """The types of schemas. A schema that cannot be used has a rule of its own; here it is ``ANY``."""

    def __init__(self, code: CodeIndex) -> None:
        self._code = code
        self._files: dict[str, Json] = {}
        self._types: dict[tuple[object, bool], Typed] = {}
        self._returned: dict[tuple[str, str], Typed] = {}
        self._taken: dict[tuple[str, str], Typed | None] = {}

    def of(self, schema: NameRef | SchemaDef | None, filled: bool = False) -> Typed:
        """The type of a schema as written; ``filled`` as for ``type_of_schema``. ``ANY`` without a schema."""
        if schema is None:
            return Typed(ANY)
        key = (id(schema) if isinstance(schema, SchemaDef) else (schema.name, schema.location.file), filled)
        if key not in self._types:
            self._types[key] = self._read(schema, filled)
        return self._types[key]

    def of_run(self, task: TaskDef) -> Typed:
        """The type of what ``run`` of a task returns, by its annotation; ``ANY`` where that is not understood."""
        function = task.function
        if function is None:
            return Typed(ANY)
        key = (function.module.name, function.name.name)
        if key not in self._returned:
            found = schemas_of_task(self._code, *key)
            schema = {} if found is None else found.result
            known = Typed(type_of_schema(schema), "the annotation of run") if schema else Typed(ANY)
            self._returned[key] = known
        return self._returned[key]

    def of_parameters(self, task: TaskDef) -> Typed | None:
        """The type of the object whose keys ``run`` of a task takes, by its annotations.

        None where ``run`` takes its arguments as one value, or where its text is not known.
        """
        function = task.function
        if function is None:
            return None
        key = (function.module.name, function.name.name)
        if key not in self._taken:
            found = schemas_of_task(self._code, *key)
            is_known = found is not None and found.is_by_name
            self._taken[key] = (
                Typed(type_of_schema(found.arguments), "the parameters of run") if found and is_known else None
            )
        return self._taken[key]

    def _read(self, schema: NameRef | SchemaDef, filled: bool) -> Typed:
        if isinstance(schema, SchemaDef):
            file = _slashes(os.path.abspath(schema.span.file))
            return Typed(type_of_schema(schema.data, self._file, file, filled))
        path = self._path(schema)
        found = None if path is None else self._file(path)
        if path is None or found is None:
            return Typed(ANY)
        return Typed(type_of_schema(found, self._file, path, filled), schema.name)

    def _path(self, ref: NameRef) -> str | None:
        path = find_schema(ref.name, (os.path.dirname(ref.span.file),))
        if path is None:
            module, colon, file = ref.name.partition(":")
            path = self._code.path(module) if colon else None
            directory = None if path is None else os.path.dirname(path)
            path = None if directory is None else os.path.abspath(os.path.join(directory, file))
        return None if path is None else _slashes(path)

    def _file(self, path: str) -> Json:
        """The content of a schema's file; None where there is none."""
        if path not in self._files:
            try:
                with open(path, "rb") as file:
                    self._files[path] = json.loads(file.read())
            except (OSError, ValueError, RecursionError):
                self._files[path] = None
        return self._files[path]


def _slashes(path: str) -> str:
    return path.replace(os.sep, "/")
