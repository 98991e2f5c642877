"""``retry`` of a task: how often it is tried again, after which errors, and how long it waits before that."""

from __future__ import annotations

import re
from typing import Any

from selinon_core.config.model import RetryDef
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via
from selinon_core.config.schema.common import DURATION, SECONDS
from selinon_core.config.schema.mapping import Key, MappingType
from selinon_core.config.schema.types import LARGEST, JsonSchema, Number, OneOrMore, Text
from selinon_core.config.yaml.nodes import Node
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import shorten

#: A class of errors: its name, or module and name; ``*`` and ``?`` stand for any characters.
_PATTERN = r"^[A-Za-z0-9_*?]+(\.[A-Za-z0-9_*?]+)*$"
_EXPECTED = "the name of an exception class"


class _ClassName(Text):
    """The name of a class of errors, or a pattern for several."""

    def __init__(self) -> None:
        super().__init__(_EXPECTED, check=_PATTERN)

    def _fits(self, value: str) -> bool:
        return re.match(_PATTERN, value) is not None

    def _bad(self, reading: ReadContext, node: Node, via: Via, label: str, value: str) -> None:
        reading.report(
            kinds.BAD_NAME,
            node,
            via,
            f'{label}: "{shorten(value)}" is not {_EXPECTED}',
            note='expected a name or a pattern, such as TimeoutError or "requests.exceptions.*"',
        )


_CLASSES = OneOrMore(_ClassName(), f"{_EXPECTED}, or a list of them", nonempty=True)


class _Within(Number):
    """A number from ``least`` to ``most``."""

    def __init__(self, least: float, most: float, expected: str) -> None:
        super().__init__()
        self.least, self.most, self.expected = least, most, expected

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> float | Broken:
        value = super().read(reading, node, via, label)
        if isinstance(value, Broken) or self.least <= value <= self.most:
            return value
        text = f"{label} has to be {self.expected}, not {shorten(f'{value:g}')}"
        return reading.report(kinds.WRONG_VALUE, node, via, text, note=f"expected {self.expected}")

    def schema(self) -> JsonSchema:
        return {"type": "number", "minimum": self.least, "maximum": self.most}


def _finish_retry(reading: ReadContext, retry: RetryDef, raw: dict[str, Any]) -> bool:
    return retry.max is not None and raw.get("max") is not BROKEN


RETRY = MappingType(
    "retry",
    RetryDef,
    (
        Key("max", Number(whole=True, positive=True), "retries after an exception", "max", required=True),
        Key("wait", SECONDS, "seconds before the first retry", "wait", 0, broken=0),
        Key(
            "factor",
            _Within(1, LARGEST, "a number of at least 1"),
            "how many times as long each further wait is",
            "factor",
            1,
            broken=1,
        ),
        Key("max_wait", DURATION, "the longest wait, in seconds; default: no limit", "max_wait"),
        Key(
            "jitter",
            _Within(0, 1, "a number from 0 to 1"),
            "the part of a wait by which it is shorter or longer",
            "jitter",
            0,
            broken=0,
        ),
        Key("only", _CLASSES, "classes of errors that are retried; default: all", "only", (), broken=()),
        Key("never", _CLASSES, "classes of errors that are not retried", "never", (), broken=()),
    ),
    finish=_finish_retry,
    text="When a task that failed is tried again.",
)
