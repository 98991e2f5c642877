"""Finding the file of a module the way the import system would, without importing anything, parents included."""

from __future__ import annotations

import os
import sys

from selinon_core.diagnostics.wording import did_you_mean

#: A module that exists, but not as Python text: built in, compiled, or from a loader of its own.
OPAQUE = ""

#: Packages are not nested deeper than this.
DEEPEST = 100

#: A package of the oldest versions, whose modules are in ``selinon``.
FORMERLY = "selinonlib"

_COMPILED = (".so", ".pyd", ".pyc")


class Finder:
    """Looks in ``pythonpath`` first and then where this interpreter would look."""

    def __init__(self, pythonpath: tuple[str, ...]) -> None:
        self._pythonpath = pythonpath
        self._packages: dict[str, tuple[str, ...] | None] = {}
        self._listings: dict[str, frozenset[str]] = {}

    def find(self, module: str) -> str | None:
        """Return the path of the module's text, ``OPAQUE``, or None when there is no such module."""
        parent, _, name = module.rpartition(".")
        if module.count(".") > DEEPEST:
            return None
        if not all(part.isidentifier() for part in module.split(".")):
            return None
        if parent:
            directories = self._package(parent)
            if directories is None:
                # Libraries register modules below plain ones (os.path, six.moves); projects hardly do, we never.
                known = self.find(parent)
                return OPAQUE if known == OPAQUE or (known is not None and self._is_foreign(parent)) else None
            return self._in(directories, name, parent)
        found = self._in(self._pythonpath, name, "")
        return found if found is not None else _installed(name)

    def _is_foreign(self, module: str) -> bool:
        package = module.partition(".")[0]
        return package not in _OURS and self._in(self._pythonpath, package, "") is None

    def like(self, module: str) -> str | None:
        """The module of the project that is probably meant by the name of one that is not there."""
        if module.count(".") > DEEPEST:
            return None
        if module.endswith(".py") and self.find(module.removesuffix(".py")):
            return module.removesuffix(".py")
        renamed = "selinon" + module.removeprefix(FORMERLY)
        if module.startswith(f"{FORMERLY}.") and self.find(renamed) is not None:
            return renamed
        found = ""
        for name in module.split("."):
            there = f"{found}.{name}" if found else name
            if self.find(there) is None:
                close = did_you_mean(name, self._modules_in(found))
                if close is None:
                    return None
                there = f"{found}.{close}" if found else close
            found = there
        return found

    def _modules_in(self, package: str) -> list[str]:
        """The names of modules and packages in a package, or on top of the project."""
        names = set()
        for directory in (self._package(package) if package else self._pythonpath) or ():
            for file in self._files(directory):
                if file.endswith(".py"):
                    names.add(file.removesuffix(".py"))
                elif any(inner.endswith(".py") for inner in self._files(os.path.join(directory, file))):
                    names.add(file)
        return [name for name in names if name.isidentifier() and name != "__init__"]

    def _package(self, module: str) -> tuple[str, ...] | None:
        """The directories of a package's modules; None for a module that is not a package."""
        if module not in self._packages:
            self._packages[module] = self._package_directories(module)
        return self._packages[module]

    def _package_directories(self, module: str) -> tuple[str, ...] | None:
        parent, _, name = module.rpartition(".")
        roots = self._package(parent) if parent else self._pythonpath
        for root in roots or ():
            directory = os.path.join(root, name)
            if "__init__.py" in self._files(directory):
                return (directory,)
            if f"{name}.py" in self._files(root):
                return None
        spread = [os.path.join(root, name) for root in roots or () if name in self._files(root)]
        if not parent:
            spread += _installed_directories(name)
        return tuple(spread) or None

    def _in(self, directories: tuple[str, ...], name: str, parent: str) -> str | None:
        namespace = None
        for directory in directories:
            files = self._files(directory)
            if name in files:
                inner = os.path.join(directory, name)
                if "__init__.py" in self._files(inner):
                    return os.path.join(inner, "__init__.py")
                if os.path.isdir(inner) and (parent or not _installed_directories(name)):
                    namespace = OPAQUE
            if f"{name}.py" in files:
                return os.path.join(directory, f"{name}.py")
            if any(file.startswith(f"{name}.") and file.endswith(_COMPILED) for file in files):
                return OPAQUE
        return namespace

    def _files(self, directory: str) -> frozenset[str]:
        if directory not in self._listings:
            try:
                self._listings[directory] = frozenset(os.listdir(directory))
            except OSError:
                self._listings[directory] = frozenset()
        return self._listings[directory]


#: Where our own packages are, whatever ``sys.path`` says by now.
_OURS_IN = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
_OURS = ("selinon", "selinon_core")


def _installed(name: str) -> str | None:
    if name in _OURS:
        return os.path.join(_OURS_IN, name, "__init__.py")
    spec = _spec(name)
    if spec is None:
        return None
    origin = getattr(spec, "origin", None)
    return origin if isinstance(origin, str) and origin.endswith(".py") else OPAQUE


def _installed_directories(name: str) -> list[str]:
    if name in _OURS:
        return [os.path.join(_OURS_IN, name)]
    spec = _spec(name)
    try:
        return [str(path) for path in getattr(spec, "submodule_search_locations", None) or ()]
    except Exception:  # a namespace path of a foreign finder
        return []


def _spec(name: str) -> object | None:
    """What the finders of this interpreter know of a top-level name; asking them imports nothing."""
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(name, None)
        except Exception:  # noqa: S112  (a foreign finder's fault is not ours to report)
            continue
        if spec is not None:
            return spec
    return None
