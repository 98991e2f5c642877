"""Which files make up a project, and their bytes.

What is named explicitly has to exist and to be of use; what is found in a directory is taken when it looks like
one of ours. Nothing here understands YAML.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from selinon_core.errors import RequestError

_SUFFIXES = (".yaml", ".yml")
#: in bytes; it keeps a device or a stray dump from filling the memory
LARGEST_FILE = 50_000_000
_NODES_FILES = ("nodes.yaml", "nodes.yml")


class PathError(RequestError):
    """Raised when a path named on purpose does not exist, or a directory has no YAML file."""


class NoFilesError(PathError):
    """Raised when a directory has no YAML file: there is no project yet."""


class SourceFile(NamedTuple):
    """A file to read. ``path`` opens it, ``name`` is how messages call it; ``explicit``: somebody named it."""

    path: str
    name: str
    explicit: bool


class ProjectSettings(NamedTuple):
    """``[tool.selinon]`` of the nearest ``pyproject.toml``; ``root`` is its directory.

    ``nodes`` and ``flows`` are globs relative to ``root``, ``pythonpath`` directories relative to it, ``ignore``
    codes. Without such a table everything is empty, and ``root`` is where the project seems to begin: the nearest
    directory with ``pyproject.toml`` or ``.git``, else the starting directory.
    """

    root: str
    nodes: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    pythonpath: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def display_name(path: str) -> str:
    """How messages call a file: relative to the working directory where it lies below it."""
    absolute = os.path.abspath(path)
    here = os.getcwd()
    if absolute.startswith(here.rstrip(os.sep) + os.sep):
        return os.path.relpath(absolute, here)
    return path if os.path.isabs(path) else os.path.relpath(absolute, here)


def named_files(paths: Iterable[str | os.PathLike[str]], *, follow_links: bool = True) -> list[SourceFile]:
    """The files that are meant by files and directories, each once, in the order given; directories sorted.

    ``follow_links``: search linked directories too. A directory that somebody names is searched completely, a
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
            raise PathError(f"no such file or directory: {path}")
    return list(found.values())


def yaml_files(directory: str, follow_links: bool) -> Iterator[str]:
    """YAML files below a directory, hidden ones left out; with ``follow_links`` each directory once."""
    seen: set[str] = set()
    for parent, folders, names in os.walk(directory, followlinks=follow_links):
        if follow_links:
            real = os.path.realpath(parent)
            if real in seen:  # a link that leads back, or to what another one leads to
                folders.clear()
                continue
            seen.add(real)
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        for name in sorted(names):
            path = os.path.join(parent, name)
            if name.endswith(_SUFFIXES) and not name.startswith(".") and not _is_named_pipe(path):
                yield path


def nodes_file_for(path: str) -> SourceFile | None:
    """The ``nodes.yaml`` beside ``path`` or in a directory above it, up to the project's root; None if none."""
    for directory in _upwards(path if os.path.isdir(path) else os.path.dirname(os.path.abspath(path))):
        for name in _NODES_FILES:
            candidate = os.path.join(directory, name)
            if os.path.isfile(candidate):
                return SourceFile(candidate, display_name(candidate), False)
        if _is_root(directory):
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
    if _is_named_pipe(path):
        raise OSError(errno.EINVAL, "a named pipe, to which nothing may ever be written", path)


def _is_named_pipe(path: str) -> bool:
    """Whether opening it may wait for ever; what a shell passes for ``<(command)`` has its writer already."""
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode) and not os.path.abspath(path).startswith(("/dev/", "/proc/"))
    except OSError:
        return False


def _upwards(path: str) -> Iterator[str]:
    directory = os.path.abspath(path)
    while True:
        yield directory
        parent = os.path.dirname(directory)
        if parent == directory:
            return
        directory = parent


def _is_root(directory: str) -> bool:
    return any(os.path.exists(os.path.join(directory, mark)) for mark in ("pyproject.toml", ".git"))


def project_settings(start: str | None = None) -> ProjectSettings:
    """The settings that hold in ``start`` (default: the working directory).

    Raises ``PathError`` when the ``pyproject.toml`` cannot be read or its ``[tool.selinon]`` is wrong.
    """
    begin = os.path.abspath(start or os.getcwd())
    fallback = None
    for directory in _upwards(begin):
        candidate = os.path.join(directory, "pyproject.toml")
        if os.path.isfile(candidate):
            return _read_settings(candidate, directory)
        if fallback is None and _is_root(directory):
            fallback = directory
    return ProjectSettings(fallback or begin)


def _read_settings(path: str, root: str) -> ProjectSettings:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise PathError(f"cannot read {display_name(path)}: {error.strerror}") from error
    if b"selinon" not in data:
        return ProjectSettings(root)
    import tomllib  # only for projects that say something about us

    try:
        table = tomllib.loads(data.decode()).get("tool", {}).get("selinon", {})
    except (ValueError, AttributeError) as error:
        raise PathError(f"cannot read {display_name(path)}: {error}") from error
    if not isinstance(table, dict):
        raise PathError(f"{display_name(path)}: tool.selinon has to be a table")
    known = ("nodes", "flows", "pythonpath", "ignore")
    values: dict[str, tuple[str, ...]] = {}
    for key, value in table.items():
        if key not in known:
            raise PathError(
                f'{display_name(path)}: unknown key "{key}" in [tool.selinon], known: {", ".join(known)}'
            )
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise PathError(f"{display_name(path)}: tool.selinon.{key} has to be a list of texts")
        values[key] = tuple(items)
    return ProjectSettings(root, **values)


def configured_files(settings: ProjectSettings) -> list[SourceFile]:
    """The files that ``nodes`` and ``flows`` of the settings mean.

    Raises ``PathError`` for an entry that matches nothing.
    """
    import glob

    found: dict[str, SourceFile] = {}
    for pattern in (*settings.nodes, *settings.flows):
        matches = sorted(glob.glob(os.path.join(glob.escape(settings.root), pattern), recursive=True))
        if not matches:
            raise PathError(f'"{pattern}" of [tool.selinon] matches no file in {display_name(settings.root)}')
        for match in matches:
            for file in yaml_files(match, True) if os.path.isdir(match) else (match,):
                explicit = not os.path.isdir(match)
                found.setdefault(os.path.realpath(file), SourceFile(file, display_name(file), explicit))
    return list(found.values())
