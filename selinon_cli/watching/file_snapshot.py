"""Which files matter to a watched project, and what is in them."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from selinon_core.config.yaml.files import project_directories

_YAML = (".yaml", ".yml")
_CASES = (".flowtest.yaml", ".flowtest.yml")
_SUFFIXES = (*_YAML, ".py")
_NAMES = ("pyproject.toml",)
#: A YAML file that was not named on the command line matters only when it has one of these sections. Tasks may
#: write other YAML files into the project without starting a rebuild.
_SECTIONS = (b"tasks", b"flows", b"storages", b"global", b"flow-definitions")
#: Within so many nanoseconds equal times do not prove equal contents: clocks of file systems are coarse.
_COARSE = 2_500_000_000

#: What a file looks like from outside: times of content and inode, size, inode.
FileStamp = tuple[int, int, int, int]


class WatchRoots(NamedTuple):
    """What to watch: directories with everything below them, directories alone, and files by name."""

    deep: tuple[str, ...] = ()
    shallow: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class FileSnapshot(NamedTuple):
    """The files that matter with digests of their contents and their stamps; every directory to watch."""

    contents: Mapping[str, bytes]
    stamps: Mapping[str, FileStamp]
    directories: tuple[str, ...]


class Changes(NamedTuple):
    """The difference between two snapshots."""

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
    """The changes between the contents of two snapshots."""
    return Changes(
        tuple(sorted(after.keys() - before.keys())),
        tuple(sorted(path for path in before.keys() & after.keys() if before[path] != after[path])),
        tuple(sorted(before.keys() - after.keys())),
    )


class FileScanner:
    """Finds the files below some roots that matter; leaves out the directories that lint leaves out.

    ``outputs`` are files that the watcher itself writes: they never matter.
    """

    def __init__(self, roots: WatchRoots, outputs: Iterable[str] = ()) -> None:
        self._deep: list[str] = []
        self._shallow: set[str] = set()
        self._files: set[str] = set()
        self._outputs = {os.path.abspath(path) for path in outputs}
        self._known: dict[str, tuple[FileStamp, bytes | None]] = {}
        self.add(roots)

    def add(self, roots: WatchRoots) -> bool:
        """Scan these roots too from now on; returns whether any of them is new."""
        before = (list(self._deep), set(self._shallow), set(self._files))
        self._deep = _outermost([*self._deep, *map(os.path.abspath, roots.deep)])
        self._shallow.update(map(os.path.abspath, roots.shallow))
        self._files.update(os.path.abspath(path) for path in roots.files)
        self._files -= self._outputs
        return before != (self._deep, self._shallow, self._files)

    def scan(self) -> FileSnapshot:
        """Take a snapshot of the files as they are now."""
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
        known: dict[str, tuple[FileStamp, bytes | None]] = {}
        for path in paths.keys() - self._outputs:
            seen = self._stamp_and_digest(path, named=paths[path])
            if seen is not None:
                known[path] = seen
        self._known = known
        return FileSnapshot(
            {path: digest for path, (_, digest) in known.items() if digest is not None},
            {path: stamp for path, (stamp, digest) in known.items() if digest is not None},
            # Those with files that matter come first, then those near the top.
            tuple(sorted(directories, key=lambda path: (not directories[path], path.count(os.sep), path))),
        )

    def _walk(self) -> Iterator[tuple[str, list[str]]]:
        for root in self._deep:
            yield from project_directories(root)
        for directory in self._shallow:
            if not _is_below(directory, self._deep):
                try:
                    yield directory, os.listdir(directory)
                except OSError:
                    continue

    def _stamp_and_digest(self, path: str, named: bool) -> tuple[FileStamp, bytes | None] | None:
        """The stamp and the digest of a file; without a digest it does not matter. None: it does not exist."""
        try:
            status = os.stat(path)
        except OSError:
            return None
        stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
        known = self._known.get(path)
        if known is not None and known[0] == stamp and time.time_ns() - max(stamp[:2]) > _COARSE:
            return known
        try:
            with open(path, "rb") as file:
                content = file.read()
        except IsADirectoryError:
            return None
        except OSError as error:  # it exists: what the check says about it is worth a rebuild
            return stamp, f"unreadable: {error.errno}".encode()
        if not named and path.endswith(_YAML) and not _may_define_flows(content) and not path.endswith(_CASES):
            return stamp, None
        return stamp, hashlib.sha256(content).digest()


def _may_define_flows(content: bytes) -> bool:
    plain = content.replace(b"\0", b"")  # UTF-16
    return any(section in plain for section in _SECTIONS)


def _is_below(directory: str, roots: Iterable[str]) -> bool:
    return any(directory == root or directory.startswith(root.rstrip(os.sep) + os.sep) for root in roots)


def _outermost(directories: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for directory in sorted(set(directories), key=lambda path: (len(path), path)):
        if not _is_below(directory, kept):
            kept.append(directory)
    return kept
