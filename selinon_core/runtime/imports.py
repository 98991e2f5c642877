"""From ``ImportRef`` to the user's objects. The only place that imports user code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

from selinon_core.errors import ConfigurationError
from selinon_core.plan import ImportRef
from selinon_core.runtime.error_codec import USER_ERRORS, name_error_and_place
from selinon_core.runtime.library_imports import know_project, origin_of, own_module

#: Directories that were put on ``sys.path`` here, by any project of this process.
_added: set[str] = set()
#: Of the project that imported last.
_last: tuple[str, ...] | None = None


class Imports:
    """Imports each object once. ``pythonpath`` is put in front of ``sys.path`` for good.

    Projects of one process may have modules of the same name (nearly all have a ``tasks``): each gets its own.
    """

    def __init__(self, pythonpath: Iterable[str] = ()) -> None:
        self._known: dict[ImportRef, Any] = {}
        self._task_classes: dict[ImportRef, Callable[..., Any]] = {}
        self._own: dict[str, ModuleType] = {}  # those that are called like modules of libraries
        self.pythonpath = tuple(os.path.abspath(directory) for directory in pythonpath)
        know_project(self.pythonpath)
        self._put_in_front()

    def _put_in_front(self) -> None:
        """Look for modules in this project's directories first, before those of other projects."""
        for directory in reversed(self.pythonpath):
            if directory in sys.path:
                if directory not in _added:
                    continue  # other code put it there: keep its position
                sys.path.remove(directory)
            _added.add(directory)
            sys.path.insert(0, directory)

    def know(self, other: Imports) -> None:
        """Take over what another one of the same project has imported."""
        self._known.update(other._known)
        self._own.update(other._own)

    def load(self, ref: ImportRef) -> Any:
        """Return what ``ref`` names; raises ``ConfigurationError`` saying what went wrong with which import."""
        if ref in self._known:
            return self._known[ref]
        try:
            module = self._module(ref.module)
        except USER_ERRORS as error:  # a module may also exit, as scripts do
            raise ConfigurationError(
                f"cannot import module {ref.module} (needed for {ref.name}): {name_error_and_place(error)}"
            ) from error
        try:
            found = getattr(module, ref.name)
        except AttributeError:
            raise ConfigurationError(f"module {ref.module} has no {ref.name}") from None
        self._known[ref] = found
        return found

    def _module(self, name: str) -> ModuleType:
        global _last
        if _last != self.pythonpath:
            self._put_in_front()
            _set_aside_namesakes(self.pythonpath)
            _last = self.pythonpath
        module = self._own.get(name)
        if module is None:
            with own_module(name, self.pythonpath) as apart:
                module = importlib.import_module(name)
            if apart:
                self._own[name] = module
        return module

    # One method per kind, so that a driver can give stand-ins for what it cannot import.

    def task_class(self, ref: ImportRef) -> Callable[..., Any]:
        """The class of a task."""
        found = self._task_classes.get(ref)
        if found is None:
            found = self._task_classes[ref] = self._callable(ref)
        return found

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


def _set_aside_namesakes(pythonpath: tuple[str, ...]) -> None:
    """Free the names of modules that came from another project's directories and that this project has as well.

    Code that imported them keeps them. Modules that only the other project has stay: their names are unambiguous.
    """
    aside = set()
    for name, module in list(sys.modules.items()):
        if "." in name:
            continue
        origin = origin_of(module)
        if origin is None:
            continue
        directory = os.path.dirname(origin)
        if os.path.basename(origin).startswith("__init__."):
            directory = os.path.dirname(directory)
        if directory not in _added or directory in pythonpath:
            continue
        found = PathFinder.find_spec(name, list(pythonpath))
        if found is not None and found.origin not in (None, origin):
            aside.add(name)
    for name in [name for name in sys.modules if name.partition(".")[0] in aside]:
        del sys.modules[name]
