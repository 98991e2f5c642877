"""What is wrong with a text is said at its place, with what helps; habits of other languages are known."""

from __future__ import annotations

import pytest

from selinon_core.expressions.faults import METHODS_MEANT, WORDS_MEANT
from selinon_core.expressions.parser import parse
from selinon_core.expressions.parsing.tokens import MEANT
from tests.expressions.repairs import repaired
from tests.expressions.shapes import shape


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a && !b", "a and not b"),
        ("a&&b", "a and b"),
        ("(!a)||b", "(not a) or b"),
        ("a & b | c", "a and b or c"),
        ("a = 3", "a == 3"),
        ("a === 3 and a !== 4", "a == 3 and a != 4"),
        ("a <> 3 and b => 4 and c =< 5", "a != 3 and b >= 4 and c <= 5"),
        ("a \u2265 1 \u2227 b \u2260 2 \u00d7 3", "a >= 1 and b != 2 * 3"),
        ("a is null or b is not null", "a == null or b != null"),
        ("a AND b OR c eq 3", "a and b or c == 3"),
        ("a ? b : c", "b if a else c"),
        ("a > 1 ? b ? 1 : 2 : c", "(1 if b else 2) if a > 1 else c"),
        ("a.b ?? 3", "default(a.b, 3)"),
        ("a?.b", "a.b"),
        ("a.lower().strip()", "strip(lower(a))"),
        ("', '.join(a.b)", "join(a.b, ', ')"),
        ("a.get('b') == a.get('c', 3)", "default(a['b'], null) == default(a['c'], 3)"),
        ("a.lines.0.price", "a.lines[0].price"),
        ("a.if", "a['if']"),
        ("{a: 1, 'b': 2}", "{'a': 1, 'b': 2}"),
        ("[1, 2,]", "[1, 2]"),
        ("len(x for x in a)", "len([x for x in a])"),
        ("[x for x in a if b if c]", "[x for x in a if b and c]"),
        ("f(a=1)", "f(1)"),
        ("f(a, b=1, c = 2)", "f(a, 1, 2)"),
        ("a ? (b) if c else d : e", "((b) if c else d) if a else e"),
        ("a ? b : c ? d : e", "b if a else (d if c else e)"),
        ("(a ? b : c) ? d : e", "d if (b if a else c) else e"),
        ("(a if b else c).get('d')", "default((a if b else c)['d'], null)"),
        ("a.contains(b) == c", "(b in a) == c"),
        ("(a + b).lower()", "lower(a + b)"),
        ("a?.b.lower()", "lower(a.b)"),
        ("+1 + +2", "1 + 2"),
        ("${a.b}", "a.b"),
        ("{{ a.b }}", "a.b"),
        ("1_000 + .5 + 1. + 007 + 0x1F", "1000 + 0.5 + 1.0 + 7 + 31"),
        ("'a\\qb'", "'a\\\\qb'"),
        ("a\u00a0+ b", "a + b"),
        ("'\x00'", "'\\u0000'"),
    ],
)
def test_what_other_languages_write_is_repaired(text: str, meant: str) -> None:
    assert parse(text).faults
    found = parse(repaired(text))
    assert found.faults == ()
    assert shape(found.tree) == shape(parse(meant).tree)


