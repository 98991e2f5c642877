"""Which files matter to a watched project, and what is in them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

_SUFFIXES = (".yaml", ".yml", ".py")
_NAMES = ("pyproject.toml",)
_NEVER = frozenset({"__pycache__", "node_modules", "site-packages"})

#: path -> digest of its content
Contents = Mapping[str, bytes]


class Changes(NamedTuple):
    """What differs between two looks at the files."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def text(self) -> str:
        """In words: ``changed a.yaml, b.py; removed c.yaml``."""
        parts = []
        for what, paths in zip(("added", "changed", "removed"), self, strict=True):
            if paths:
                shown = ", ".join(os.path.relpath(path) for path in paths[:5])
                parts.append(f"{what} {shown}" + (f" and {len(paths) - 5} more" if len(paths) > 5 else ""))
        return "; ".join(parts)


def compare(before: Contents, after: Contents) -> Changes:
    """What happened between two looks."""
    return Changes(
        tuple(sorted(after.keys() - before.keys())),
        tuple(sorted(path for path in before.keys() & after.keys() if before[path] != after[path])),
        tuple(sorted(before.keys() - after.keys())),
    )


class Sight:
    """The files below some directories that matter, and some others by name.

    Hidden directories, virtual environments and caches are left out. A file is read again only when its size,
    time or inode changed.
    """

    def __init__(self, directories: Iterable[str], files: Iterable[str] = ()) -> None:
        self._roots = _outermost(os.path.abspath(directory) for directory in directories)
        self._files = {os.path.abspath(path) for path in files}
        self._known: dict[str, tuple[tuple[int, int, int], bytes]] = {}

    def also(self, files: Iterable[str]) -> None:
        """Look at these files from now on, wherever they are."""
        self._files.update(os.path.abspath(path) for path in files)

    def directories(self) -> set[str]:
        """Every directory to keep an eye on."""
        found = {directory for root in self._roots for directory, _ in _walk(root)}
        return found | {os.path.dirname(path) for path in self._files if os.path.isdir(os.path.dirname(path))}

    def look(self) -> dict[str, bytes]:
        """The files there are now, with digests of their contents."""
        found: dict[str, bytes] = {}
        for path in self._paths():
            digest = self._digest(path)
            if digest is not None:
                found[path] = digest
        self._known = {path: known for path, known in self._known.items() if path in found}
        return found

    def _paths(self) -> set[str]:
        paths = set(self._files)
        for root in self._roots:
            for directory, names in _walk(root):
                for name in names:
                    if not name.startswith(".") and (name.endswith(_SUFFIXES) or name in _NAMES):
                        paths.add(os.path.join(directory, name))
        return paths

    def _digest(self, path: str) -> bytes | None:
        try:
            status = os.stat(path)
            mark = (status.st_mtime_ns, status.st_size, status.st_ino)
            known = self._known.get(path)
            if known is not None and known[0] == mark:
                return known[1]
            with open(path, "rb") as file:
                digest = hashlib.sha256(file.read()).digest()
        except OSError:  # gone between two looks, or not to be read: as good as not there
            return None
        self._known[path] = (mark, digest)
        return digest


def _walk(root: str) -> Iterator[tuple[str, list[str]]]:
    for directory, below, names in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".") and name not in _NEVER]
        if directory != root and "pyvenv.cfg" in names:
            below.clear()
            continue
        yield directory, names


def _outermost(directories: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for directory in sorted(set(directories), key=len):
        if not any(directory == other or directory.startswith(other.rstrip(os.sep) + os.sep) for other in kept):
            kept.append(directory)
    return kept
