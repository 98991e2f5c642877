"""How ``run`` of a task is called: with the arguments as one value, or with each of them by its name.

``run(self, node_args)`` gets the arguments as they are. ``run(self, *, number, lines)``, which takes nothing by
position, gets the keys of the object that the arguments are. With ``global.typed_tasks`` values become what the
parameters are annotated with, and results become JSON again (``typed_values``).
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any, NamedTuple

from selinon_core.diagnostics.wording import plural, suggestion
from selinon_core.errors import ArgumentError, MissingExtraError

_VARARGS, _VARKEYWORDS = 0x04, 0x08  # flags of code objects


class Keywords(NamedTuple):
    """The parameters of a ``run`` that is called by name."""

    names: tuple[str, ...]
    required: frozenset[str]
    takes_more: bool


def keywords_of(run: Any) -> Keywords | None:
    """The parameters of a function or method that takes nothing by position; None when it does."""
    function = _plain_function(run)
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return None
    is_bound = getattr(run, "__self__", None) is not None
    takes_more = bool(code.co_flags & _VARKEYWORDS)
    if code.co_argcount > is_bound or code.co_flags & _VARARGS or not (code.co_kwonlyargcount or takes_more):
        return None
    names = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return Keywords(names, frozenset(names) - (function.__kwdefaults__ or {}).keys(), takes_more)


def _plain_function(run: Any) -> Any:
    """The function behind a method and behind decorators that say what they wrap."""
    function = getattr(run, "__func__", run)
    for _ in range(100):
        inner = getattr(function, "__wrapped__", None)
        if inner is None:
            break
        function = inner
    return function


def check_typed_extra() -> None:
    """Raise ``MissingExtraError`` where the extra ``typed`` is not installed; does not import it."""
    from importlib.util import find_spec

    if find_spec("msgspec") is None:
        raise MissingExtraError("typed_tasks needs: pip install 'selinon[typed]'")


class TaskCalls:
    """Calls ``run`` of tasks; what is known of a class is worked out once. ``typed``: values are converted.

    ``plain`` are the classes, of those called so far, whose ``run`` is given the arguments as they are.
    """

    def __init__(self, *, typed: bool = False) -> None:
        self.typed = typed
        self.plain: set[Any] = set()
        self._keywords: dict[type, Keywords | None] = {}

    def call(self, instance: Any, task: str, args: Any) -> Any:
        """What ``run`` returns, which may be a coroutine.

        Raises ``ArgumentError`` for arguments that cannot be given by name, ``SchemaMismatchError`` for those
        that do not fit an annotation.
        """
        cls, run = type(instance), instance.run
        if cls not in self._keywords:
            self._keywords[cls] = keywords_of(run)
        keywords = self._keywords[cls]
        if keywords is None:
            if self.typed:
                return run(self._converted(run, task, args))
            self.plain.add(cls)
            return run(args)
        named = _checked(keywords, task, args)
        if self.typed:
            named = self._converted_keywords(run, task, named)
        return run(**named)

    def result(self, task: str, result: Any) -> Any:
        """A result as JSON, for ``typed``. Raises ``SchemaMismatchError`` where that cannot be."""
        from selinon_core.runtime.typed_values import to_json

        return to_json(result, task)

    def _converted(self, run: Callable[..., Any], task: str, args: Any) -> Any:
        from selinon_core.runtime.typed_values import converted, parameter_types

        types = parameter_types(_plain_function(run), task)
        names = _plain_function(run).__code__.co_varnames if types else ()
        first = names[getattr(run, "__self__", None) is not None :][:1]
        if not first or first[0] not in types:
            return args
        return converted(args, types[first[0]], f"the arguments of {task} do")

    def _converted_keywords(self, run: Callable[..., Any], task: str, named: dict[str, Any]) -> dict[str, Any]:
        from selinon_core.runtime.typed_values import converted, parameter_types

        types = parameter_types(_plain_function(run), task)
        return {
            name: converted(value, types[name], f'the argument "{name}" of {task} does')
            if name in types
            else value
            for name, value in named.items()
        }


def _checked(keywords: Keywords, task: str, args: Any) -> dict[str, Any]:
    """The arguments by name. Raises ``ArgumentError`` when ``run`` does not take them so."""
    if args is None and not keywords.required:
        return {}
    if not isinstance(args, dict):
        taken = f" ({', '.join(keywords.names)})" if keywords.names else ""
        text = f"run of {task} takes its arguments by name{taken}, so they have to be an object, not {_kind(args)}"
        raise ArgumentError(text)
    missing = [name for name in keywords.names if name in keywords.required and name not in args]
    unknown = [] if keywords.takes_more else [name for name in args if name not in keywords.names]
    if unknown:
        close = suggestion(unknown[0], [name for name in keywords.names if name not in args])
        known = close or (f"it takes {', '.join(keywords.names)}" if keywords.names else "it takes none")
        raise ArgumentError(f"run of {task} does not take {plural('argument', unknown)}; {known}")
    if missing:
        raise ArgumentError(f"run of {task} needs {plural('argument', missing)}, which the arguments do not have")
    return args


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    return "a text" if isinstance(value, str) else "a list" if isinstance(value, list) else "something else"
