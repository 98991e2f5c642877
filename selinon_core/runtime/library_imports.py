"""Modules of a project that are called like modules of libraries: each importer gets its own.

The directories of a project stand in front of ``sys.path``, as that of a script does. But much of what libraries
import they import late, when the directories are there already: a ``graphviz.py`` or ``inspect.py`` of the project
would be taken for the library. So a finder comes first that looks who imports: code of the project finds its own
modules first, everything else finds libraries first.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

#: What libraries, ours among them, import; modules of other names are left to the usual ways.
LIBRARIES = sys.stdlib_module_names | {
    *("attr", "attrs", "billiard", "boto3", "botocore", "bson", "celery", "click", "dateutil", "graphviz"),
    *("graphviz_pure", "greenlet", "gridfs", "jmespath", "jsonschema", "jsonschema_specifications", "kombu"),
    *("markdown_it", "mdurl", "opentelemetry", "psycopg", "psycopg_binary", "psycopg_pool", "pygments", "pymongo"),
    *("redis", "referencing", "rich", "rpds", "s3transfer", "sentry_sdk", "shellingham", "six", "sqlalchemy"),
    *("typer", "typing_extensions", "tzdata", "tzlocal", "urllib3", "vine", "watchdog", "yaml"),
}
_IMPORTING = ("<frozen importlib", os.path.join(os.path.dirname(os.__file__), "importlib") + os.sep)
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

#: The directories of all projects of this process, with a separator at the end.
_projects: set[str] = set()
_path_lock = threading.Lock()
#: In ``own``: the name that stands for a module of the project in this thread, and where that is.
_wanted = threading.local()


def know_project(directories: Sequence[str]) -> None:
    """Add the directories of a project to the finder, which is installed once."""
    _projects.update(os.path.join(directory, "") for directory in directories)
    if directories and _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def origin_of(module: Any) -> str | None:
    """The file a module says it came from; anything may stand in ``sys.modules``."""
    try:
        origin = module.__spec__.origin
    except Exception:  # no specification, one that is a text, or a lazy module that cannot be loaded
        return None
    return origin if isinstance(origin, str) and os.path.isabs(origin) else None


def is_of_project(file: str | None) -> bool:
    """Whether a file is code of a project: below its directories, and not installed there or ours."""
    if file is None or file.startswith(_OURS) or any(part in file for part in _INSTALLED):
        return False
    return file.startswith(tuple(_projects))


@contextmanager
def libraries_only() -> Iterator[None]:
    """Take the directories of projects out of ``sys.path`` while the block starts a process, which inherits it."""
    home = os.path.dirname(_OURS.rstrip(os.sep))
    with _path_lock:
        before = list(sys.path)
        sys.path[:] = [entry for entry in before if not _is_project(entry) or os.path.abspath(entry) == home]
        try:
            yield
        finally:
            sys.path[:] = before


def _is_project(entry: str) -> bool:
    return os.path.join(os.path.abspath(entry), "") in _projects


@contextmanager
def own_module(name: str, directories: Sequence[str]) -> Iterator[bool]:
    """Let the block import a module of the project though it may be called like one of a library.

    If it is (which is handed out), the name stands for the library's again afterwards; the project keeps what it
    has imported.
    """
    top = name.partition(".")[0]
    if top not in LIBRARIES or PathFinder.find_spec(top, list(directories)) is None:
        yield False
        return
    aside = _take_out(top)
    _wanted.own = (top, list(directories))
    try:
        yield True
    finally:
        del _wanted.own
        _take_out(top)
        sys.modules.update(aside)


def _take_out(top: str) -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] == top]
    return {name: sys.modules.pop(name) for name in names}


class _LibraryFinder:
    """Finds modules of libraries for other code than the project's, whatever the project calls its own."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is not None or name not in LIBRARIES:
            return None
        own, directories = getattr(_wanted, "own", (None, ()))
        if name == own:
            return PathFinder.find_spec(name, directories, target)
        if is_of_project(_importer()):
            return None
        elsewhere = [entry for entry in sys.path if not _is_project(entry)]
        if len(elsewhere) == len(sys.path):
            return None
        return PathFinder.find_spec(name, elsewhere, target)


def _importer() -> str | None:
    """The file of the code that imports."""
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_IMPORTING):
            return os.path.abspath(file) if not file.startswith("<") else None
        frame = frame.f_back  # type: ignore[assignment]
    return None


_finder = _LibraryFinder()
