"""``[tool.selinon]`` of ``pyproject.toml``: what belongs to a project, and what lint reports of it.

Mistakes raise ``PathError`` with the line.
"""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

from selinon_core.config.yaml.files import (
    PathError,
    SourceFile,
    display_name,
    is_case_file,
    is_root,
    project_directories,
    upwards,
    yaml_files,
)
from selinon_core.diagnostics.wording import suggestion

_LISTS = ("nodes", "flows", "pythonpath", "select", "ignore")
_KNOWN = (*_LISTS, "strict", "per-file-ignores")


class ProjectSettings(NamedTuple):
    """``[tool.selinon]`` of the nearest ``pyproject.toml``; ``root`` is its directory.

    ``nodes`` and ``flows`` are globs relative to ``root``, ``pythonpath`` directories relative to it. ``select``
    and ``ignore`` are codes of rules or beginnings of codes; ``per_file_ignores`` pairs globs with such codes.
    ``strict`` makes warnings count. ``text`` is what the file ``file`` holds.

    Without such a table everything is empty, and ``root`` is where the project seems to begin: the nearest
    directory with ``pyproject.toml`` or ``.git``, else the starting directory.
    """

    root: str
    nodes: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    pythonpath: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    strict: bool = False
    file: str = ""
    text: str = ""

    def place(self, key: str, item: str = "") -> str:
        """``pyproject.toml:LINE`` of a key, or of an item of its value."""
        return f"{self.file}:{_line(self.text, key, item)}"


def project_settings(start: str | None = None) -> ProjectSettings:
    """The settings that hold in ``start`` (default: the working directory).

    Raises ``PathError`` when the ``pyproject.toml`` cannot be read or its ``[tool.selinon]`` is wrong.
    """
    begin = os.path.abspath(start or os.getcwd())
    fallback = None
    for directory in upwards(begin):
        candidate = os.path.join(directory, "pyproject.toml")
        if os.path.isfile(candidate):
            return _read_settings(candidate, directory)
        if fallback is None and is_root(directory):
            fallback = directory
    return ProjectSettings(fallback or begin)


def configured_files(settings: ProjectSettings) -> list[SourceFile]:
    """The files that ``nodes`` and ``flows`` of the settings mean.

    Raises ``PathError`` for an entry that matches nothing.
    """
    import glob

    found: dict[str, SourceFile] = {}
    for key, patterns in (("nodes", settings.nodes), ("flows", settings.flows)):
        for pattern in patterns:
            matches = sorted(glob.glob(os.path.join(glob.escape(settings.root), pattern), recursive=True))
            if not matches:
                where = display_name(settings.root)
                raise PathError(f'{settings.place(key, pattern)}: {key}: "{pattern}" matches no file in {where}')
            for match in matches:
                for file in yaml_files(match, True) if os.path.isdir(match) else (match,):
                    explicit = not os.path.isdir(match)
                    found.setdefault(os.path.realpath(file), SourceFile(file, display_name(file), explicit))
    return list(found.values())


def configured_case_files(settings: ProjectSettings) -> list[SourceFile]:
    """The case files below the root of a project, without those of projects in directories below it."""
    found: list[SourceFile] = []
    others: list[str] = []
    for directory, names in project_directories(settings.root):
        if directory.startswith(tuple(others)):
            continue
        if directory != settings.root and is_root(directory):
            others.append(directory + os.sep)
            continue
        files = (os.path.join(directory, name) for name in sorted(names) if not name.startswith("."))
        found += [SourceFile(file, display_name(file), True) for file in files if is_case_file(file)]
    return found


def module_directories(settings: ProjectSettings) -> tuple[str, ...]:
    """The directories of ``pythonpath``; raises ``PathError`` for one that does not exist."""
    directories = tuple(os.path.join(settings.root, path) for path in settings.pythonpath)
    for path, directory in zip(settings.pythonpath, directories, strict=True):
        if not os.path.exists(directory):
            raise PathError(f'{settings.place("pythonpath", path)}: pythonpath: there is no directory "{path}"')
    return directories


def _read_settings(path: str, root: str) -> ProjectSettings:
    name = display_name(path)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise PathError(f"cannot read {name}: {error.strerror}") from error
    if b"selinon" not in data:
        return ProjectSettings(root)
    import tomllib  # only for projects that say something about us

    try:
        text = data.decode()
        table = tomllib.loads(text).get("tool", {}).get("selinon", {})
    except tomllib.TOMLDecodeError as error:
        raise PathError(_toml_error(name, str(error))) from error
    except (ValueError, AttributeError) as error:
        raise PathError(f"cannot read {name}: {error}") from error
    if not isinstance(table, dict):
        raise PathError(f"{name}: tool.selinon has to be a table")
    empty = ProjectSettings(root, file=name, text=text)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in _LISTS:
            values[key] = _texts(empty, key, value)
        elif key == "strict":
            if not isinstance(value, bool):
                raise PathError(f"{empty.place(key)}: tool.selinon.strict has to be true or false")
            values[key] = value
        elif key == "per-file-ignores":
            if not isinstance(value, dict):
                raise PathError(f"{empty.place(key)}: tool.selinon.{key} has to be a table of lists of codes")
            values["per_file_ignores"] = tuple((glob, _texts(empty, glob, codes)) for glob, codes in value.items())
        else:
            close = suggestion(key, _KNOWN) or f"known are {', '.join(_KNOWN)}"
            raise PathError(f'{empty.place(key)}: unknown key "{key}" in [tool.selinon]; {close}')
    return empty._replace(**values)


def _texts(settings: ProjectSettings, key: str, value: Any) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise PathError(f"{settings.place(key)}: tool.selinon.{key} has to be a list of texts")
    return tuple(items)


def _toml_error(name: str, message: str) -> str:
    at = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if at is None:
        return f"cannot read {name}: {message}"
    return f"{name}:{at[1]}:{at[2]}: this is not TOML: {message[: at.start()]}"


def _line(text: str, key: str, item: str) -> int:
    """The line of a key of ``[tool.selinon]``, or of an item below it; the first line when it is not found.

    ``tomllib`` returns no line numbers. It has accepted the file, so a text search finds the usual spellings.
    """
    lines = text.splitlines()
    begin = next((n for n, line in enumerate(lines) if re.match(r"\s*\[?\s*tool\b.*\bselinon\b", line)), 0)
    named = re.compile(rf"(?:^|[\s.\"'\[{{,]){re.escape(key)}(?=[\s\"'\].=]|$)")
    at = next((n for n in range(begin, len(lines)) if named.search(lines[n])), begin)
    if item:
        quoted = (f'"{item}"', f"'{item}'")
        at = next((n for n in range(at, len(lines)) if any(text in lines[n] for text in quoted)), at)
    return at + 1
