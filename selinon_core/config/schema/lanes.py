"""``lanes`` of the section ``global``: which flow runs come first, and which have queues of their own."""

from __future__ import annotations

import re

from selinon_core.config.model import LaneDef
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via, resolve_alias
from selinon_core.config.schema.mapping import Key, MappingType
from selinon_core.config.schema.types import JsonSchema, Number, Text, ValueType
from selinon_core.config.yaml.nodes import MappingNode, Node
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import shorten

#: The largest priority.
_MOST = 9
_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"


class Priority(Number):
    """A whole number from 0 to 9."""

    def __init__(self) -> None:
        super().__init__(whole=True)
        self.expected = f"an integer from 0 to {_MOST}"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> float | Broken:
        value = super().read(reading, node, via, label)
        if isinstance(value, Broken) or value <= _MOST:
            return value
        return reading.report(
            kinds.WRONG_VALUE,
            node,
            via,
            f"{label} has to be {self.expected}, not {shorten(str(value))}",
            note=f"{_MOST} is the first, 0 the last; runs without a lane have 5",
        )

    def schema(self) -> JsonSchema:
        return {"type": "integer", "minimum": 0, "maximum": _MOST}


LANE = MappingType(
    "a lane",
    LaneDef,
    (
        Key("priority", Priority(), "0 to 9: what has more comes first; what has no lane has 5", "priority"),
        Key(
            "queue_suffix",
            Text("the end of a queue's name", nonempty=True, check=r"^[A-Za-z0-9_.:-]{1,64}$"),
            "put behind the names of all queues of the run, so other workers can serve them",
            "queue_suffix",
        ),
    ),
    text="A lane of flow runs, with their tasks and sub-flows.",
)


class Lanes(ValueType):
    """A mapping of names to lanes, as ``{name: LaneDef}``."""

    expected = "a mapping of names to lanes"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> dict[str, LaneDef] | Broken:
        if type(node) is not MappingNode:
            return reading.wrong_type(node, via, label, self.expected, help="for instance {bulk: {priority: 2}}")
        found: dict[str, LaneDef] = {}
        broken = False
        for name, (key, value, inner) in node.entries.items():
            at = via + inner
            if not isinstance(name, str) or not re.match(_NAME, name):
                reading.report(
                    kinds.WRONG_VALUE,
                    key,
                    at,
                    f"{shorten(str(name))} is not the name of a lane",
                    note="a name is 1 to 64 letters, digits, dots, hyphens and underscores",
                )
                broken = True
                continue
            target, at = resolve_alias(value, at)
            lane = LANE.read(reading, target, at, name)
            if isinstance(lane, LaneDef):
                found[name] = lane
            else:
                broken = True
        return BROKEN if broken else found

    def schema(self) -> JsonSchema:
        return {"type": "object", "propertyNames": {"pattern": _NAME}, "additionalProperties": LANE.schema()}
