"""Errors of user code as JSON values, and back."""

from __future__ import annotations

import builtins
import os
from typing import Any

from selinon_core import errors
from selinon_core.errors import SelinonException

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class RemoteError(SelinonException):
    """Base of errors that were raised in another process and whose class is not known here."""


def user_traceback(error: BaseException) -> str:
    """The traceback of a user's error, from the first frame that is not ours."""
    told = getattr(error, "remote_traceback", None)
    if isinstance(told, str):
        return told
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    while len(frames) > 1 and frames[0].filename.startswith(_OURS):
        del frames[0]
    head = ["Traceback (most recent call last):\n", *traceback.format_list(frames)] if frames else []
    return "".join([*head, *traceback.format_exception_only(error)]).rstrip("\n")


def error_json(error: BaseException) -> dict[str, str]:
    """An error as ``{"type", "message", "traceback"}``; never raises, whatever the error's class does."""
    try:
        message = str(error)
    except Exception:
        message = "(its text cannot be had)"
    return {"type": type(error).__name__, "message": message, "traceback": user_traceback(error)}


def rebuild_error(type_name: str, message: str, traceback: str | None = None) -> Exception:
    """An exception of the named class: a built-in one, one of ours, or a subclass of ``RemoteError`` made up.

    User classes are never imported for it: the name comes from a message or a store.
    """
    known: Any = getattr(builtins, type_name, None) or getattr(errors, type_name, None)
    if not (isinstance(known, type) and issubclass(known, Exception)):
        name = type_name if type_name.isidentifier() else "RemoteError"
        known = type(name, (RemoteError,), {"__doc__": "An error raised in another process."})
    try:
        error: Exception = known(message)
    except Exception:  # a class that wants other arguments
        error = RemoteError(f"{type_name}: {message}")
    if traceback is not None:
        error.remote_traceback = traceback  # type: ignore[attr-defined]
    return error
