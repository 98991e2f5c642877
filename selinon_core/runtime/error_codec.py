"""Errors of user code as JSON values, and back."""

from __future__ import annotations

import builtins
import importlib
import json
import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from selinon_core import errors
from selinon_core.errors import SelinonException
from selinon_core.runtime.environment import working_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from traceback import TracebackException
    from types import FrameType

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
#: Beginnings of the names of files that are of no interest to the user: ours, and Python's that imports.
_NOT_THE_USERS = (_OURS, "<frozen importlib", os.path.dirname(importlib.__file__) + os.sep)


#: Longest message and traceback that ``encode_error`` keeps, in characters.
MOST_TEXT = 20_000


class RemoteError(SelinonException):
    """Stands for an error that was raised in another process and whose class is not known in this one.

    Its class has the name of the original; ``remote_traceback`` is its traceback there.
    """


class WorkerShutdown(BaseException):
    """Raised in user code when its worker process shuts down. Only the shutdown guard may catch it."""

    def __init__(self, stop: SystemExit) -> None:
        super().__init__(stop.code)
        self.stop = stop


#: What user code may raise and has to answer for; an interrupt is not the code's.
USER_ERRORS = (Exception, SystemExit)


def name_error(error: BaseException) -> str:
    """An error in a few words: ``KeyError: 'x'``."""
    return f"{type(error).__name__}: {error_text(error)}"


def name_error_and_place(error: BaseException) -> str:
    """As ``name_error``, and where the user's code raised it: ``KeyError: 'x' (tasks.py:12)``."""
    place, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith(_NOT_THE_USERS):
            place = f" ({_short_path(file)}:{trace.tb_lineno})"
        trace = trace.tb_next
    return name_error(error) + place


def _short_path(file: str) -> str:
    return file.removeprefix(working_directory().rstrip(os.sep) + os.sep)


def user_traceback(error: BaseException) -> str:
    """The traceback of a user's error, from the first to the last frame that is not ours."""
    remote = getattr(error, "remote_traceback", None)
    if isinstance(remote, str):
        return remote
    from traceback import TracebackException

    told_error = TracebackException.from_exception(error, compact=True)
    _leave_out_ours(told_error)
    lines = told_error.format() if _has_stack(told_error) else told_error.format_exception_only()
    return "".join(lines).rstrip("\n")


def user_stack(frame: FrameType, awaited: Any = None) -> str:
    """Where a thread is, in the words of a traceback, without the frames of ours that lead to the user's.

    With ``awaited``, where that coroutine waits, whatever its thread does. '' when there is nothing of the user's.
    """
    from traceback import StackSummary, walk_stack

    frames = list(_awaiting(awaited)) or list(walk_stack(frame))[::-1]
    stack = list(StackSummary.extract(iter(frames)))
    ours = [part.filename.startswith(_NOT_THE_USERS) for part in stack]
    first = ours.index(True) if True in ours else 0
    while first < len(stack) and ours[first]:
        first += 1
    shown = StackSummary.from_list(stack[first:])
    return "Where it was (most recent call last):\n" + "".join(shown.format()) if shown else ""


def _awaiting(awaited: Any) -> Iterator[tuple[FrameType, int]]:
    """The frames of a coroutine that waits, and of those it waits for."""
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is None:
            return
        yield frame, frame.f_lineno
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)


def _leave_out_ours(shown: TracebackException) -> None:
    """Cut the stacks, those of causes too, so that they begin and end with the user's code."""
    todo: list[TracebackException | None] = [shown]
    while todo:
        part = todo.pop()
        if part is None:
            continue
        while part.stack and part.stack[0].filename.startswith(_NOT_THE_USERS):
            del part.stack[0]
        while part.stack and part.stack[-1].filename.startswith(_NOT_THE_USERS):
            del part.stack[-1]
        if not part.stack:
            part.stack = None  # type: ignore[assignment]  # or it would be headed, and empty
        todo += [part.__cause__, part.__context__]


def _has_stack(shown: TracebackException | None) -> bool:
    """Whether the traceback has frames of the user's code; that of a schema mismatch, for example, has none."""
    if shown is None:
        return False
    context = None if shown.__suppress_context__ else shown.__context__
    return bool(shown.stack) or _has_stack(shown.__cause__) or _has_stack(context)


