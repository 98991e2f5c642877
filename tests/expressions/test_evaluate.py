"""What expressions give, and which have no value: types are strict, and what is missing is an error."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.expressions.evaluate import EvaluationError, MissingValue, bind_text
from tests.expressions.scopes import Values

ORDER = {
    "total": 120,
    "state": "open",
    "customer": None,
    "tags": ["new", "big"],
    "lines": [{"price": 3}, {"price": 9}],
}
SCOPE = Values(
    LoadOrder=ORDER,
    args={"dry_run": False, "limit": 100, "key": "total", "from": "here"},
    item={"price": 3},
    index=2,
    vars={"currency": "EUR", "rates": {"EUR": 1, "USD": 1.1}},
    env={"REGION": "eu"},
    failed={"Charge": {"type": "OSError", "message": "no", "attempts": 3}},
    all={"Reserve": [1, 2]},
)


def value(text: str, **more: Any) -> Any:
    return bind_text(text)(Values(**{**SCOPE.values, **more}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LoadOrder.total > 100 and not args.dry_run", True),
        ("LoadOrder.lines[-1].price", 9),
        ("LoadOrder.lines[-2].price", 3),
        ("LoadOrder[args.key]", 120),
        ("[[x * 10 + y for y in [1, 2]] for x in [3, 4]]", [[31, 32], [41, 42]]),
        ("args.from", "here"),
        ("[one.price * 2 for one in LoadOrder.lines if one.price > 3]", [18]),
        ("sum(one.price for one in LoadOrder.lines)", 12),
        ("any(one.price == 9 for one in LoadOrder.lines)", True),
        ("'big' in LoadOrder.tags and 'total' in LoadOrder and 'pe' in LoadOrder.state", True),
        ('{**item, "position": index + 1}', {"price": 3, "position": 3}),
        ('"order " + text(LoadOrder.total)', "order 120"),
        ("0 < LoadOrder.total <= 120 != 3", True),
        ("'big' if LoadOrder.total > 100 else 'small'", "big"),
        ("vars.currency + env.REGION + failed.Charge.message", "EUReuno"),
        ("vars['rates'][vars.currency]", 1),
        ("len(all.Reserve) + len(vars.currency)", 5),
        ("[[y for y in [x, x]] for x in [1, 2]]", [[1, 1], [2, 2]]),
        ("7 // 2 + 7 % -4 - 7 / 2", -1.5),
        ("[1, 'a', null, true, 1.5]", [1, "a", None, True, 1.5]),
    ],
)
def test_values(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 == true", False),
        ("0 in [false]", False),
        ("[1, {'a': 0}] == [true, {'a': false}]", False),
        ("1 == 1.0", True),
        ("1 == '1'", False),
        ("null == false", False),
        ("[1, 2] == [1.0, 2]", True),
        ("{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", True),
        ("1 != true", True),
    ],
)
def test_equality_is_strict(text: str, expected: bool) -> None:
    assert value(text) is expected


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("1 < 'a'", "have an order", "1 < 'a'"),
        ("true < 2", "have an order", "true < 2"),
        ("1 + 'a'", "not added", "1 + 'a'"),
        ("'a' * 2", "is text, not a number", "'a'"),
        ("[1] + [2]", "is a list, not a number", "[1]"),
        ("true + 1", "is a boolean, not a number", "true"),
        ("-'a'", "is text, not a number", "'a'"),
        ("1 / 0", "is 0", "1 / 0"),
        ("LoadOrder.total or 3", "is a number, not a boolean", "LoadOrder.total"),
        ("not 0", "is a number, not a boolean", "0"),
        ("1 if null else 2", "is null, not a boolean", "null"),
        ("[x for x in [1] if x]", "is a number, not a boolean", "x"),
        ("[x for x in 'abc']", "is text, not a list", "'abc'"),
        ("LoadOrder.total.x", "is a number, not an object", "LoadOrder.total"),
        ("LoadOrder.lines.price", "is a list, not an object", "LoadOrder.lines"),
        ("LoadOrder.lines['price']", "is a list, not an object", "LoadOrder.lines"),
        ("LoadOrder.lines[args.key]", "its index is text, not an integer", "args.key"),
        ("LoadOrder.lines[true]", "not an integer", "true"),
        ("LoadOrder[0]", "its key is a number", "0"),
        ("3 in 'abc'", "only a text is in a text", "3 in 'abc'"),
        ("3 in {'a': 1}", "keys are texts", "3 in {'a': 1}"),
        ("3 in 4", "asks a list", "3 in 4"),
        ("len(3)", "not text, a list or an object", "3"),
        ("sum([1, 'a'])", "item 1 is text", "sum([1, 'a'])"),
        ("max([])", "has no value", "max([])"),
        ("any([1])", "item 0 is a number", "any([1])"),
        ("any(1 for x in [1])", "not a boolean", "1"),
        ("{**[1]}", "not an object", "[1]"),
        ("nothing(1)", "no function", "nothing"),
        ("len()", "takes 1 argument and gets 0", "len()"),
        ("has(1)", "asks for a path", "1"),
        ("vars", "is used with a name", "vars"),
        ("int('7.5')", "a text of digits", "int('7.5')"),
        ("text(null)", "is null, not text, a number or a boolean", "null"),
    ],
)
def test_what_has_no_value_says_why_and_where(text: str, message: str, place: str) -> None:
    with pytest.raises(EvaluationError, match=message) as raised:
        value(text)
    assert not isinstance(raised.value, MissingValue)
    assert text[raised.value.start : raised.value.end] == place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Other.total", "Other"),
        ("LoadOrder.totl", "totl"),
        ("LoadOrder['totl']", "'totl'"),
        ("LoadOrder.lines[2]", "2"),
        ("LoadOrder.lines[-3].price", "-3"),
        ("LoadOrder.customer.name", "name"),
        ("LoadOrder.customer[0]", "0"),
        ("vars.nothing", "vars.nothing"),
        ("results.Other", "results.Other"),
    ],
)
def test_what_is_missing_is_an_error_that_has_and_default_ask_for(text: str, place: str) -> None:
    with pytest.raises(MissingValue) as raised:
        value(text)
    assert text[raised.value.start : raised.value.end] == place
    assert value(f"has({text})") is False
    assert value(f"default({text}, 7)") == 7


def test_messages_show_no_parts_of_results() -> None:
    with pytest.raises(MissingValue, match=r'"LoadOrder" has no key that "args.secret" names'):
        value("LoadOrder[args.secret]", args={"secret": "hunter2"})
    for text in (
        "LoadOrder.state + 1",
        "LoadOrder.state < 1",
        "len(LoadOrder.total)",
        "LoadOrder.lines[LoadOrder.state]",
    ):
        with pytest.raises(EvaluationError) as raised:
            value(text, LoadOrder={**ORDER, "state": "hunter2", "total": 4711})
        assert "hunter2" not in raised.value.message
        assert "4711" not in raised.value.message


def test_null_is_not_missing_but_has_a_default() -> None:
    assert value("has(LoadOrder.customer)") is True
    assert value("default(LoadOrder.customer, 'none')") == "none"
    assert value("default(args.dry_run, true)") is False


@pytest.mark.parametrize("text", ["has(LoadOrder[args.nothing])", "has([Other.x][0])", "has(LoadOrder.total.x)"])
def test_only_the_path_itself_may_be_missing(text: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        value(text)
    assert not isinstance(raised.value, MissingValue)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("false and Other.x", False),
        ("true or 1 / 0 > 1", True),
        ("1 if true else 1 / 0", 1),
        ("1 > 2 > 1 / 0", False),
        ("any(x == 1 or 1 / 0 > 1 for x in [1, 2])", True),
        ("all(x == 1 for x in [2, 'a'])", False),
        ("default(LoadOrder.total, 1 / 0)", 120),
    ],
)
def test_what_is_not_needed_is_not_evaluated(text: str, expected: object) -> None:
    assert value(text) == expected


def test_seen_has_the_value_of_every_path_that_was_read() -> None:
    seen: dict[str, Any] = {}
    first = "LoadOrder.total > 200 or vars.rates[vars.currency] == 2"
    text = f"{first} or any(one.price > index for one in LoadOrder.lines)"
    assert bind_text(text)(SCOPE, seen) is True
    assert seen == {
        "LoadOrder.total": 120,
        "vars.rates[vars.currency]": 1,
        "vars.currency": "EUR",
        "LoadOrder.lines": ORDER["lines"],
        "index": 2,
    }


def test_the_item_has_the_name_that_the_foreach_gives_it() -> None:
    class Item:
        def value(self, kind: str, name: str) -> Any:
            return [kind, name]

    assert bind_text("shop", item_name="shop")(Item()) == ["item", "shop"]
    assert bind_text("shop")(Item()) == ["node", "shop"]
    assert bind_text("results.args")(Item()) == ["node", "args"]
