"""What is known of a module, a class or a function; the rest is marked unknown, never guessed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from selinon_core.diagnostics.location import NOWHERE, Span


class Signature(NamedTuple):
    """How a function can be called. For methods the first parameter (``self``) is left out.

    ``positional`` are the parameters that may be given by position, ``by_name`` those of them (and of the
    keyword-only ones) that may be given by name; ``required`` are those without default. ``types`` has the
    annotations as text, by parameter; ``| None`` is added where None is the default.
    """

    positional: tuple[str, ...]
    by_name: frozenset[str]
    required: frozenset[str]
    takes_more_positional: bool = False
    takes_more_by_name: bool = False
    types: Mapping[str, str] = MappingProxyType({})

    def accepts_positional(self, number: int) -> bool:
        """Return whether ``f(1, 2, ..., number)`` is a possible call."""
        if number > len(self.positional) and not self.takes_more_positional:
            return False
        return self.required.issubset(self.positional[:number])

    @property
    def is_by_name(self) -> bool:
        """Whether everything is given by name: ``run(self, *, number)``, which takes nothing by position."""
        takes_names = bool(self.by_name) or self.takes_more_by_name
        return takes_names and not self.positional and not self.takes_more_positional

    def accepts_named(self, names: Collection[str]) -> bool:
        """Return whether ``f(a=1, b=2, ...)`` with these names is a possible call."""
        return self.required.issubset(names) and (self.takes_more_by_name or self.by_name.issuperset(names))

    def __str__(self) -> str:
        shown = [name if name in self.required else f"{name}=..." for name in self.positional]
        if self.takes_more_positional:
            shown.append("*args")
        keyword_only = sorted(self.by_name.difference(self.positional))
        if keyword_only and not self.takes_more_positional:
            shown.append("*")
        shown += [name if name in self.required else f"{name}=..." for name in keyword_only]
        if self.takes_more_by_name:
            shown.append("**kwargs")
        return f"({', '.join(shown)})"


class Returns(Enum):
    """What a call of a function gives; ``VALUE`` is also said of a function of which nothing else is known."""

    VALUE = "value"
    COROUTINE = "coroutine"
    GENERATOR = "generator"
    ASYNC_GENERATOR = "asynchronous generator"


class Kind(Enum):
    """What a name stands for; ``VALUE`` is something that certainly cannot be called."""

    CLASS = "class"
    FUNCTION = "function"
    MODULE = "module"
    VALUE = "value"
    UNKNOWN = "unknown"


class Symbol:
    """What a name stands for, if that could be found out; ``signature`` None is an unknown one.

    ``home`` is the module it is defined in, ``span`` where.
    """

    __slots__ = ("home", "kind", "name", "returns", "signature", "span")

    def __init__(
        self,
        kind: Kind,
        home: str = "",
        name: str = "",
        span: Span = NOWHERE,
        signature: Signature | None = None,
        returns: Returns = Returns.VALUE,
    ) -> None:
        self.kind = kind
        self.home = home
        self.name = name
        self.span = span
        self.signature = signature
        self.returns = returns


class ResultRead(NamedTuple):
    """A place in code that asks for the result of a task, or of a task in the sub-flow ``name``; ``guarded``: code
    may see to it that it is not reached in vain.
    """

    name: str
    of_flow: bool
    guarded: bool
    span: Span


#: Something of that name exists, or may exist, and nothing else is known.
UNKNOWN = Symbol(Kind.UNKNOWN)


class ModuleState(Enum):
    """Whether a module could be looked at; about an ``OPAQUE`` one (compiled, dynamic) nothing is said."""

    FOUND = "found"
    MISSING = "missing"
    BROKEN = "broken"
    OPAQUE = "opaque"


class ModuleFault:
    """Why a module is ``BROKEN``: it is not valid Python, or raises when it is imported."""

    __slots__ = ("message", "raised", "span")

    def __init__(self, message: str, span: Span, raised: bool) -> None:
        self.message = message
        self.span = span
        self.raised = raised
