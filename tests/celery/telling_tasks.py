"""Tasks that log, print and say how far they are."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

from selinon_core import SelinonTask, progress

#: What a task does between two calls: tests move the clock, or look.
BETWEEN: list[Callable[[], None]] = []


class Telling(SelinonTask):
    """Says what its arguments say."""

    def run(self, node_args: Any) -> Any:
        self.log.warning("card %s is used", node_args["card"]["number"])
        logging.getLogger("elsewhere").error("two\nlines")
        print("printed", end=" ")
        print("in parts")
        print("without end", end="", file=sys.stderr)
        for line in range(node_args.get("lines", 0)):
            self.log.error("line %d", line)
        if node_args.get("fail"):
            raise ValueError("no")


class Counting(SelinonTask):
    """Says how far it is."""

    def run(self, node_args: Any) -> Any:
        for done in range(node_args["of"]):
            self.progress(done + 1, node_args["of"], "pages")
            for between in BETWEEN:
                between()


class Typed:
    """Any class may be a task."""

    def __init__(self, **names: Any) -> None:
        """What selinon gives a task."""

    def run(self, *, of: int) -> None:
        progress(1, text=f"at  the\n{of}th")


class Wrong(SelinonTask):
    """Says nonsense."""

    def run(self, node_args: Any) -> Any:
        self.progress(node_args["done"], node_args.get("of"))
