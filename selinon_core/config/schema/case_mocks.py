"""Mocks in case files: outcomes, lists of them, rules, and the values of functions and conditions."""

from __future__ import annotations

from typing import Any

from selinon_core.cases.model import UNGIVEN, Json, NodeMock, Outcome, Rule, Script, When
from selinon_core.config.model import Definition
from selinon_core.config.read_context import BROKEN, Broken, ReadContext, Via, resolve_alias
from selinon_core.config.schema.case_context import NameOf, NameUse, case_context
from selinon_core.config.schema.common import SECONDS
from selinon_core.config.schema.mapping import Key, MappingType
from selinon_core.config.schema.matchers import LITERAL, MATCHER
from selinon_core.config.schema.types import Choice, JsonSchema, Number, PlainText, ValueType
from selinon_core.config.yaml.nodes import MappingNode, Node, SequenceNode
from selinon_core.diagnostics import Related, kinds
from selinon_core.diagnostics.kinds import shorten
from selinon_core.diagnostics.location import Place

#: How an attempt of a task may end, and a mocked sub-flow.
TASK_KINDS = ("result", "error", "fatal", "retry")
FLOW_KINDS = ("finished", "output", "failed", "error")
KINDS = tuple(dict.fromkeys((*TASK_KINDS, *FLOW_KINDS)))
_TEXT = PlainText("text")


class ResultLists(ValueType):
    """Task name -> the results its runs stored, or the errors they ended with; a single value is a list of one."""

    expected = "a mapping of tasks to lists"

    def __init__(self, *, texts: bool = False) -> None:
        self.texts = texts

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        if type(node) is not MappingNode:
            return reading.wrong_type(node, via, label, self.expected)
        data = LITERAL.read(reading, node, via, label)
        if data is BROKEN:
            return BROKEN
        found = {name: value if isinstance(value, list) else [value] for name, value in data.items()}
        if not self.texts:
            return found
        for name, (_, value, inner) in node.entries.items():
            if not all(isinstance(text, str) for text in found[name]):
                at, through = resolve_alias(value, via + inner)
                return reading.wrong_type(at, through, f'the errors of "{shorten(name)}"', "texts")
        return found

    def schema(self) -> JsonSchema:
        if not self.texts:
            return {"type": "object"}
        text: JsonSchema = {"type": "string"}
        return {"type": "object", "additionalProperties": {"anyOf": [text, {"type": "array", "items": text}]}}


class OutcomeDef(Definition):
    """An outcome on its way to ``cases.Outcome``."""

    __slots__ = ("after", "check", "outcome", "times")

    outcome: Outcome
    after: float
    check: str
    times: int


def _finish_outcome(reading: ReadContext, found: OutcomeDef, raw: dict[str, Any]) -> bool:
    given = [kind for kind in KINDS if found.given(kind)]
    if len(given) > 1:
        first, second = given[:2]
        reading.collector.add(
            kinds.CONFLICTING_KEYS,
            found.key_location(second),
            f'"{first}" and "{second}" in an outcome: an attempt ends one way',
            note="give one of them",
            related=(Related(found.key_location(first).span, "also given here"),),
            help="a list of outcomes has one for each attempt",
        )
        return False
    value: Json = UNGIVEN
    kind = given[0] if given else "result"
    if given:
        value = raw.get(kind)
        if value is BROKEN:
            return False
        if value is None and kind not in ("result", "output"):
            reading.collector.add(
                kinds.MISSING_KEY,
                found.key_location(kind),
                f'"{kind}" of an outcome needs a value',
                note=f"expected {OUTCOME.keys[kind].shape.expected}",
            )
            return False
    found.outcome = Outcome(kind, value, float(found.after), found.times, found.check, found.location.place)
    return True


OUTCOME = MappingType(
    "an outcome",
    OutcomeDef,
    (
        Key("result", LITERAL, "the result of the attempt", may_be_null=True),
        Key("error", _TEXT, 'the error it ends with, as "Type: message"; of a sub-flow: its error'),
        Key("fatal", _TEXT, "the message of a FatalTaskError: no retry follows"),
        Key("retry", SECONDS, "it asks to run again after so many seconds"),
        Key("finished", ResultLists(), "of a sub-flow: it finishes, with these results of its tasks"),
        Key("output", LITERAL, "of a sub-flow: it finishes, with this output", may_be_null=True),
        Key("failed", ResultLists(texts=True), "of a sub-flow: it fails, with these errors of its tasks"),
        Key("after", SECONDS, "virtual seconds until the attempt ends", "after", 0, broken=0),
        Key("times", Number(whole=True, positive=True), "for how many attempts it holds", "times", 1, broken=1),
        Key(
            "check",
            Choice("strict", "present", "none"),
            "how the result is held against the task's output_schema: all of it, only the keys that are there, "
            "or not at all",
            "check",
            "strict",
            broken="none",
        ),
    ),
    finish=_finish_outcome,
    text="How an attempt of a task, or a whole sub-flow, ends. Without a result: the least one that fits.",
)


