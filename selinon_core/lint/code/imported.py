"""The same questions, answered by importing the modules for real (``--import``)."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
import traceback
from collections.abc import Collection
from types import ModuleType
from typing import TYPE_CHECKING

from selinon_core.diagnostics.location import NOWHERE, Span
from selinon_core.lint.code.index import CodeIndex, shown_path
from selinon_core.lint.code.symbols import (
    UNKNOWN,
    Kind,
    ModuleFault,
    ModuleState,
    ResultRead,
    Returns,
    Signature,
    Symbol,
)

if TYPE_CHECKING:
    from selinon_core.lint.code.parsed import Binding, ParsedModule


class ImportedCode(CodeIndex):
    """Answers from imported modules. What they print goes to stderr; what they raise becomes a ``ModuleFault``."""

    def __init__(self, pythonpath: tuple[str, ...]) -> None:
        super().__init__(pythonpath)
        self._pythonpath = pythonpath
        self._imported: dict[str, ModuleType] = {}

    def _load(self, module: str) -> ModuleState:
        if not all(part.isidentifier() for part in module.split(".")):
            return ModuleState.MISSING
        before = list(sys.path)
        sys.path[:0] = [path for path in self._pythonpath if path not in before]
        try:
            with contextlib.redirect_stdout(sys.stderr):
                self._imported[module] = importlib.import_module(module)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # user code may raise anything, SystemExit included
            return self._failed(module, error)
        finally:
            sys.path[:] = before
        return ModuleState.FOUND

    def _failed(self, module: str, error: BaseException) -> ModuleState:
        if isinstance(error, ModuleNotFoundError) and error.name is not None and _is_part(error.name, module):
            return ModuleState.MISSING
        said = str(error).strip().partition("\n")[0]
        message = f"{type(error).__name__}: {said}" if said else type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)
        span = NOWHERE
        if isinstance(error, SyntaxError) and error.filename:
            span = _span(error.filename, error.lineno or 1)
        elif frames and not frames[-1].filename.startswith("<"):
            span = _span(frames[-1].filename, frames[-1].lineno or 1)
        self._faults[module] = ModuleFault(message, span, raised=True)
        return ModuleState.BROKEN

    def imports(self, module: str) -> Collection[str]:
        return CodeIndex(self._pythonpath).imports(module)

    def names(self, module: str) -> Collection[str]:
        if self.state(module) is ModuleState.FOUND and module in self._imported:
            return tuple(name for name in vars(self._imported[module]) if not name.startswith("__"))
        return super().names(module)

    def _lookup(self, module: str, name: str, links: int) -> Symbol | None:
        if self.state(module) is not ModuleState.FOUND or module not in self._imported:
            return super()._lookup(module, name, links)
        found: object = self._imported[module]
        for part in name.split("."):
            try:
                found = getattr(found, part)
            except AttributeError:
                return None
            except Exception:
                return UNKNOWN
        if isinstance(found, ModuleType):
            return Symbol(Kind.MODULE, found.__name__)
        if not callable(found):
            return Symbol(Kind.VALUE, module, name)
        home, own_name = getattr(found, "__module__", ""), getattr(found, "__qualname__", name)
        kind = Kind.CLASS if isinstance(found, type) else Kind.FUNCTION
        called = None if kind is Kind.CLASS else _signature(found)
        if isinstance(home, str) and home.startswith("selinon_core.predicates"):
            home = "selinon_core.predicates"
        return Symbol(kind, str(home), str(own_name), _defined_at(found), called, _returns(found))

    def method(self, cls: Symbol, name: str) -> Symbol | None:
        module = sys.modules.get(cls.home)
        found: object = module
        for part in cls.name.split("."):
            found = getattr(found, part, None)
        if not isinstance(found, type):
            return UNKNOWN
        function = getattr(found, name, None)
        if function is None or getattr(function, "__isabstractmethod__", False):
            return None
        if not callable(function):
            return UNKNOWN
        declared = inspect.getattr_static(found, name, None)
        if declared is inspect.getattr_static(object, name, UNKNOWN):
            return None
        is_bound = not isinstance(declared, staticmethod | classmethod)
        called = _signature(function)
        if called is not None and is_bound:
            called = _without_self(called)
        own_name = f"{cls.name}.{name}"
        return Symbol(Kind.FUNCTION, cls.home, own_name, _defined_at(function), called, _returns(function))

    def text_of(self, symbol: Symbol) -> tuple[ParsedModule, Binding] | None:
        texts = CodeIndex(self._pythonpath)
        texts.state(symbol.home)
        return texts.text_of(symbol)

    def results_read(self, symbol: Symbol) -> tuple[ResultRead, ...]:
        return ()


def _returns(function: object) -> Returns:
    if hasattr(function, "__wrapped__"):
        return Returns.VALUE
    if inspect.isasyncgenfunction(function):
        return Returns.ASYNC_GENERATOR
    if inspect.iscoroutinefunction(function):
        return Returns.COROUTINE
    return Returns.GENERATOR if inspect.isgeneratorfunction(function) else Returns.VALUE


def _is_part(missing: str, module: str) -> bool:
    return module == missing or module.startswith(f"{missing}.")


def _signature(function: object) -> Signature | None:
    if hasattr(function, "__wrapped__"):
        return None  # it shows the parameters of what it wraps, and may give or take some
    try:
        parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    kinds = inspect.Parameter
    positional = [p for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
    named = [p for p in parameters if p.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)]
    return Signature(
        tuple(p.name for p in positional),
        frozenset(p.name for p in named),
        frozenset(p.name for p in (*positional, *named) if p.default is kinds.empty),
        any(p.kind is kinds.VAR_POSITIONAL for p in parameters),
        any(p.kind is kinds.VAR_KEYWORD for p in parameters),
        {p.name: _type(p) for p in (*positional, *named) if p.annotation is not kinds.empty},
    )


def _type(parameter: inspect.Parameter) -> str:
    """The annotation of a parameter as text."""
    annotation = parameter.annotation
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        text = annotation.__name__
    else:
        text = annotation if isinstance(annotation, str) else str(annotation)
    return f"{text} | None" if parameter.default is None else text


def _without_self(called: Signature) -> Signature:
    if not called.positional:
        if called.takes_more_positional:
            return called
        return called._replace(required=called.required | {"self"})
    first = called.positional[0]
    return called._replace(
        positional=called.positional[1:],
        by_name=called.by_name - {first},
        required=called.required - {first},
    )


def _defined_at(found: object) -> Span:
    code = getattr(inspect.unwrap(found) if callable(found) else found, "__code__", None)
    if code is not None:
        return _span(code.co_filename, code.co_firstlineno)
    try:
        return _span(inspect.getsourcefile(found) or "<unknown>", inspect.getsourcelines(found)[1])  # type: ignore[arg-type]
    except (TypeError, OSError, IndexError):
        return NOWHERE


def _span(path: str, line: int) -> Span:
    return Span(shown_path(path), line, 1, line, 2)
