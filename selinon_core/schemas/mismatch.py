"""The error of a result that does not fit, as a validation error of the library.

Selinon 1.x raised that, and fallbacks ask for it. The module is apart because the library takes time to import,
and few runs need it.
"""

from __future__ import annotations

from jsonschema import ValidationError

from selinon_core import errors


class SchemaMismatchError(errors.SchemaMismatchError, ValidationError):
    """Raised when a task's result does not fit its ``output_schema``; ``isinstance`` of both classes."""

    def __init__(self, message: str) -> None:
        ValidationError.__init__(self, message)
        self.args = (message,)

    def __str__(self) -> str:
        return str(self.args[0])
