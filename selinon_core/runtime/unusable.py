"""What a user function returned that cannot be meant: ``async def``, a forgotten ``yield``, a call left out.

To Python all of these are true, and as an id they are a text: an edge would fire, or a run be reused, whatever the
function wanted to say.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CoroutineType,
    FunctionType,
    GeneratorType,
    MethodType,
)
from typing import Any

_FUNCTIONS = (FunctionType, MethodType, BuiltinFunctionType, partial, type)
#: Flags of code objects (``inspect.CO_...``).
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200


def unusable(answer: Any, *, generator: bool = False) -> str | None:
    """Why what a function returned is not an answer, None when it is one; ``generator``: that is one as well."""
    if answer is None or answer is True or answer is False:
        return None
    if isinstance(answer, CoroutineType):
        answer.close()
        return "returned a coroutine: only a task's run may be written with 'async def'"
    if hasattr(answer.__class__, "__await__"):
        return f"returned something to be awaited, of the class {type(answer).__name__}"
    if isinstance(answer, AsyncGeneratorType):
        return "returned an asynchronous generator: only a task's run may be written with 'async def'"
    if isinstance(answer, GeneratorType) and not generator:
        return "returned a generator: there is a 'yield' in it"
    if isinstance(answer, _FUNCTIONS):
        return f"returned the function {getattr(answer, '__name__', answer)}: is a call of it missing?"
    if answer is NotImplemented:
        return "returned NotImplemented"
    return None


def written_as(function: Callable[..., Any], *, generator: bool = False) -> str | None:
    """What is wrong with how a function is written, before it is called; None when nothing is."""
    while isinstance(function, partial):
        function = function.func
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    flags = getattr(code, "co_flags", 0)
    if flags & (_COROUTINE | _ASYNC_GENERATOR):
        return "is written with 'async def', and only a task's run may be"
    if flags & _GENERATOR and not generator:
        return "is a generator function: there is a 'yield' in it"
    return None
