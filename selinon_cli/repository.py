"""Paths as code hosts know them: relative to the root of the git repository."""

from __future__ import annotations

import os
from collections.abc import Callable


def repository_root(start: str | None = None) -> str:
    """The nearest directory upwards with ``.git``; without one, the starting (default: working) directory."""
    here = os.path.realpath(start or os.getcwd())
    directory = here
    while not os.path.exists(os.path.join(directory, ".git")):
        parent = os.path.dirname(directory)
        if parent == directory:
            return here
        directory = parent
    return directory


def relative_to(root: str) -> Callable[[str], str]:
    """A function that makes file names relative to ``root``, with forward slashes; others stay absolute."""

    def locate(file: str) -> str:
        if file.startswith("<"):
            return file
        path = os.path.realpath(file)
        if path != root and os.path.commonpath((path, root)) == root:
            path = os.path.relpath(path, root)
        return path.replace(os.sep, "/")

    return locate
