"""Errors of tasks as JSON, and back into exceptions without ever running anything that came with them."""

from __future__ import annotations

import builtins
import json
from typing import Any

from selinon_core import errors
from selinon_core.errors import SelinonException
from selinon_core.runtime.error_values import error_json

#: Longest message and traceback that are kept, in characters.
MOST_TEXT = 20_000


class TaskFailed(SelinonException):
    """Stands for what a task raised in another process; the class has the name of the original.

    ``traceback_text`` is its traceback there.
    """

    traceback_text: str = ""


def error_text(error: BaseException) -> str:
    """An error as JSON text ``{"type", "message", "traceback"}``."""
    told = error_json(error)
    return json.dumps({key: value[-MOST_TEXT:] for key, value in told.items()})


def rebuild(text: str) -> BaseException:
    """The exception of such a text: a built-in or one of selinon's where it was one, else a ``TaskFailed``."""
    told: dict[str, Any] = json.loads(text)
    name, message = str(told.get("type") or "Exception"), str(told.get("message") or "")
    error = _known(name, message)
    if error is None:
        error = type(name if name.isidentifier() else "TaskFailed", (TaskFailed,), {})(message)
    error.__dict__["traceback_text"] = str(told.get("traceback") or "")
    return error


def _known(name: str, message: str) -> BaseException | None:
    for module in (builtins, errors):
        cls = getattr(module, name, None)
        if isinstance(cls, type) and issubclass(cls, Exception):
            try:
                error = cls(message)
            except Exception:
                return None
            return error if str(error) == message else None
    return None
