"""Any text has a tree and faults: no exception, places inside of the text, bounded depth, and linear work."""

from __future__ import annotations

import random
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selinon_core.expressions.evaluate import EvaluationError, bind
from selinon_core.expressions.names import paths_used
from selinon_core.expressions.parser import MAX_CHARACTERS, MAX_DEPTH, Parsed, parse
from selinon_core.expressions.printer import expression_text
from selinon_core.expressions.tree import Broken, Tree, children
from tests.example_counts import examples
from tests.expressions.call_counts import calls
from tests.expressions.shapes import shape
from tests.expressions.texts import expressions, mutated, token_rows

#: Every sign that means something somewhere, in this language or in another.
SIGNS = "()[]{},.:*+-/%<>=!&|?$#@;\\^~`'\"\n\t 01aeEuxTin_\u00e9\u2265\u201c\u00a0\x00\x7f\ud800\udc00\U0001f600"
any_texts = st.one_of(
    st.text(max_size=60), st.text(alphabet=SIGNS, max_size=60), expressions, mutated(), token_rows
)


def depth(tree: Tree) -> int:
    return 1 + max(map(depth, children(tree)), default=0)


def broken(tree: Tree) -> bool:
    return isinstance(tree, Broken) or any(map(broken, children(tree)))


def check(text: str) -> Parsed:
    """Everything that holds for any text."""
    tree, faults = parsed = parse(text)
    assert depth(tree) <= MAX_DEPTH
    assert bool(faults) >= broken(tree)
    for fault in faults:
        assert 0 <= fault.start <= fault.end <= len(text)
        assert 0 < len(fault.message) < 300
        assert 0 < len(fault.help) < 300
        # A message can be written to any terminal and any file.
        assert (fault.message + fault.help).isprintable()
    assert list(faults) == sorted(faults, key=lambda fault: fault.start)
    places(tree, text, 0, len(text))
    expression_text(tree)
    paths_used(tree)
    with suppress(EvaluationError):  # of what is broken, or a function that does not exist
        bind(tree)
    return parsed


def places(tree: Tree, text: str, start: int, end: int) -> None:
    """The places of a tree are inside of those of the tree around it."""
    assert start <= tree.start <= tree.end <= end
    for part in children(tree):
        places(part, text, tree.start, tree.end)


@settings(max_examples=examples(250, 1000))
@given(any_texts)
@example("")
@example(" \n")
@example("\ud800")
@example("'\ud800'")
@example('"\\ud83d" + "\\ude00"')
@example("a\x00b")
@example("a is not is not b")
@example("a ** 2 ** b")
@example("a\x00.b() ?? '\x00' ? \ud800 : 1")
@example("x ? y ? z : a : ")
@example("[a for b in c for d in e if f if g else h for")
@example("{a: {**b, 1: 2 for c in d}, 'e' f}")
@example("f(a=1, *b, **c)(d).e(g)[h:i, j]")
@example("${a} && ${{b}}")
@example("9" * 2000)
@example("{" + "a" * 1900 + ": 1}")
@example("a" * 1900 + ".get(1)")
@example("1_" * 900)
@example("a." + "1" * 1900)
@example("0x" + "f" * 1000)
@example("1e99999")
def test_any_text_has_a_tree_and_faults_inside_of_it(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    "text",
    [
        "-" * 4000,
        "-" * 1999 + "1",
        "(" * 2000,
        "[" * 2000,
        "{'a':" * 400,
        "f(" * 1000,
        "not " * 500 + "a",
        "a" + ".b" * 900,
        "a" + "[0]" * 600,
        "1" + "+1" * 900,
        "a" + " if b else a" * 150,
        "a" + "?b:a" * 400,
        "a" + "??b" * 400,
        "a" + "()" * 900,
        "a" + ".b()" * 400,
        "1<" * 900 + "1",
        "${" * 900,
        "[a for a in " * 150,
        "'" * 2001,
        "a" * 1_000_000,
    ],
    ids=lambda text: text[:6],
)
def test_deep_and_long_texts_have_one_fault_at_most_for_that(text: str) -> None:
    _, faults = check(text)
    too_much = [fault for fault in faults if "levels deep" in fault.message or "characters, and" in fault.message]
    assert len(too_much) <= 1
    if len(text) > MAX_CHARACTERS:
        assert too_much == list(faults)


def test_the_deepest_tree_is_read_and_one_level_more_is_not() -> None:
    assert parse("not " * (MAX_DEPTH - 1) + "a").faults == ()
    [fault] = parse("not " * MAX_DEPTH + "a").faults
    assert fault.message == f"the expression is more than {MAX_DEPTH} levels deep"
    assert parse("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH).faults == ()
    assert len(parse("(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1)).faults) == 1
    assert parse("a" + ".b" * (MAX_DEPTH - 1)).faults == ()
    assert len(parse("a" + ".b" * MAX_DEPTH).faults) == 1
    # Parts side by side are one level.
    assert parse(" and ".join(["a"] * 300)).faults == ()
    assert parse(f"[{', '.join(['a'] * 600)}]").faults == ()


def test_texts_are_as_long_as_allowed_and_no_longer() -> None:
    assert parse('"' + "a" * (MAX_CHARACTERS - 2) + '"').faults == ()
    [fault] = parse('"' + "a" * (MAX_CHARACTERS - 1) + '"').faults
    assert (fault.start, fault.end) == (MAX_CHARACTERS, MAX_CHARACTERS + 1)


#: What a text consists of when its length is doubled.
PIECES = [
    *("a and ", "a == ", "[a, ", "a, ", "(a) + ", "{'a': b, ", "'a' ", "a ", ") ", "= ", "\u2265 ", "\u201c"),
    *("\u00e9\u00b7", "a ? b : ", "[a for b ", "for b in ", "f(a, ", ".0", ". ", "not ", "is not ", "x.y(", "\\"),
    *("'\\", "1e", '"\\ud800', "{", "}", "[a b, ", "${a} ", "#", "$", "**", ": ", "a if "),
]


@pytest.mark.parametrize("piece", PIECES)
def test_the_work_grows_with_the_length_of_the_text(piece: str) -> None:
    count = MAX_CHARACTERS // 2 // len(piece)
    short, long = calls(lambda: parse(piece * count)), calls(lambda: parse(piece * count * 2))
    assert long <= 2.1 * short + 200


def test_random_text_is_read_with_bounded_work_for_each_character() -> None:
    chance = random.Random(7)
    for _ in range(200):
        text = "".join(chance.choices(SIGNS, k=MAX_CHARACTERS))
        assert calls(partial(parse, text)) < 60 * MAX_CHARACTERS


@settings(max_examples=examples(120, 500))
@given(expressions)
def test_the_text_of_a_tree_is_read_as_the_tree(text: str) -> None:
    tree, faults = parse(text)
    if not faults:
        printed = expression_text(tree)
        again, none = parse(printed)
        assert none == ()
        assert shape(again) == shape(tree)
        assert expression_text(again) == printed


@settings(max_examples=examples(120, 500))
@given(expressions)
def test_the_text_of_each_part_is_read_as_the_part(text: str) -> None:
    tree, faults = parse(text)
    if faults:
        return
    level = [tree]
    while level:
        for part in level:
            inside = text[part.start : part.end]
            if not parse(inside).faults:  # a "for" without brackets is not an expression
                assert shape(parse(inside).tree) == shape(part)
            else:
                assert " for " in inside
        level = [child for part in level for child in children(part)]
