"""Types of expressions and what is wrong with them: kind, place, message; one finding for one cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from selinon_core.expressions.check import (
    Checked,
    check,
    check_condition,
    check_items,
    check_part_of_text,
    facts_behind,
)
from selinon_core.expressions.checking.findings import Finding, Kind
from selinon_core.expressions.checking.known_names import Entry, Family, Known, Refused
from selinon_core.expressions.checking.signatures import SIGNATURES
from selinon_core.expressions.functions import FUNCTIONS
from selinon_core.expressions.parser import parse
from selinon_core.expressions.schema_types import type_of_schema
from selinon_core.expressions.type_words import describe
from selinon_core.expressions.types import ANY, constant

_LINE = {
    "type": "object",
    "required": ["price", "sku"],
    "properties": {
        "price": {"type": "number"},
        "sku": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "additionalProperties": False,
}
_CUSTOMER = {"type": ["object", "null"], "properties": {"name": {"type": "string"}}, "required": ["name"]}
_PAYMENT = {
    "anyOf": [
        {
            "type": "object",
            "properties": {"by": {"const": "card"}, "card": {"type": "string"}},
            "required": ["by", "card"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"by": {"const": "cash"}},
            "required": ["by"],
            "additionalProperties": False,
        },
    ]
}
_ORDER = {
    "type": "object",
    "required": ["number", "lines", "total", "gift", "known", "payment"],
    "properties": {
        "number": {"type": "integer"},
        "total": {"type": "number"},
        "note": {"type": ["string", "null"]},
        "currency": {"enum": ["eur", "usd"]},
        "customer": _CUSTOMER,
        "known": _CUSTOMER,
        "lines": {"type": "array", "items": _LINE},
        "gift": {"type": "boolean"},
        "prices": {"type": "object", "additionalProperties": {"type": "number"}},
        "payment": _PAYMENT,
    },
}


class _Names:
    _known: dict[str, Entry] = {
        "Order": Known(type_of_schema(_ORDER), "Order's result", "order.json", is_there=True),
        "Maybe": Known(type_of_schema({"type": "integer"}), missing="Maybe may not have run"),
        "Any": Known(ANY),
        "vars": Family({"region": Known(constant("us"))}.get, lambda: ["region"], "constant"),
        "item": Refused("item", "item is the item of a foreach", "here is none"),
    }

    def find(self, name: str) -> Entry | None:
        return self._known.get(name)

    def names(self) -> list[str]:
        return list(self._known)


def _check(text: str, with_: Callable[..., Checked] = check) -> Checked:
    parsed = parse(text)
    assert not parsed.faults
    return with_(parsed.tree, text, _Names())


def _shown(text: str, found: Finding) -> str:
    return f"{text[found.start : found.end]}: {found.message}"


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("Order.number + 1", "an integer"),
        ("Order.number / 2", "a number"),
        ("-3", "-3"),
        ('"order " + text(Order.number)', "a text"),
        ("Order.total > 3 and Order.number == 2", "a boolean"),
        ("0 < Order.total <= 3", "a boolean"),
        ('Order.number if Order.gift else "x"', 'an integer or "x"'),
        ("[one.price for one in Order.lines]", "a list of numbers"),
        ("sum(len(one.sku) for one in Order.lines)", "an integer"),
        ("max(Order.number, 3)", "an integer"),
        ("round(Order.total)", "an integer"),
        ("round(Order.total, 2)", "a number"),
        ('{"a": 1, **Order.lines[0]}', "an object"),
        ('{"a": 1, **Order.lines[0]}.price', "a number"),
        ('{**Order.lines[0], "price": "free"}.price', '"free"'),
        ("items(Order.lines[0])[0].key", "a text"),
        ("flatten([[1], [2]])", "a list of integers"),
        ("Order.payment.by", '"card" or "cash"'),
        ('default(Order.note, "")', "a text"),
        ("default(Order.customer.name, null)", "a text or null"),
        ("default(Order.number, null)", "an integer"),
        ("default(Maybe, 0)", "an integer"),
        ("[one.tags for one in Order.lines if has(one.tags)][0]", "a list of texts"),
        ("Any.x.y + 3 > Any.z", "a boolean"),
        ("vars.region", '"us"'),
        ('vars["region"]', '"us"'),
    ],
)
def test_types(text: str, type_: str) -> None:
    checked = _check(text)
    assert checked.findings == ()
    assert describe(checked.type) == type_


@pytest.mark.parametrize(
    "text",
    [
        "has(Order.note) and Order.note != null and len(Order.note) > 3",
        "default(Order.note, null) == null or len(Order.note) > 3",
        "not has(Order.note) or Order.note == null or len(Order.note) > 3",
        "has(Order.customer.name) and len(Order.customer.name) > 3",
        "Order.known != null and len(Order.known.name) > 3",
        "len(Order.known.name) if Order.known != null else 0",
        "0 if Order.known == null else len(Order.known.name)",
        "any(len(one.tags) > 3 for one in Order.lines if has(one.tags))",
        'Order.payment.by == "card" and len(Order.payment.card) > 3',
        'Order.payment.by != "card" or len(Order.payment.card) > 3',
        "default(Order.note, 'x') == 'y' and len(Order.note) > 3",
        "default(Order.customer.name, '') != '' and len(Order.customer.name) > 3",
        "has(Maybe) and Maybe > 3",
        "has(Order.prices.eur) and Order.prices.eur > 3",
        'has(Order.prices["eur"]) and Order.prices.eur > 3',
        "has(Order.currency) and default(Order.prices[Order.currency], 0) > 3",
        "has(Order.unheard_of)",
        'vars.region == "us"',
    ],
)
def test_what_was_asked_before_is_no_finding(text: str) -> None:
    assert [_shown(text, found) for found in _check(text).findings] == []


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("Order.totl > 3", "totl", '"totl" is not in the schema of Order\'s result'),
        ("[one.pice for one in Order.lines]", "pice", '"pice" is not in the schema of one'),
        ("Order.lines[0].pice + 1", "pice", '"pice" is not in the schema of Order.lines[0]'),
        ("Ordr.total", "Ordr", 'there is no name "Ordr" here'),
        ("vars.regoin", "regoin", 'there is no constant "regoin"'),
        ("vars", "vars", '"vars" is used with the name of a constant: vars.region'),
        ("item.x", "item", "item is the item of a foreach"),
        ("lenn(Order.lines)", "lenn", 'there is no function "lenn"'),
        ("len()", "len()", "len() takes 1 argument, and none are given"),
        ("has(1)", "1", "has() asks whether a name, a key or a position has a value"),
        ("len(Order.note) > 3", "note", "Order.note may be missing"),
        ("len(Order.known.name)", "Order.known", "Order.known may be null"),
        (
            "Order.gift and Order.customer.name + Order.customer.name == 'x'",
            "customer",
            "Order.customer may be missing",
        ),
        ("Maybe > 3 or Maybe < 1", "Maybe", "Maybe may not have run"),
        ("Order.prices.eur", "prices", "Order.prices may be missing"),
        ("Order.lines.price", "Order.lines", "Order.lines is a list of objects: only objects have keys"),
        ('Order.lines["0"]', "Order.lines", "Order.lines is a list of objects: only objects have keys"),
        (
            "Order.lines[Order.total]",
            "Order.total",
            "Order.total may be a number with a fraction: positions of a list are integers",
        ),
        (
            'Order.total > "3"',
            'Order.total > "3"',
            'Order.total is a number and "3" is a text: ">" compares two numbers or two texts',
        ),
        ("Order.total + null", "null", 'null is null: "+" adds two numbers or two texts'),
        ("-Order.lines", "Order.lines", 'Order.lines is a list of objects: "-" takes a number'),
        ("Order.lines and Order.gift", "Order.lines", 'Order.lines is a list of objects: "and" takes booleans'),
        (
            'max(Order.total, "x")',
            'max(Order.total, "x")',
            "max() takes numbers only or texts only, and these are a number or a text",
        ),
        ("sum(Order.lines)", "Order.lines", "items of Order.lines are an object: sum() takes a list of numbers"),
        ("3 in Order.number", "Order.number", 'Order.number is an integer: "in" asks a list, an object or a text'),
        ('Order.number == "3"', 'Order.number == "3"', 'Order.number == "3" is never true'),
        ('Order.payment.by == "x"', 'Order.payment.by == "x"', 'Order.payment.by == "x" is never true'),
        ('Order.payment.by in ["x"]', 'Order.payment.by in ["x"]', 'Order.payment.by in ["x"] is never true'),
        ("Order.total != null", "Order.total != null", "Order.total != null is always true"),
        ("has(Order.total)", "has(Order.total)", "has(Order.total) is always true"),
        ('"sku" in Order.lines[0]', '"sku" in Order.lines[0]', '"sku" in Order.lines[0] is always true'),
    ],
)
def test_findings(text: str, place: str, message: str) -> None:
    first, *_ = _check(text).findings
    assert (text[first.start : first.end], first.message) == (place, message)


_LIMITED = {
    "type": "object",
    "required": ["grade", "price", "code", "name", "country", "state", "level", "even"],
    "properties": {
        "grade": {"type": "integer", "minimum": 1, "maximum": 5},
        "price": {"type": "number", "exclusiveMinimum": 0},
        "code": {"type": "string", "pattern": "^[A-Z]+$"},
        "name": {"type": "string", "minLength": 3, "maxLength": 5},
        "country": {"enum": [f"{first}{second}" for first in "abcdefghijklm" for second in "abcdefghijkl"]},
        "state": {"type": "string", "enum": ["open", "closed"]},
        "level": {"enum": [1, 2, 3]},
        "even": {"type": "integer", "multipleOf": 2},
    },
}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("X.grade == 7", "never: X.grade is an integer from 1 to 5"),
        ("X.grade == 5", None),
        ("X.grade != 0", "always: X.grade is an integer from 1 to 5"),
        ("X.grade in [6, 7]", "never: X.grade is an integer from 1 to 5"),
        ("X.grade in [5, 7]", None),
        ("X.grade > 5", "never: X.grade is an integer from 1 to 5"),
        ("X.grade >= 5", None),
        ("X.grade >= 1", "always: X.grade is an integer from 1 to 5"),
        ("X.grade > 1", None),
        ("0 < X.grade", "always: X.grade is an integer from 1 to 5"),
        ("1 <= X.grade <= 4", "always: X.grade is an integer from 1 to 5"),
        ("X.price > 0", "always: X.price is a number of more than 0"),
        ("X.price >= 0.5", None),
        ("X.price <= 0", "never: X.price is a number of more than 0"),
        ("X.price == 0", "never: X.price is a number of more than 0"),
        ("X.grade - 3 > 5", None),
        ("-X.grade > 0", None),
        ("X.level > 3", "never: X.level is 1 or 2 or 3"),
        ("X.level < X.grade", None),
        ("X.level + 0 > 3", None),
        ('X.code == "abc"', "never: X.code is a text that matches ^[A-Z]+$"),
        ('X.code == "ABC"', None),
        ('lower(X.code) == "abc"', None),
        ('X.name == "ab"', "never: X.name is a text of 3 to 5 characters"),
        ('X.name == "abc"', None),
        ('X.country == "zz"', "never: X.country is a text"),
        ('X.country == "ab"', None),
        ('X.state == "opne"', 'never: X.state is "open" or "closed"'),
        ('{"is": X.state} == {"is": "opne"}', 'never: {"is": X.state} is an object'),
        ('{"is": X.state} == {"is": "open"}', None),
        ("X.state == X.country", 'never: X.state is "open" or "closed"'),
        ("X.even == 3", None),
    ],
)
def test_what_bounds_and_enumerations_decide(text: str, says: str | None) -> None:
    found = [f"{one.reason}: {one.note}" for one in _of_x(text, _LIMITED) if one.kind is Kind.CONSTANT]
    assert found[:1] == ([] if says is None else [says])


def _of_x(text: str, schema: Any) -> tuple[Finding, ...]:
    """The findings of a text about ``X``, whose schema is given."""

    class OnlyX(_Names):
        def find(self, name: str) -> Entry | None:
            return Known(type_of_schema(schema), is_there=True) if name == "X" else None

    parsed = parse(text)
    assert not parsed.faults
    return check(parsed.tree, text, OnlyX()).findings


@pytest.mark.parametrize("pattern", ["(a+)+$", "(", r"(x)\1", "a*b*c*d*"])
def test_a_pattern_that_may_take_long_or_is_none_decides_nothing(pattern: str) -> None:
    assert not _of_x(f'X == "{"a" * 40}!"', {"type": "string", "pattern": pattern})


def test_one_cause_is_one_finding() -> None:
    for text in ("Order.totl > 3 and Order.totl.x + 1 > 3", "len(Order.note) > 1 or len(Order.note) < 0"):
        assert len([found for found in _check(text).findings if found.kind is not Kind.CONSTANT]) == (
            2 if "totl" in text else 1
        )
    text = "Order.gift and Order.customer.name + Order.customer.name == 'x'"
    assert len(_check(text).findings) == 1
    assert [found.message for found in _check("Order.prices.eur").findings] == [
        "Order.prices may be missing",
        "Order.prices.eur may be missing",
    ]


@pytest.mark.parametrize(
    ("check_", "text", "finding", "fix"),
    [
        (check_condition, "Order.total", "Order.total is a number: a condition is a boolean", "Order.total != 0"),
        (check_condition, "Order.known", "Order.known may be null", ""),
        (
            check_condition,
            "Order.lines",
            "Order.lines is a list of objects: a condition is a boolean",
            "len(Order.lines) > 0",
        ),
        (check_items, "Order.payment", "Order.payment is an object: foreach goes through a list",
         "items(Order.payment)"),
        (check_items, "Order.total", "Order.total is a number: foreach goes through a list", ""),
        (check, "len(Order.note)", "Order.note may be missing", 'default(Order.note, "")'),
        (
            check_part_of_text,
            "Order.lines",
            "Order.lines is a list of objects: texts, numbers and booleans can be written into a text",
            "",
        ),
    ],
)  # fmt: skip
def test_what_has_to_come_out_and_the_repair(
    check_: Callable[..., Checked], text: str, finding: str, fix: str
) -> None:
    found = _check(text, check_).findings[0]
    assert found.message == finding
    assert [f"{text[: one.start]}{one.text}{text[one.end :]}" for one in found.fixes] == (
        [text.replace("Order.note", fix) if "note" in text else fix] if fix else []
    )


def test_a_foreach_gives_the_type_of_its_items() -> None:
    assert describe(_check("[one.price for one in Order.lines]", check_items).type) == "a number"


def test_a_key_outside_of_an_open_schema_is_less_certain() -> None:
    assert [found.certain for found in _check("Order.totl").findings] == [False]
    assert [found.certain for found in _check("Order.lines[0].pice").findings] == [True]
    assert _check("Order.totl").findings[0].note.endswith("lines, gift, ... (order.json)")


def test_what_a_condition_before_said_holds_behind_it() -> None:
    before, text = "has(Order.note) and Order.note != null", "len(Order.note)"
    facts = facts_behind(parse(before).tree, before, _Names(), True)
    assert check(parse(text).tree, text, _Names(), facts).findings == ()
    otherwise = facts_behind(parse(before).tree, before, _Names(), False)
    assert check(parse(text).tree, text, _Names(), otherwise).findings


def test_each_function_has_a_type() -> None:
    assert {*SIGNATURES, "has", "default"} == {*FUNCTIONS}


def test_a_tree_with_faults_is_checked_as_far_as_it_goes() -> None:
    text = "Order.totl + and Order."
    checked: Any = check(parse(text).tree, text, _Names())
    assert '"totl" is not in the schema of Order\'s result' in [found.message for found in checked.findings]
