"""The tasks of ``limits``: they write lines to one file as they begin and end, in the order of time."""

from __future__ import annotations

import os
import time
from typing import Any


def note(path: str, *words: object) -> None:
    """Append a line: in one write, so that lines of several processes stand one behind the other."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, (" ".join(str(word) for word in words) + "\n").encode())
    os.close(file)


class Held:
    """Says for a tenth of a second that it is at work."""

    def __init__(self, **names: Any) -> None:
        self._about = (names["task_name"], names["dispatcher_id"], names["task_id"], os.getpid())

    def run(self, node_args: Any) -> None:
        """Say it."""
        path = os.environ["SELINON_TEST_LINES"]
        note(path, "begin", *self._about)
        time.sleep(0.1)
        note(path, "end", *self._about)