def error_json(error: BaseException) -> dict[str, str]:
    """An error as ``{"type", "message", "traceback"}``; never raises, whatever the error's class does."""
    return {"type": type(error).__name__, "message": error_text(error), "traceback": user_traceback(error)}


def error_details(error: BaseException) -> dict[str, str]:
    """An error as the trace event of its storing has it; never raises."""
    said = error_json(error)
    return {"error_type": said["type"], "error_value": said["message"], "error_traceback": said["traceback"]}


def error_text(error: BaseException) -> str:
    """``str(error)``, whatever the error's class does."""
    try:
        return str(error)
    except Exception:
        return "(its text cannot be had)"


def error_repr(error: BaseException) -> str:
    """``repr(error)``, whatever the error's class does."""
    try:
        return repr(error)
    except Exception:
        return f"{type(error).__name__}(...)"


def known_error(name: str) -> Any:
    """The class of a built-in error or of one of ours, None when there is none of that name."""
    found = getattr(builtins, name, None) or getattr(errors, name, None)
    if found is errors.SchemaMismatchError:
        from selinon_core.schemas.mismatch import SchemaMismatchError

        return SchemaMismatchError
    return found


def error_value(error: BaseException) -> dict[str, str]:
    """As ``error_json``, with the ``module`` of its class: what ``rebuild_error`` needs in another process."""
    return {**error_json(error), "module": str(type(error).__module__)}


def encode_error(error: BaseException) -> str:
    """An error as JSON text, no part of it longer than ``MOST_TEXT``."""
    return json.dumps({key: value[-MOST_TEXT:] for key, value in error_value(error).items()})


def decode_error(text: str) -> Exception:
    """The inverse of ``encode_error``, as ``rebuild_error``."""
    parts: dict[str, Any] = json.loads(text)
    type_name, message, traceback, module = (
        str(parts.get(key) or "") for key in ("type", "message", "traceback", "module")
    )
    return rebuild_error(type_name or "Exception", message, traceback, module)


def rebuild_error(type_name: str, message: str, traceback: str | None = None, module: str = "") -> Exception:
    """An exception of the named class: a built-in one, one of ours, one of a module that this process has imported
    (as those who ask for it by class have), or else a ``RemoteError`` whose class has that name.

    Nothing is imported for it, and nothing of the user's is run: the names come from a message or a store.
    """
    error = _known(type_name, message) or _imported(module, type_name, message)
    if error is None:
        error = _remote_class(type_name, module)(message)
    if traceback is not None:
        error.__dict__["remote_traceback"] = traceback
    return error


def _known(name: str, message: str) -> Exception | None:
    known: Any = known_error(name)
    if not (isinstance(known, type) and issubclass(known, Exception)) or known is errors.Retry:
        return None
    try:
        error: Exception = known(message)
        if error_text(error) != message:  # the text of KeyError("'x'") has two more quotes
            error = _synthetic_class(name, known, message)(message)
    except Exception:  # a class that wants other arguments
        return None
    return error


def _imported(module: str, name: str, message: str) -> Exception | None:
    """An exception of a user's class; its ``__init__`` is not run."""
    try:
        cls = vars(sys.modules[module]).get(name)
    except Exception:  # anything may stand in sys.modules
        return None
    if not (isinstance(cls, type) and issubclass(cls, Exception)) or issubclass(cls, errors.Retry):
        return None
    try:
        error: Exception = cls.__new__(cls)
        error.args = (message,)
        return error if str(error) == message else None
    except Exception:  # a class with ideas of its own
        return None


_DOC = "An error raised in another process."


def _synthetic_class(name: str, base: type[Exception], text: str) -> type[Exception]:
    """A class whose errors have a text that those of ``base`` would not have."""
    return type(name, (base,), {"__doc__": _DOC, "__str__": lambda self: text})


@lru_cache(maxsize=256)  # to make a class takes longer than all else that an error costs
def _remote_class(name: str, module: str) -> type[Exception]:
    members = {"__doc__": _DOC}
    if module:
        members["__module__"] = module  # so that the next process may know it
    return type(name if name.isidentifier() else "RemoteError", (RemoteError,), members)
