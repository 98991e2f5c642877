"""Which files matter to a watched project, and what is in them."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

_YAML = (".yaml", ".yml")
_SUFFIXES = (*_YAML, ".py")
_NAMES = ("pyproject.toml",)
_NEVER = frozenset({"__pycache__", "node_modules", "site-packages"})
#: A YAML file that nobody named is ours only when it has one of these; others are as good as not there, so that
#: a task may write YAML files into the project without waking the watcher.
_SECTIONS = (b"tasks", b"flows", b"storages", b"global", b"flow-definitions")
#: Nanoseconds for which a file's times are not trusted to tell contents apart: clocks of file systems are coarse.
_COARSE = 2_500_000_000

#: What a file looks like from outside: times of content and inode, size, inode.
Mark = tuple[int, int, int, int]


class Roots(NamedTuple):
    """Where to look: directories with everything below them, directories alone, and files by name."""

    deep: tuple[str, ...] = ()
    shallow: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Look(NamedTuple):
    """The files that matter with digests of their contents and their marks; every directory to keep an eye on."""

    contents: Mapping[str, bytes]
    marks: Mapping[str, Mark]
    directories: tuple[str, ...]


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


def compare(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Changes:
    """What happened between two looks at contents."""
    return Changes(
        tuple(sorted(after.keys() - before.keys())),
        tuple(sorted(path for path in before.keys() & after.keys() if before[path] != after[path])),
        tuple(sorted(before.keys() - after.keys())),
    )


class Sight:
    """The files in some places that matter. Hidden directories, virtual environments and caches are left out.

    ``outputs`` are files that the watcher itself writes: they never matter.
    """

    def __init__(self, roots: Roots, outputs: Iterable[str] = ()) -> None:
        self._deep: list[str] = []
        self._shallow: set[str] = set()
        self._files: set[str] = set()
        self._outputs = {os.path.abspath(path) for path in outputs}
        self._known: dict[str, tuple[Mark, bytes | None]] = {}
        self.also(roots)

    def also(self, roots: Roots) -> bool:
        """Look there too from now on; tells whether that is news."""
        before = (list(self._deep), set(self._shallow), set(self._files))
        self._deep = _outermost([*self._deep, *map(os.path.abspath, roots.deep)])
        self._shallow.update(map(os.path.abspath, roots.shallow))
        self._files.update(os.path.abspath(path) for path in roots.files)
        self._files -= self._outputs
        return before != (self._deep, self._shallow, self._files)

    def look(self) -> Look:
        """What there is now."""
        directories: dict[str, bool] = {}
        paths = dict.fromkeys(self._files, True)
        for directory, names in self._walk():
            found = [
                os.path.join(directory, name)
                for name in names
                if not name.startswith(".") and (name.endswith(_SUFFIXES) or name in _NAMES)
            ]
            directories[directory] = bool(found)
            for path in found:
                paths.setdefault(path, False)
        for path in self._files:
            directory = os.path.dirname(path)
            if os.path.isdir(directory):
                directories[directory] = True
        known: dict[str, tuple[Mark, bytes | None]] = {}
        for path in paths.keys() - self._outputs:
            seen = self._see(path, named=paths[path])
            if seen is not None:
                known[path] = seen
        self._known = known
        return Look(
            {path: digest for path, (_, digest) in known.items() if digest is not None},
            {path: mark for path, (mark, digest) in known.items() if digest is not None},
            # Those with files that matter come first, then those near the top.
            tuple(sorted(directories, key=lambda path: (not directories[path], path.count(os.sep), path))),
        )

    def _walk(self) -> Iterator[tuple[str, list[str]]]:
        for root in self._deep:
            yield from _walk(root)
        for directory in self._shallow:
            if not _is_below(directory, self._deep):
                try:
                    yield directory, os.listdir(directory)
                except OSError:
                    continue

    def _see(self, path: str, named: bool) -> tuple[Mark, bytes | None] | None:
        """Mark and digest of a file; without a digest it does not matter. None: it is not there."""
        try:
            status = os.stat(path)
        except OSError:
            return None
        mark = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
        known = self._known.get(path)
        if known is not None and known[0] == mark and time.time_ns() - max(mark[:2]) > _COARSE:
            return known
        try:
            with open(path, "rb") as file:
                content = file.read()
        except IsADirectoryError:
            return None
        except OSError as error:  # it is there: what the check says about it is worth a round
            return mark, f"unreadable: {error.errno}".encode()
        if not named and path.endswith(_YAML) and not _may_be_ours(content):
            return mark, None
        return mark, hashlib.sha256(content).digest()


def _may_be_ours(content: bytes) -> bool:
    plain = content.replace(b"\0", b"")  # UTF-16
    return any(section in plain for section in _SECTIONS)


def _walk(root: str) -> Iterator[tuple[str, list[str]]]:
    for directory, below, names in os.walk(root):
        if directory != root and "pyvenv.cfg" in names:
            below.clear()
            continue
        below[:] = [name for name in below if not name.startswith(".") and name not in _NEVER]
        yield directory, names


def _is_below(directory: str, roots: Iterable[str]) -> bool:
    return any(directory == root or directory.startswith(root.rstrip(os.sep) + os.sep) for root in roots)


def _outermost(directories: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for directory in sorted(set(directories), key=lambda path: (len(path), path)):
        if not _is_below(directory, kept):
            kept.append(directory)
    return kept
