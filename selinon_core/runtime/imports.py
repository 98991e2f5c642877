"""From ``ImportRef`` to the user's objects. The only place that imports user code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from typing import Any

from selinon_core.errors import ConfigurationError
from selinon_core.plan import ImportRef


class Imports:
    """Imports each object once. ``pythonpath`` is put in front of ``sys.path`` for good."""

    def __init__(self, pythonpath: Iterable[str] = ()) -> None:
        self._known: dict[ImportRef, Any] = {}
        self.pythonpath = tuple(pythonpath)
        for directory in reversed(self.pythonpath):
            if directory not in sys.path:
                sys.path.insert(0, directory)

    def load(self, ref: ImportRef) -> Any:
        """Return what ``ref`` names; raises ``ConfigurationError`` saying what went wrong with which import."""
        if ref in self._known:
            return self._known[ref]
        try:
            module = importlib.import_module(ref.module)
        except Exception as error:
            raise ConfigurationError(
                f"cannot import module {ref.module} (needed for {ref.name}): {type(error).__name__}: {error}"
            ) from error
        try:
            found = getattr(module, ref.name)
        except AttributeError:
            raise ConfigurationError(f"module {ref.module} has no {ref.name}") from None
        self._known[ref] = found
        return found

    # One method per kind, so that a driver can give stand-ins for what it cannot import.

    def task_class(self, ref: ImportRef) -> Callable[..., Any]:
        """The class of a task."""
        return self._callable(ref)

    def storage_class(self, ref: ImportRef) -> Callable[..., Any]:
        """The class of a storage or cache."""
        return self._callable(ref)

    def predicate(self, ref: ImportRef) -> Callable[..., Any]:
        """A predicate function."""
        return self._callable(ref)

    def foreach(self, ref: ImportRef) -> Callable[..., Any]:
        """A foreach function ``f(storage_pool, node_args)``."""
        return self._callable(ref)

    def selective(self, ref: ImportRef) -> Callable[..., Any]:
        """A selective run function ``f(flow_name, node_name, node_args, task_names, storage_pool)``."""
        return self._callable(ref)

    def strategy(self, ref: ImportRef) -> Callable[..., Any]:
        """A sampling strategy ``f(status, **args)``."""
        return self._callable(ref)

    def _callable(self, ref: ImportRef) -> Callable[..., Any]:
        found = self.load(ref)
        if not callable(found):
            raise ConfigurationError(f"{ref} is a {type(found).__name__}, not a function or class")
        return found  # type: ignore[no-any-return]
