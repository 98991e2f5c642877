"""What operators say of a flow: ``keep``, how long runs are kept, and ``limit``, how many there may be at once."""

from __future__ import annotations

import re
from typing import Any

from selinon_core.config.model import LimitDef
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via
from selinon_core.config.schema.common import COUNT, finish_with_rules, read_words
from selinon_core.config.schema.data import TEMPLATE_TEXT
from selinon_core.config.schema.mapping import Key, MappingType
from selinon_core.config.schema.types import LARGEST, Choice, JsonSchema, ValueType
from selinon_core.config.yaml.nodes import MappingNode, Node
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import shorten

#: How runs end.
STATUSES = ("success", "failure", "cancelled")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PATTERN = r"^\s*(\d{1,12}(\.\d+)?)\s*([smhdw])\s*$"


class KeptTime(ValueType):
    """Seconds, or a text with a unit: ``90``, ``30m``, ``12h``, ``30d``, ``2w``. As seconds."""

    expected = "a number of seconds greater than 0, or a text such as 12h or 30d"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> float | Broken:
        value = reading.value_of(node)
        if isinstance(value, str):
            found = re.match(_PATTERN, value)
            seconds = float(found[1]) * _UNITS[found[3]] if found else 0.0
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seconds = float(value)
        else:
            return reading.wrong_type(node, via, label, self.expected)
        if not 0 < seconds <= LARGEST:
            return reading.report(
                kinds.WRONG_VALUE,
                node,
                via,
                f"{label} has to be {self.expected}, not {shorten(str(value))}",
                note="units are s, m, h, d and w",
            )
        return seconds

    def schema(self) -> JsonSchema:
        return {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": LARGEST},
                {"type": "string", "pattern": _PATTERN},
            ]
        }


KEPT_TIME = KeptTime()


class Keep(ValueType):
    """One time for all ends of a run, or one for each of ``STATUSES``, as a mapping of statuses to seconds."""

    expected = "a time, or a mapping of success, failure and cancelled to times"
    empty_is_unset = True

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> dict[str, float] | Broken | None:
        reading.has_expressions = True  # the rule about keep is with those that few projects need
        if type(node) is not MappingNode:
            seconds = KEPT_TIME.read(reading, node, via, label)
            return BROKEN if isinstance(seconds, Broken) else dict.fromkeys(STATUSES, seconds)
        return read_words(reading, node, via, STATUSES, 'end "{}" in keep', KEPT_TIME) or None

    def schema(self) -> JsonSchema:
        by_status: dict[str, Any] = {
            "type": "object",
            "properties": dict.fromkeys(STATUSES, KEPT_TIME.schema()),
            "additionalProperties": False,
        }
        return {"anyOf": [KEPT_TIME.schema(), by_status]}


KEEP = Keep()


#: What a start does when the limit is reached.
WHEN_FULL = ("queue", "skip", "cancel_running")


FLOW_LIMIT = MappingType(
    "a limit",
    LimitDef,
    (
        Key(
            "key",
            TEMPLATE_TEXT,
            "what is counted: all runs with the same text count together; ${args.customer} is an argument",
            "key",
            required=True,
        ),
        Key("max", COUNT, "how many of them there may be at once, over all workers", "max", required=True),
        Key(
            "when_full",
            Choice(*WHEN_FULL),
            "a further start waits for its place, ends at once as cancelled, or cancels the oldest run",
            "when_full",
            "queue",
            broken="queue",
        ),
    ),
    finish=finish_with_rules,
    text="How many runs there may be at once. A run that waits for its place is queued.",
)
