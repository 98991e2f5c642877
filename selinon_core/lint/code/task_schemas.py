"""What ``run`` of a task takes and returns, by the annotations of the class that its definition names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selinon_core.lint.code.symbols import Kind

if TYPE_CHECKING:
    from selinon_core.lint.code.annotations import RunSchemas
    from selinon_core.lint.code.index import CodeIndex


def schemas_of_task(code: CodeIndex, module: str, name: str) -> RunSchemas | None:
    """The schemas of ``run`` of a class; None where its text is not known. Nothing is imported."""
    cls = code.lookup(module, name)
    if cls is None or cls.kind is not Kind.CLASS:
        return None
    from selinon_core.lint.code.annotations import schemas_of_run  # needed only if there is a module to read

    return schemas_of_run(code, cls)
