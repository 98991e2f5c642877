"""Invariants in case files: sentences about every run."""

from __future__ import annotations

from typing import Any

from selinon_core.cases.model import INVARIANT_KINDS, Invariant
from selinon_core.config.model import Definition
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via, resolve_alias
from selinon_core.config.schema.case_context import NameOf
from selinon_core.config.schema.case_expect import ByName
from selinon_core.config.schema.common import COUNT, FUNCTION_NAME, MODULE
from selinon_core.config.schema.mapping import Key, MappingType
from selinon_core.config.schema.types import Choice, JsonSchema, OneOrMore, PlainText, ValueType
from selinon_core.config.yaml.nodes import MappingNode, Node, SequenceNode
from selinon_core.diagnostics import Related, kinds
from selinon_core.diagnostics.kinds import shorten

REFERENCE = NameOf("node", "a node", "invariants")


class EdgeDef(Definition):
    """``{edge: text}``."""

    __slots__ = ("edge",)

    edge: Any


EDGE_REFERENCE = MappingType(
    "an edge of an invariant",
    EdgeDef,
    (Key("edge", NameOf("edge", "an edge"), 'its name, or "A -> B"', "edge", required=True),),
    text="An edge, by its name or its ends.",
)


class _Causes(ValueType):
    """Nodes and ``{edge: text}``, as a tuple of texts and ``{"edge": text}``."""

    expected = "a node, {edge: ...}, or a list of them"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        items = [resolve_alias(item, via) for item in node.items] if type(node) is SequenceNode else [(node, via)]
        if not items:
            return reading.wrong_type(node, via, label, self.expected)
        found = [self._one(reading, *item, label) for item in items]
        return BROKEN if BROKEN in [one for one in found if isinstance(one, Broken)] else tuple(found)

    def _one(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        if type(node) is not MappingNode:
            return REFERENCE.read(reading, node, via, label)
        found = EDGE_REFERENCE.read(reading, node, via, label)
        return {"edge": found.edge} if isinstance(found, EdgeDef) and isinstance(found.edge, str) else BROKEN

    def schema(self) -> JsonSchema:
        one: list[JsonSchema] = [{"type": "string"}, EDGE_REFERENCE.schema()]
        return {"anyOf": [*one, {"type": "array", "items": {"anyOf": one}, "minItems": 1}]}


class InvariantDef(Definition):
    """An invariant on its way to ``cases.Invariant``."""

    __slots__ = (
        "at_least",
        "at_most",
        "before",
        "exactly",
        "flow",
        "function",
        "holds_if",
        "invariant",
        "module",
        "name",
        "never_both",
        "then",
    )

    invariant: Invariant
    name: Any
    flow: Any


#: The first key of each kind of invariant, and the attribute that has its value.
_FIRST = {
    "at_most": "at_most",
    "at_least": "at_least",
    "exactly": "exactly",
    "before": "before",
    "never_both": "never_both",
    "if_then": "if",
    "function": "function",
}


def _finish(reading: ReadContext, found: InvariantDef, raw: dict[str, Any]) -> bool:
    given = [kind for kind in INVARIANT_KINDS if found.given(_FIRST[kind])]
    if not given:
        reading.collector.add(
            kinds.MISSING_KEY,
            found.location,
            "an invariant says nothing",
            note="expected one of " + ", ".join(_FIRST.values()),
        )
        return False
    if len(given) > 1:
        first, second = (_FIRST[kind] for kind in given[:2])
        reading.collector.add(
            kinds.CONFLICTING_KEYS,
            found.key_location(second),
            f'"{first}" and "{second}" in one invariant',
            note="an invariant says one thing",
            related=(Related(found.key_location(first).span, "also given here"),),
        )
        return False
    kind = given[0]
    for key, other in (("then", "if"), ("if", "then"), ("import", "function"), ("function", "import")):
        if found.given(key) and not found.given(other):
            reading.collector.add(
                kinds.MISSING_KEY,
                found.location,
                f'an invariant has "{key}" but no "{other}"',
                note=f'"{other}" is missing',
                help=f'"{other}": {INVARIANT.keys[other].text}',
            )
            return False
    value = _value(kind, raw)
    if value is BROKEN or not isinstance(found.name, str) or isinstance(found.flow, Broken):
        return False
    found.invariant = Invariant(found.name, kind, value, found.flow, found.location.place)
    return True


def _value(kind: str, raw: dict[str, Any]) -> Any:
    """What an invariant says; see ``cases.Invariant``."""
    parts = {key: raw.get(key, BROKEN) for key in _PARTS.get(kind, (kind,))}
    if any(isinstance(part, Broken) for part in parts.values()):
        return BROKEN
    if kind == "function":
        return f"{parts['import'].name}.{parts['function'].name}"
    if kind == "if_then":
        return {key: {name: one.value for name, one in part.items()} for key, part in parts.items()}
    if kind == "never_both":
        return parts[kind]
    return {reference: one.value for reference, one in parts[kind].items()}


_PARTS = {"if_then": ("if", "then"), "function": ("import", "function")}
_COUNTS = ByName(COUNT, "a mapping of nodes to numbers")
#: What a node did in a run; ``status``, the flow run, is the first or the second.
_STATUS = Choice("success", "failure", "reused", "ran", "not_run")
_STATES = ByName(_STATUS, 'a mapping of nodes, or of "status", to statuses', "state")

INVARIANT = MappingType(
    "an invariant",
    InvariantDef,
    (
        Key("name", PlainText("text", nonempty=True), "the invariant as a sentence", "name", required=True),
        Key(
            "flow",
            NameOf("flow", "the name of a flow", "invariants"),
            "the flow it is about; default: of the file",
            "flow",
        ),
        Key("at_most", _COUNTS, "nodes that run at most so often"),
        Key("at_least", _COUNTS, "nodes that run at least so often"),
        Key("exactly", _COUNTS, "nodes that run exactly so often"),
        Key("before", ByName(_Causes(), "a mapping of nodes to causes"), "what comes before a node runs"),
        Key(
            "never_both",
            OneOrMore(REFERENCE, "a list of nodes", nonempty=True, only_list=True),
            "nodes of which at most one runs",
        ),
        Key("if", _STATES, "statuses of nodes, and of the flow as status"),
        Key("then", _STATES, "the statuses that follow"),
        Key("import", MODULE, "the module of a function of your own"),
        Key("function", FUNCTION_NAME, "f(run) -> None, or a sentence about what is wrong"),
    ),
    finish=_finish,
    text="A sentence about every run of a flow.",
)


class Invariants(ValueType):
    """A list of invariants, as a tuple."""

    expected = "a list of invariants"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> tuple[Invariant, ...] | Broken:
        if type(node) is not SequenceNode:
            help = 'put "- " before the entry' if type(node) is MappingNode else ""
            return reading.wrong_type(node, via, f'"{label}"', self.expected, help=help)
        found: dict[str, Invariant] = {}
        for item in node.items:
            one = INVARIANT.read(reading, *resolve_alias(item, via), "an invariant")
            if not isinstance(one, InvariantDef):
                continue
            if one.invariant.name in found:
                reading.collector.add(
                    kinds.CASE_NAME,
                    one.value_location("name"),
                    f'there is another invariant "{shorten(one.invariant.name)}"',
                    note="reports could not tell them apart",
                )
                continue
            found[one.invariant.name] = one.invariant
        return tuple(found.values())

    def schema(self) -> JsonSchema:
        return {"type": "array", "items": INVARIANT.schema()}


INVARIANTS = Invariants()
TABLES = (INVARIANT, EDGE_REFERENCE)
