"""Which cases were not fine at the last run, kept in ``.selinon/`` beside the project."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

DIRECTORY = ".selinon"
_FILE = "last-test-run.json"
_VERSION = 1


class LastRun:
    """The cases that were not fine when they were last run, by their ids.

    A file that cannot be read, or that another version wrote, counts as none: it is only a memory aid.
    """

    def __init__(self, root: str) -> None:
        self._path = os.path.join(root, DIRECTORY, _FILE)

    def failed(self) -> list[str]:
        """The ids, in the order of that run."""
        try:
            with open(self._path, encoding="utf-8") as file:
                value = json.load(file)
        except (OSError, ValueError, RecursionError):
            return []
        return _ids(value)

    def record(self, ran: Iterable[str], failed: Sequence[str]) -> None:
        """Keep what failed of those that ran; what did not run keeps its mark.

        The file is replaced as a whole. A directory that cannot be written to is left as it is.
        """
        done = set(ran)
        kept = [*failed, *(id for id in self.failed() if id not in done)]
        if not kept and not os.path.exists(self._path):
            return
        try:
            replace_file(self._path, json.dumps({"version": _VERSION, "failed": kept}, indent=1) + "\n")
        except OSError:
            return


def replace_file(path: str, text: str) -> None:
    """Write a file so that readers see the old content or the new one; makes its directory. Raises ``OSError``.

    A new directory ``.selinon`` gets a ``.gitignore`` that keeps it out of git.
    """
    directory = os.path.dirname(path)
    if not os.path.isdir(directory):
        os.makedirs(directory, exist_ok=True)
        if os.path.basename(directory) == DIRECTORY:
            with open(os.path.join(directory, ".gitignore"), "w", encoding="utf-8") as file:
                file.write("*\n")
    temporary = f"{path}.{os.getpid()}"
    try:
        with open(temporary, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def _ids(value: Any) -> list[str]:
    if not isinstance(value, dict) or value.get("version") != _VERSION:
        return []
    failed = value.get("failed")
    return [id for id in failed if isinstance(id, str)] if isinstance(failed, list) else []