class WhenDef(Definition):
    """The condition of a rule on its way to ``cases.When``."""

    __slots__ = ("args", "attempt", "flow", "parent", "visit")

    args: Any
    attempt: Any
    flow: str | None
    parent: Any
    visit: Any


class MatchersByName(ValueType):
    """Name -> matcher."""

    expected = "a mapping of names to values"

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        if type(node) is not MappingNode:
            return reading.wrong_type(node, via, label, self.expected)
        found = {}
        whole = True
        for name, (written, value, inner) in node.entries.items():
            matcher = MATCHER.read(
                reading, *resolve_alias(value, via + inner), f'"{shorten(str(name))}" of {label}'
            )
            whole = whole and matcher is not BROKEN
            use = NameUse("name", str(name), "parent", reading.location(written, via + inner))
            case_context(reading).uses.append(use)
            found[str(name)] = matcher
        return found if whole else BROKEN

    def schema(self) -> JsonSchema:
        return {"type": "object", "additionalProperties": MATCHER.schema()}


WHEN = MappingType(
    "when",
    WhenDef,
    (
        Key("args", MATCHER, "the arguments of the run", "args"),
        Key("flow", NameOf("flow", "the name of a flow"), "the flow the node runs in", "flow"),
        Key("visit", MATCHER, "which run of the node in its flow run, from 1", "visit"),
        Key("attempt", MATCHER, "which attempt of the run, from 1", "attempt"),
        Key("parent", MatchersByName(), "results of the runs it was started for, by task", "parent"),
    ),
    text="Which attempts a rule is for: all that is given has to match.",
)


def _attempts(reading: ReadContext, node: Node, via: Via, label: str) -> list[Outcome] | Broken:
    """A list of outcomes."""
    if type(node) is not SequenceNode:
        return reading.wrong_type(node, via, label, "a list of outcomes")
    if not node.items:
        return reading.report(
            kinds.EMPTY_LIST, node, via, f"{label} is an empty list", note="at least one outcome is needed"
        )
    found: list[Outcome] = []
    whole = True
    for item in node.items:
        outcome = OUTCOME.read(reading, *resolve_alias(item, via), "an outcome")
        if isinstance(outcome, OutcomeDef):
            found.append(outcome.outcome)
        else:
            whole = False
    return found if whole else BROKEN


class ScriptDef(Definition):
    """``{attempts: [...]}``."""

    __slots__ = ("outcomes",)

    outcomes: Any


class _AttemptList(ValueType):
    expected = "a list of outcomes"
    keeps_empty = True

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Any:
        return _attempts(reading, node, via, f'"{label}"')

    def schema(self) -> JsonSchema:
        return {"type": "array", "items": OUTCOME.schema(), "minItems": 1}


ATTEMPTS = MappingType(
    "attempts of a mock",
    ScriptDef,
    (Key("attempts", _AttemptList(), "the outcomes of each run, attempt by attempt", "outcomes", required=True),),
    text="Outcomes by attempt: each run of the task begins with the first.",
)


class ScriptType(ValueType):
    """An outcome, a list of outcomes, or ``{attempts: [...]}``, as ``cases.Script``."""

    expected = "an outcome like {result: 1} or {error: 'ValueError: no'}, a list of them, or {attempts: [...]}"
    keeps_empty = True

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> Script | Broken:
        if type(node) is SequenceNode:
            found = _attempts(reading, node, via, label)
            return (
                BROKEN if isinstance(found, Broken) else Script(tuple(found), place=place_of(reading, node, via))
            )
        if type(node) is not MappingNode:
            return reading.wrong_type(node, via, label, self.expected)
        if "attempts" in node.entries:
            table = ATTEMPTS.read(reading, node, via, label)
            if not isinstance(table, ScriptDef) or table.outcomes in (None, BROKEN):
                return BROKEN
            return Script(tuple(table.outcomes), True, place_of(reading, node, via))
        outcome = OUTCOME.read(reading, node, via, label)
        if not isinstance(outcome, OutcomeDef):
            return BROKEN
        return Script((outcome.outcome,), place=place_of(reading, node, via))

    def schema(self) -> JsonSchema:
        return {
            "anyOf": [
                OUTCOME.schema(),
                ATTEMPTS.schema(),
                {"type": "array", "items": OUTCOME.schema(), "minItems": 1},
            ]
        }


