"""How long attempts of tasks take in simulations: task -> seconds, or a distribution of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from selinon_core.config.model import Definition
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via, resolve_alias
from selinon_core.config.schema.case_expect import ByName
from selinon_core.config.schema.common import SECONDS
from selinon_core.config.schema.mapping import Key, MappingType
from selinon_core.config.schema.types import JsonSchema, OneOrMore, ValueType
from selinon_core.config.yaml.nodes import MappingNode, Node, SequenceNode
from selinon_core.diagnostics import kinds


class DurationRead(NamedTuple):
    """``kind`` is ``fixed``, ``uniform``, ``lognormal`` or ``recorded``, ``values`` are its seconds."""

    kind: str
    values: tuple[float, ...]


class _Spread(Definition):
    __slots__ = ("median", "p95")

    median: Any
    p95: Any


LOGNORMAL = MappingType(
    "a lognormal distribution",
    _Spread,
    (
        Key("median", SECONDS, "seconds that half of the attempts take at most", "median", required=True),
        Key("p95", SECONDS, "seconds that 95 % of the attempts take at most", "p95", required=True),
    ),
    text="A lognormal distribution.",
)


class _Bounds(ValueType):
    """``[least, most]``, as a tuple."""

    expected = "a list of two numbers, the smaller one first"
    keeps_empty = True

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        if type(node) is not SequenceNode or len(node.items) != 2:
            return reading.wrong_type(node, via, label, self.expected)
        values = [SECONDS.read(reading, *resolve_alias(item, via), f"a bound of {label}") for item in node.items]
        return BROKEN if any(isinstance(value, Broken) for value in values) else tuple(values)

    def schema(self) -> JsonSchema:
        return {"type": "array", "items": SECONDS.schema(), "minItems": 2, "maxItems": 2}


class _DurationDef(Definition):
    __slots__ = ("fixed", "lognormal", "recorded", "uniform")

    fixed: Any
    lognormal: Any
    recorded: Any
    uniform: Any


_KINDS = ("fixed", "uniform", "lognormal", "recorded")

DURATION_TABLE = MappingType(
    "a duration",
    _DurationDef,
    (
        Key("fixed", SECONDS, "seconds that every attempt takes", "fixed"),
        Key("uniform", _Bounds(), "the least and the most seconds", "uniform"),
        Key("lognormal", LOGNORMAL, "median and 95 % quantile", "lognormal"),
        Key(
            "recorded",
            OneOrMore(SECONDS, "a list of seconds", nonempty=True, only_list=True),
            "seconds that attempts took; each is as likely",
            "recorded",
        ),
    ),
    one_of=_KINDS,
    text="How long attempts take.",
)


class _DurationType(ValueType):
    """A number of seconds or a distribution, as ``DurationRead``."""

    expected = "a number of seconds, or one of fixed, uniform, lognormal and recorded"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> DurationRead | Broken:
        if type(node) is not MappingNode:
            seconds = SECONDS.read(reading, node, via, label)
            return BROKEN if isinstance(seconds, Broken) else DurationRead("fixed", (float(seconds),))
        found = DURATION_TABLE.read(reading, node, via, label)
        if not isinstance(found, _DurationDef):
            return BROKEN
        given = [kind for kind in _KINDS if found.has_value(kind)]
        if len(given) != 1:
            if given:
                reading.report(
                    kinds.CONFLICTING_KEYS, node, via, f"{label} has {len(given)} distributions", note="give one"
                )
            return BROKEN
        (kind,) = given
        value = getattr(found, kind)
        if kind == "lognormal" and isinstance(value, _Spread):
            value = BROKEN if BROKEN in (value.median, value.p95) else (value.median, value.p95)
        if value is None or isinstance(value, Broken) or (isinstance(value, tuple) and None in value):
            return BROKEN
        return self._checked(reading, node, via, label, kind, value)

    @staticmethod
    def _checked(
        reading: ReadContext, node: Node, via: Via, label: str, kind: str, value: Any
    ) -> DurationRead | Broken:
        values = tuple(map(float, value if isinstance(value, tuple) else (value,)))
        if kind in ("uniform", "lognormal") and values[0] > values[1]:
            return reading.report(
                kinds.WRONG_VALUE,
                node,
                via,
                f"{label}: the first number of {kind} is the larger one",
                note="swap them",
            )
        if kind == "lognormal" and not values[0]:
            return reading.report(
                kinds.WRONG_VALUE, node, via, f"{label}: the median of lognormal is 0", note="it has to be above 0"
            )
        return DurationRead(kind, values)

    def schema(self) -> JsonSchema:
        return {"anyOf": [SECONDS.schema(), DURATION_TABLE.schema()]}


#: A file of durations: task -> duration.
DURATIONS = ByName(_DurationType(), "a mapping of tasks to durations", "task")