@pytest.mark.parametrize(
    ("text", "place", "message", "help"),
    [
        ("", "", "the expression is empty", "true"),
        ("x >", "", 'expected a value after ">"', "write a name"),
        ("x and and y", "and", 'expected a value after "and", found "and"', "write a name"),
        ("x y", "y", 'expected an operator or the end after "x", found "y"', "operators are"),
        ("'a' 'b'", "'b'", "expected an operator or the end after 'a', found 'b'", '"+"'),
        ("'it's'", "s", "found", "\\'"),
        ("f'x'", "'x'", "found", "before the quote"),
        ("x, y", ",", "found", "brackets"),
        ("(x, y)", ",", "parentheses", "[ and ]"),
        ("(x", "", 'expected ")" to close "(x"', '")"'),
        ("f(x]", "]", 'expected ")" to close "(x", found "]"', '")"'),
        ("x)", ")", "found", "the ( that is missing"),
        ("[x y, z]", "y", 'expected an operator, "," or "]"', "operators are"),
        ("{'a' 1}", "1", 'expected ":" after \'a\', found "1"', "key"),
        ("{1: 2}", "1", "expected a key in quotes", "key"),
        ("x if y", "", 'expected "else" after "y"', "choice"),
        ("if x", "if", "expected a value", "name"),
        ("x.", "", 'expected a name after "."', "key"),
        ("x not y", "y", 'expected "in" after "not"', "not in"),
        ("x == not y", "not", "binds more strongly", "(not ...)"),
        ("x ** 2", "**", "no operator", "x * x"),
        ("x.f(1)", "x.f(1)", 'no methods: "f"', "argument"),
        ("f(x)(y)", "f(x)(y)", "only functions", "name"),
        ("x[1:2]", ":", "slices", "condition"),
        ("x[1, 2]", ",", "one index", "condition"),
        ("[x for x, y in z]", ",", "one name", "pair[0]"),
        ("[x for x in y for z in x]", "for", 'one "for"', "flatten"),
        ("{'a': x for x in y}", "for", "lists only", "task"),
        ("'abc", "'abc", "no closing '", "'"),
        ("'abc\n'", "'abc", "no closing '", "'"),
        ("'\\u12'", "\\u", "not an escape", "four hexadecimal digits"),
        ("'\\ud800'", "\\ud800", "half of a character", "both halves"),
        ("12px", "12px", "not a number", "space"),
        ("1e400", "1e400", "too large", "2**63"),
        ("9223372036854775808", "9223372036854775808", "too large", "2**63"),
        ("\u201ca\u201d", "\u201c", "does not begin", '"'),
        ("x # y", "#", "comments", "#"),
        ("$x", "$", "not a sign", "alone"),
        ("x; y", ";", "not a sign", "away"),
        ("x\x07", "\x07", "U+0007", "away"),
        ("x contains y", "contains", "found", "in list"),
    ],
)
def test_faults_have_a_place_a_message_and_a_help(text: str, place: str, message: str, help: str) -> None:
    fault = parse(text).faults[0]
    assert text[fault.start : fault.end] == place
    assert message in fault.message
    assert help in fault.help


@pytest.mark.parametrize(
    "text",
    [
        "(a + [b, ",
        "'it's' + (",
        "{a",
        "[x for x y if",
        "a := 3",
        "* 3 and and",
        "if a",
        "((((((",
        "f(a, b c) d e",
        "\ud800",
    ],
)
def test_one_mistake_is_one_fault(text: str) -> None:
    assert len(parse(text).faults) == 1


def test_mistakes_beside_each_other_are_faults_each() -> None:
    text = "a && b.lower() == 'x' and c = 1_0"
    assert [text[fault.start : fault.end] for fault in parse(text).faults] == ["&&", "b.lower()", "=", "1_0"]


@pytest.mark.parametrize("sign", MEANT)
def test_every_sign_of_other_languages_is_read_as_what_is_meant(sign: str) -> None:
    text = f"a {sign} b" if MEANT[sign] != "not" else f"{sign} b"
    [fault] = parse(text).faults
    assert parse(repaired(text)).faults == ()
    assert text[fault.start : fault.end] == sign


@pytest.mark.parametrize("word", WORDS_MEANT)
def test_every_word_of_other_languages_is_read_as_what_is_meant(word: str) -> None:
    assert shape(parse(repaired(f"a {word} b")).tree) == shape(parse(f"a {WORDS_MEANT[word]} b").tree)
    # Where a value stands they are names.
    assert parse(f"{word} + a.{word}").faults == ()


@pytest.mark.parametrize(("name", "count"), METHODS_MEANT)
def test_every_method_of_other_languages_becomes_an_expression(name: str, count: int) -> None:
    text = f"a.b.{name}({', '.join(['x', 'y'][:count])})"
    assert parse(text).faults
    assert parse(repaired(text)).faults == ()
