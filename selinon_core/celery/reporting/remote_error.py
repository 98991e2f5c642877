"""Errors of tasks as JSON, and back into exceptions without ever running anything that came with them."""

from __future__ import annotations

import builtins
import json
import sys
from typing import Any

from selinon_core.errors import SelinonException
from selinon_core.runtime.error_codec import error_json, known_error

#: Longest message and traceback that are kept, in characters.
MOST_TEXT = 20_000


class TaskFailed(SelinonException):
    """Stands for what a task raised in another process; the class has the name of the original.

    ``traceback_text`` is its traceback there.
    """

    traceback_text: str = ""


def error_text(error: BaseException) -> str:
    """An error as JSON text ``{"type", "message", "traceback", "module"}``."""
    told = {**error_json(error), "module": str(type(error).__module__)}
    return json.dumps({key: value[-MOST_TEXT:] for key, value in told.items()})


def rebuild(text: str) -> BaseException:
    """The exception of such a text: of its class where that is built in, one of selinon's, or in a module that
    this process has imported (as whoever asks for it by class has), else a ``TaskFailed``.
    """
    told: dict[str, Any] = json.loads(text)
    name, message = str(told.get("type") or "Exception"), str(told.get("message") or "")
    error = _known(name, message) or _imported(str(told.get("module") or ""), name, message)
    if error is None:
        error = type(name if name.isidentifier() else "TaskFailed", (TaskFailed,), {})(message)
    error.__dict__["traceback_text"] = str(told.get("traceback") or "")
    return error


def _known(name: str, message: str) -> BaseException | None:
    cls = known_error(name)
    if not (isinstance(cls, type) and issubclass(cls, Exception)):
        return None
    try:
        error = cls(message)
    except Exception:
        return None
    return error if str(error) == message else None


def _imported(module: str, name: str, message: str) -> BaseException | None:
    """An exception of a user's class. Nothing is imported for it, and its ``__init__`` is not run."""
    try:
        cls = vars(sys.modules.get(module, builtins)).get(name)
    except Exception:  # anything may stand in sys.modules
        return None
    if not (isinstance(cls, type) and issubclass(cls, Exception)):
        return None
    try:
        error = cls.__new__(cls)
        error.args = (message,)
        return error if str(error) == message else None
    except Exception:  # a class with ideas of its own
        return None
