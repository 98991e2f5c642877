"""Which files make up a project, and their bytes.

What is named explicitly has to exist and to be of use; what is found in a directory is taken when it looks like
one of ours. Nothing here understands YAML.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from selinon_core.errors import RequestError

_SUFFIXES = (".yaml", ".yml")
#: How the names of case files end: they hold tests of a project, and do not belong to it.
CASE_SUFFIXES = (".flowtest.yaml", ".flowtest.yml")
#: in bytes; it keeps a device or a stray dump from filling the memory
LARGEST_FILE = 50_000_000
#: Directories of what package managers install.
INSTALLED = frozenset({"node_modules", "site-packages", "__pycache__"})
_NODES_FILES = ("nodes.yaml", "nodes.yml")


class PathError(RequestError):
    """Raised when a path named on purpose does not exist, or a directory has no YAML file."""


class MissingPathError(PathError):
    """Raised when ``path`` does not exist."""

    def __init__(self, path: str) -> None:
        super().__init__(f"no such file or directory: {path}")
        self.path = path


class NoFilesError(PathError):
    """Raised when a directory has no YAML file: there is no project yet."""


class SourceFile(NamedTuple):
    """A file to read. ``path`` opens it, ``name`` is how messages call it; ``explicit``: the user named it."""

    path: str
    name: str
    explicit: bool


def display_name(path: str) -> str:
    """How messages call a file: relative to the working directory where it lies below it."""
    absolute = os.path.abspath(path)
    here = os.getcwd()
    if absolute.startswith(here.rstrip(os.sep) + os.sep):
        return os.path.relpath(absolute, here)
    return path if os.path.isabs(path) else os.path.relpath(absolute, here)


def is_case_file(path: str) -> bool:
    """Return whether the name of a file makes it one with test cases."""
    return path.endswith(CASE_SUFFIXES)


def named_files(paths: Iterable[str | os.PathLike[str]], *, follow_links: bool = True) -> list[SourceFile]:
    """The files that are meant by files and directories, each once, in the order given; directories sorted.

    ``follow_links``: search linked directories too. A directory that the user names is searched completely; a
    working directory may hold links to anything.

    Raises ``PathError`` for a path that does not exist, is neither file nor directory, or is a directory
    without YAML files.
    """
    found: dict[str, SourceFile] = {}
    for given in paths:
        path = os.fspath(given)
        if os.path.isdir(path):
            inside = list(yaml_files(path, follow_links))
            if not inside:
                raise NoFilesError(f"no YAML files in {display_name(path)}")
            for file in inside:
                found.setdefault(os.path.realpath(file), SourceFile(file, display_name(file), False))
        elif os.path.exists(path):
            real = os.path.realpath(path)
            if real not in found or not found[real].explicit:
                found[real] = SourceFile(path, display_name(path), True)
        else:
            raise MissingPathError(path)
    return list(found.values())


def yaml_files(directory: str, follow_links: bool) -> Iterator[str]:
    """YAML files below a directory; with ``follow_links`` each directory once.

    Hidden files and directories are left out, and what package managers install. Directories that cannot be listed
    are returned too: reading them raises the error with the reason.
    """
    closed: list[OSError] = []
    for parent, names in project_directories(directory, follow_links=follow_links, onerror=closed.append):
        for name in sorted(names):
            path = os.path.join(parent, name)
            if name.endswith(_SUFFIXES) and not name.startswith(".") and not _is_named_pipe(path):
                yield path
    yield from sorted(error.filename for error in closed)


def project_directories(
    directory: str, *, follow_links: bool = False, onerror: Callable[[OSError], object] | None = None
) -> Iterator[tuple[str, list[str]]]:
    """A directory and those below it that may belong to a project, each with the names of its files.

    Left out are hidden directories, virtual environments and what package managers install.
    """
    seen: set[str] = set()
    for parent, folders, names in os.walk(directory, followlinks=follow_links, onerror=onerror):
        if parent != directory and "pyvenv.cfg" in names:
            folders.clear()
            continue
        if follow_links:
            real = os.path.realpath(parent)
            if real in seen:  # a link that leads back, or to what another one leads to
                folders.clear()
                continue
            seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in INSTALLED)
        yield parent, names


def nodes_file_for(path: str) -> SourceFile | None:
    """The ``nodes.yaml`` beside ``path`` or in a directory above it, up to the project's root; None if none."""
    for directory in upwards(path if os.path.isdir(path) else os.path.dirname(os.path.abspath(path))):
        for name in _NODES_FILES:
            candidate = os.path.join(directory, name)
            if os.path.isfile(candidate):
                return SourceFile(candidate, display_name(candidate), False)
        if is_root(directory):
            return None
    return None


def read_bytes(path: str) -> bytes:
    """The content of a file. Raises ``OSError``, for one larger than ``LARGEST_FILE`` and for a named pipe too."""
    refuse_named_pipe(path)
    with open(path, "rb") as file:
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise OSError(errno.EFBIG, f"larger than {LARGEST_FILE // 10**6} MB")
    return data


def refuse_named_pipe(path: str) -> None:
    """Raise ``OSError`` for a file whose reading may wait for ever."""
    if os.path.isdir(path):
        os.listdir(path)  # raises what keeps it from being listed
    if _is_named_pipe(path):
        raise OSError(errno.EINVAL, "a named pipe, to which nothing may ever be written", path)


def _is_named_pipe(path: str) -> bool:
    """Whether opening it may wait for ever; what a shell passes for ``<(command)`` has its writer already."""
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode) and not os.path.abspath(path).startswith(("/dev/", "/proc/"))
    except OSError:
        return False


def upwards(path: str) -> Iterator[str]:
    directory = os.path.abspath(path)
    while True:
        yield directory
        parent = os.path.dirname(directory)
        if parent == directory:
            return
        directory = parent


def is_root(directory: str) -> bool:
    return any(os.path.exists(os.path.join(directory, mark)) for mark in ("pyproject.toml", ".git"))
