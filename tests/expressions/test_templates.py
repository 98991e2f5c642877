"""Texts with ``${...}`` in them: their parts, whatever stands inside of the braces, and texts without an end."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from selinon_core.expressions.parser import parse
from selinon_core.expressions.templates import Embedded, read_template_text
from tests.expressions.texts import expressions


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("",)),
        ("plain $ { } $x", ("plain $ { } $x",)),
        ("${a}", (Embedded("a", 2),)),
        ("${a}${b}", (Embedded("a", 2), Embedded("b", 6))),
        ("order ${args.number}!", ("order ", Embedded("args.number", 8), "!")),
        ('${{"a": {"b": 1}}}', (Embedded('{"a": {"b": 1}}', 2),)),
        ('${"}" + text(a)}', (Embedded('"}" + text(a)', 2),)),
        ("${'\\'}'}x", (Embedded("'\\'}'", 2), "x")),
        ("$${a}", ("${a}",)),
        ("$$${a}", ("$${a}",)),
        ("a$${${b}$${", ("a${", Embedded("b", 6), "${")),
        ("$ ${ a }", ("$ ", Embedded(" a ", 4))),
        ("${}", (Embedded("", 2),)),
        ("é${\n a\n}", ("é", Embedded("\n a\n", 3))),
    ],
)
def test_parts_of_texts(text: str, parts: tuple[str | Embedded, ...]) -> None:
    assert read_template_text(text) == (parts, ())


def test_a_brace_that_is_missing_is_a_fault_where_it_was_opened() -> None:
    read = read_template_text('a ${b + {"c": 1}')
    assert read.parts == ("a ", Embedded('b + {"c": 1}', 4))
    assert [(fault.start, fault.end) for fault in read.faults] == [(2, 4)]


def test_a_quote_that_is_missing_is_a_fault_of_the_expression() -> None:
    [whole], faults = read_template_text("${it's}")
    assert isinstance(whole, Embedded)
    assert not faults
    assert [(fault.start, fault.message) for fault in parse(whole.text).faults] == [
        (2, "the text that begins here has no closing '")
    ]


def test_only_an_expression_that_is_the_whole_text_is_a_value_of_its_own() -> None:
    assert read_template_text("${a}").only == Embedded("a", 2)
    assert read_template_text(" ${a}").only is None
    assert read_template_text("a").only is None
    assert read_template_text("a").is_plain
    assert not read_template_text("${a}").is_plain


@given(
    st.lists(
        st.one_of(expressions.filter(lambda text: not parse(text).faults).map(lambda text: (text,)), st.text())
    )
)
def test_what_is_put_together_is_taken_apart(given_parts: list[str | tuple[str]]) -> None:
    text, expected = "", []
    for part in given_parts:
        if isinstance(part, str):
            # "$" before "${" would make it a plain text.
            part = part.replace("$", "")
            text += part
            if expected and isinstance(expected[-1], str):
                expected[-1] += part
            elif part:
                expected.append(part)
        else:
            expected.append(Embedded(part[0], len(text) + 2))
            text += f"${{{part[0]}}}"
    assert read_template_text(text) == (tuple(expected or [""]), ())


@given(st.text(alphabet="${}'\"\\ab\n"))
@example("${" * 10_000)
@example("${'" * 10_000)
@example("$" * 10_000 + "{")
def test_any_text_has_parts_that_make_it(text: str) -> None:
    read = read_template_text(text)
    assert all(text[part.offset :].startswith(part.text) for part in read.parts if isinstance(part, Embedded))
    if (
        not read.faults
        and "$${" not in text
        and not any(parse(p.text).faults for p in read.parts if not isinstance(p, str))
    ):
        assert text == "".join(part if isinstance(part, str) else f"${{{part.text}}}" for part in read.parts)
