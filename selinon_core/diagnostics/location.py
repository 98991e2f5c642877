"""Files and places in them. Lines and columns count from 1 and columns count code points."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A point in a YAML file, the way people name it: ``file:line:column``."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Span(NamedTuple):
    """A stretch of text; ``end_line``/``end_column`` name the first character behind it."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def place(self) -> Place:
        """Where the stretch begins."""
        return Place(self.file, self.line, self.column)


#: For values that no file holds (a configuration given as a dictionary).
NOWHERE = Span("<config>", 1, 1, 1, 1)
