"""The predicates of a project: the shipped ones, or those of its own module."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from selinon_core.lint.code.symbols import Kind, ModuleState, Signature, Symbol
from selinon_core.plan import shipped

if TYPE_CHECKING:
    from selinon_core.lint.code.index import CodeIndex

#: What the dispatcher hands in by itself.
PROVIDED = frozenset({"message", "node_args"})


class Predicates:
    """Lookups by a predicate's name. ``module`` is the custom module, None for the shipped predicates."""

    def __init__(self, module: str | None, code: CodeIndex) -> None:
        self.module = None if module in shipped.PREDICATE_MODULES else module
        self._code = code
        self._found: dict[str, Symbol | None] = {}

    @property
    def module_missing(self) -> bool:
        """Return whether there is a custom module that cannot be looked at."""
        return self.module is not None and self._code.state(self.module) is not ModuleState.FOUND

    def symbol(self, name: str) -> Symbol | None:
        """What the custom module has under the name; None when it certainly has nothing."""
        assert self.module is not None
        if name not in self._found:
            self._found[name] = self._code.lookup(self.module, name)
        return self._found[name]

    def own_symbol(self, name: str) -> Symbol | None:
        """What stands for the name in the custom module; None for a shipped predicate."""
        return None if self.module is None or self.is_shipped(name) else self.symbol(name)

    def exists(self, name: str) -> bool | None:
        """Return whether there is such a predicate; None when that is not known."""
        if self.module is None:
            return name in shipped.PREDICATES
        if self.module_missing:
            return None
        return self.symbol(name) is not None

    def is_shipped(self, name: str) -> bool:
        """Return whether the name certainly stands for the shipped predicate."""
        if name not in shipped.PREDICATES:
            return False
        if self.module is None:
            return True
        found = self.symbol(name)
        return found is not None and found.home in shipped.PREDICATE_MODULES and found.name == name

    def takes_message(self, name: str) -> bool | None:
        """Return whether the predicate looks at a result; None when that is not known."""
        if self.is_shipped(name):
            return shipped.PREDICATES[name].takes_message
        signature = self.signature(name)
        if signature is None:
            return None
        return True if "message" in signature.by_name else None if signature.takes_more_by_name else False

    def signature(self, name: str) -> Signature | None:
        """How the predicate is called; None when that is not known."""
        if self.is_shipped(name):
            return _shipped_signature(name)
        if self.module is None:
            return None
        found = self.symbol(name)
        return found.signature if found is not None and found.kind is Kind.FUNCTION else None

    def names(self) -> Collection[str]:
        """The names that may be meant, for suggestions."""
        if self.module is None or self.module_missing:
            return shipped.PREDICATES
        return self._code.names(self.module)


def _shipped_signature(name: str) -> Signature:
    args = shipped.PREDICATES[name].args
    if shipped.PREDICATES[name].takes_message:
        args = ("message", *args)
    if shipped.PREDICATES[name].takes_node_args:
        args = ("node_args", *args)
    return Signature(args, frozenset(args), frozenset(args), types=shipped.PREDICATE_TYPES)