SCRIPT = ScriptType()


class RuleDef(Definition):
    """A rule on its way to ``cases.Rule``."""

    __slots__ = ("otherwise", "rule", "then", "when")

    otherwise: Any
    rule: Rule
    then: Any
    when: Any


def _finish_rule(reading: ReadContext, found: RuleDef, raw: dict[str, Any]) -> bool:
    place = found.location.place
    if found.given("otherwise"):
        for key in ("when", "then"):
            if found.given(key):
                reading.collector.add(
                    kinds.CONFLICTING_KEYS,
                    found.key_location(key),
                    f'"{key}" and "otherwise" in one rule',
                    note="otherwise: is a rule of its own, for all other attempts",
                )
                return False
        if not isinstance(found.otherwise, Script):
            return False
        found.rule = Rule(None, found.otherwise, place)
        return True
    for key, text in (("when", "which attempts it is for"), ("then", "the outcome")):
        if not found.given(key):
            reading.collector.add(
                kinds.MISSING_KEY,
                found.location,
                f'a rule has no "{key}"',
                note=f'"{key}" is missing',
                help=f'"{key}": {text}; or "otherwise": the outcome of all other attempts',
            )
            return False
    when = found.when
    if not isinstance(found.then, Script) or not isinstance(when, WhenDef):
        return False
    parts = (when.args, when.visit, when.attempt, when.parent)
    if BROKEN in [part for part in parts if isinstance(part, Broken)] or isinstance(when.flow, Broken):
        return False
    found.rule = Rule(When(when.args, when.flow, when.visit, when.attempt, when.parent or {}), found.then, place)
    return True


RULE = MappingType(
    "a rule of a mock",
    RuleDef,
    (
        Key("when", WHEN, "which attempts it is for", "when"),
        Key("then", SCRIPT, "their outcome, or outcomes in order", "then"),
        Key("otherwise", SCRIPT, "the outcome of all attempts that no rule above is for", "otherwise"),
    ),
    finish=_finish_rule,
    text="Outcomes for some attempts; the first rule that fits counts.",
)

_RULE_KEYS = tuple(RULE.keys)


class NodeMockType(ValueType):
    """The mock of a task or sub-flow: a script or rules, as ``cases.NodeMock``."""

    expected = SCRIPT.expected[: -len(", or {attempts: [...]}")] + ", {attempts: [...]}, or rules"
    keeps_empty = True

    def read(self, reading: ReadContext, node: Node, via: Via, label: str) -> NodeMock | Broken:
        place = place_of(reading, node, via)
        if type(node) is SequenceNode:
            items = [resolve_alias(item, via) for item in node.items]
            if any(_is_rule(item) for item, _ in items):
                return self._rules(reading, items, place)
        elif _is_rule(node):
            return self._rules(reading, [(node, via)], place)
        elif type(node) is not MappingNode:
            return reading.wrong_type(node, via, label, self.expected)
        script = SCRIPT.read(reading, node, via, label)
        return BROKEN if isinstance(script, Broken) else NodeMock((Rule(None, script, place),), place)

    def _rules(self, reading: ReadContext, items: list[tuple[Node, Via]], place: Place) -> NodeMock | Broken:
        rules: list[Rule] = []
        whole = True
        for item, at in items:
            if type(item) is MappingNode and not _is_rule(item):
                reading.report(
                    kinds.WRONG_VALUE,
                    item,
                    at,
                    "an outcome stands among rules",
                    note="a list has rules or outcomes, not both",
                    help="write - otherwise: {...} for all other attempts",
                )
                whole = False
                continue
            rule = RULE.read(reading, item, at, "a rule of a mock")
            if isinstance(rule, RuleDef):
                rules.append(rule.rule)
            else:
                whole = False
        return NodeMock(tuple(rules), place) if whole else BROKEN

    def schema(self) -> JsonSchema:
        return {
            "anyOf": [
                OUTCOME.schema(),
                ATTEMPTS.schema(),
                RULE.schema(),
                {"type": "array", "items": RULE.schema(), "minItems": 1},
                {"type": "array", "items": OUTCOME.schema(), "minItems": 1},
            ]
        }


NODE_MOCK = NodeMockType()


def _is_rule(node: Node) -> bool:
    return type(node) is MappingNode and any(key in _RULE_KEYS for key in node.entries)


def place_of(reading: ReadContext, node: Node, via: Via) -> Place:
    """Where a node stands."""
    return reading.location(node, via).place
