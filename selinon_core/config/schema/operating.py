"""What operators say of flows: ``keep``, how long runs are kept, ``limit``, how many there may be at once,
``lanes``, which come first, and ``links``, where else to look. A task has a ``limit`` too.
"""

from __future__ import annotations

import re
from typing import Any

from selinon_core.config.model import LaneDef, LimitDef, NameRef, TaskLimitDef
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via, resolve_alias
from selinon_core.config.schema.common import COUNT, finish_with_rules, read_words
from selinon_core.config.schema.data import TEMPLATE_TEXT
from selinon_core.config.schema.mapping import Key, MappingType
from selinon_core.config.schema.types import LARGEST, Choice, JsonSchema, Number, Text, ValueType
from selinon_core.config.yaml.nodes import MappingNode, Node
from selinon_core.diagnostics import kinds
from selinon_core.diagnostics.kinds import shorten
from selinon_core.diagnostics.wording import suggestion

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

TASK_LIMIT = MappingType(
    "a limit of a task",
    TaskLimitDef,
    (
        Key(
            "key",
            TEMPLATE_TEXT,
            "what is counted: all tasks with the same text count together; ${args.account} is a value of the "
            "task's arguments",
            "key",
            required=True,
        ),
        Key("max", COUNT, "how many attempts there may be at once, over all workers", "max", required=True),
    ),
    finish=finish_with_rules,
    text="How many attempts of tasks there may be at once. One that has no place waits for it.",
)


#: The largest priority.
_MOST_PRIORITY = 9
_LANE_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"


class Priority(Number):
    """A whole number from 0 to 9."""

    def __init__(self) -> None:
        super().__init__(whole=True)
        self.expected = f"an integer from 0 to {_MOST_PRIORITY}"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> float | Broken:
        value = super().read(reading, node, via, label)
        if isinstance(value, Broken) or value <= _MOST_PRIORITY:
            return value
        return reading.report(
            kinds.WRONG_VALUE,
            node,
            via,
            f"{label} has to be {self.expected}, not {shorten(str(value))}",
            note=f"{_MOST_PRIORITY} is the first, 0 the last; runs without a lane have 5",
        )

    def schema(self) -> JsonSchema:
        return {"type": "integer", "minimum": 0, "maximum": _MOST_PRIORITY}


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
            if not isinstance(name, str) or not re.match(_LANE_NAME, name):
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
        return {"type": "object", "propertyNames": {"pattern": _LANE_NAME}, "additionalProperties": LANE.schema()}


_LINK_NAME = r"^\S(.{0,30}\S)?$"
#: How the template of a link begins: as an address, or with an environment variable.
_LINK_START = r"^(https?://|\{[a-z0-9_]*[A-Z])"


class Links(ValueType):
    """A mapping of what a link is called to the template of its address, as ``{name: NameRef}``."""

    expected = "a mapping of names to addresses"
    _address = Text("a URL", nonempty=True)

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> dict[str, NameRef] | Broken:
        if type(node) is not MappingNode:
            example = 'for instance {logs: "https://logs.example.com/?q={task_id}"}'
            return reading.wrong_type(node, via, label, self.expected, help=example)
        found: dict[str, NameRef] = {}
        broken = False
        for name, (key, value, inner) in node.entries.items():
            at = via + inner
            if not isinstance(name, str) or not re.match(_LINK_NAME, name) or not name.isprintable():
                reading.report(
                    kinds.WRONG_VALUE,
                    key,
                    at,
                    f"{shorten(str(name))} is not the name of a link",
                    note="it is the text of the link: 1 to 32 characters, without blanks at its ends",
                )
                broken = True
                continue
            target, at = resolve_alias(value, at)
            address = self._address.read(reading, target, at, f'the link "{name}"')
            if isinstance(address, NameRef) and _is_link(reading, target, at, name, address.name):
                found[name] = address
            else:
                broken = True
        return BROKEN if broken else found

    def schema(self) -> JsonSchema:
        address = {**self._address.schema(), "pattern": _LINK_START}
        return {"type": "object", "propertyNames": {"pattern": _LINK_NAME}, "additionalProperties": address}


def _is_link(reading: ReadContext, node: Node, via: Via, name: str, template: str) -> bool:
    """Report what is wrong in the template of a link; returns whether nothing is."""
    from selinon_core.plan import link_templates  # few projects have links

    values = link_templates.VALUES
    unknown = [each for each in link_templates.names_in(template) if link_templates.is_value(each)]
    unknown = [each for each in unknown if each not in values]
    for each in unknown:
        reading.report(
            kinds.WRONG_VALUE,
            node,
            via,
            f'the link "{name}" has an unknown value "{{{shorten(each)}}}"',
            note=f"known are {', '.join(values)}; environment variables are written in upper case",
            help=suggestion(each, values),
        )
    if unknown:
        return False
    if not template.startswith(("http://", "https://", "{")) or template.startswith("{{"):
        problem, note = "is not the address of a web server", 'expected "http://..." or "https://..."'
    elif template.startswith("{") and link_templates.begins_with_value(template):
        problem, note = "begins with a value of a run", "expected the address of a web server in front of it"
    elif not link_templates.keeps_server(template):
        problem = "is not an address whose server is the same for all runs"
        note = "values may stand in the path and behind it, and there are no blanks"
    else:
        return True
    reading.report(kinds.WRONG_VALUE, node, via, f'the link "{name}" {problem}', note=note)
    return False
