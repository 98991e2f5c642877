"""What mocked results have to fit: the ``output_schema`` of the task, else what the annotation of ``run`` says."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from selinon_core.plan import ImportRef, TaskPlan

if TYPE_CHECKING:
    from selinon_core.lint.code.index import CodeIndex
    from selinon_core.schemas.check import ResultSchema


class ResultSchemas:
    """The schemas of the results of tasks.

    Paths of schemas lead from ``directory``. ``pythonpath`` is where the modules of the tasks are looked for; they
    are read and not imported. Without it annotations are not looked at.
    """

    def __init__(self, directory: str = os.curdir, pythonpath: Sequence[str] | None = None) -> None:
        self._directory = directory
        self._pythonpath = pythonpath
        self._code: CodeIndex | None = None
        self._annotated: dict[ImportRef, ResultSchema | None] = {}

    def of(self, task: TaskPlan) -> ResultSchema | None:
        """The schema of a task's results; None where nothing is known of them.

        Raises ``ConfigurationError`` for an ``output_schema`` that cannot be used.
        """
        if task.output_schema is not None:
            from selinon_core.schemas.check import ResultSchema

            return ResultSchema.of_task(task, self._directory)
        if self._pythonpath is None or task.function is None:
            return None
        if task.function not in self._annotated:
            self._annotated[task.function] = self._read(task.function, self._pythonpath)
        return self._annotated[task.function]

    def _read(self, function: ImportRef, pythonpath: Sequence[str]) -> ResultSchema | None:
        from selinon_core.lint.code.index import CodeIndex
        from selinon_core.lint.code.task_schemas import schemas_of_task

        self._code = self._code or CodeIndex(tuple(pythonpath))
        found = schemas_of_task(self._code, function.module, function.name)
        schema: dict[str, Any] = {} if found is None else found.result
        if not schema:
            return None
        from selinon_core.schemas.check import ResultSchema

        return ResultSchema(schema, "the annotation of run")
