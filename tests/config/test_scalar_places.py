"""Places inside scalars: each character of a value is found where the file spells it, in every style."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selinon_core.config.yaml.document import line_starts, read_document
from selinon_core.config.yaml.nodes import AliasNode, GivenScalar, MappingNode, SequenceNode
from selinon_core.config.yaml.scalar_places import ScalarPlaces
from selinon_core.diagnostics.kinds import Collector
from selinon_core.diagnostics.location import Span
from tests.example_counts import examples


def scalars_of(node: Any) -> list[Any]:
    """The scalars of a document that are written in it, keys too."""
    if type(node) is MappingNode:
        return [
            found for key, value, _ in node.entries.values() for found in (*scalars_of(key), *scalars_of(value))
        ]
    if type(node) is SequenceNode:
        return [found for item in node.items for found in scalars_of(item)]
    return [node] if type(node) is yaml.ScalarEvent else []


def value_of(text: str) -> tuple[Any, str]:
    """The value of the key ``v`` of a document, and the text that its marks mean."""
    document = read_document(text, "f.yaml", Collector())
    node = document.root.entries["v"][1]  # type: ignore[union-attr]
    return (node.target if type(node) is AliasNode else node), document.text


def written(text: str, span: Span) -> str:
    """What the file has at a span."""
    starts = line_starts(text)
    return text[starts[span.line - 1] + span.column - 1 : starts[span.end_line - 1] + span.end_column - 1]


def at(text: str, part: str) -> str:
    """What the file has where ``part`` of the value of ``v`` stands."""
    node, document = value_of(text)
    start = node.value.index(part)
    return written(document, ScalarPlaces("f.yaml", document, node).span(start, start + len(part)))


def spells(stretch: str, character: str, style: str | None) -> bool:
    """Whether a stretch of a file can be one character of a value."""
    if any(c in stretch for c in "\n\r\x85\u2028\u2029"):
        return character in " \n\u2028\u2029" and not stretch.strip(" \t\n\r\x85\u2028\u2029")
    if style == '"' and stretch.startswith("\\"):
        return bool(yaml.safe_load(f'"{stretch}"') == character)
    return stretch == character or (style == "'" and stretch == "''" and character == "'")


def check_all(text: str) -> int:
    """Look at each character of each scalar; returns how many scalars there were."""
    document = read_document(text, "f.yaml", Collector())
    found = scalars_of(document.root)
    for node in found:
        places = ScalarPlaces("f.yaml", document.text, node)
        before = (0, 0)
        for index, character in enumerate(node.value):
            span = places.span(index, index + 1)
            assert spells(written(document.text, span), character, node.style), (node.value, index, span)
            assert (span.line, span.column) >= before, "characters stand in the order of the value"
            before = (span.end_line, span.end_column)
        if node.value:
            whole = places.span(0, len(node.value))
            assert (whole.line, whole.column) == places.span(0, 1)[1:3]
            assert (whole.end_line, whole.end_column) == before
    return len(found)


ALPHABET = " \n\t'\"\\|>-+#:&!,[]{}ab12é\U0001f600\u2028\r"


@settings(max_examples=examples(120, 500))
@given(st.text(ALPHABET, max_size=40))
@example('"a\\\n  \n b"')
@example("|+\n a\n\n\n")
@example(">\n\n a\n b\n\n c\n  d\n e")
def test_whatever_the_text_is_each_character_of_a_value_is_found_where_it_is_written(text: str) -> None:
    check_all(text)


LINE = st.text("ab 'é\t\U0001f600#:.", max_size=8).map(lambda t: t.strip(" \t"))
BREAK = st.sampled_from(["\n", "\r\n"])


@st.composite
def blocks(draw: st.DrawFn) -> str:
    """A mapping whose value is a literal or folded scalar."""
    line_break = draw(BREAK)
    step = draw(st.integers(1, 4))
    indicator = draw(st.sampled_from(["", str(step)]))
    header = draw(st.sampled_from("|>")) + draw(st.sampled_from([indicator, f"-{indicator}", f"{indicator}+"]))
    lines = draw(st.lists(st.tuples(st.sampled_from(["", "", " ", "   ", "\t"]), LINE), min_size=1, max_size=6))
    body = [" " * step + more + line if line else draw(st.sampled_from(["", " " * step])) for more, line in lines]
    before = draw(st.sampled_from(["", "&x ", "!!str ", "&x !!str "]))
    comment = draw(st.sampled_from(["", " # é"]))
    text = line_break.join([f"ä: é{line_break}v: {before}{header}{comment}", *body])
    return text + draw(st.sampled_from(["", line_break, f"{line_break}w: 1"]))


@st.composite
def quoted(draw: st.DrawFn) -> str:
    """A mapping whose value is a quoted scalar of several lines."""
    quote = draw(st.sampled_from("'\""))
    plain = ["a", "é", " ", "\t", ": ", " #", "\U0001f600"]
    special = ["''", '"', "\\"] if quote == "'" else ["\\n", "\\x41", "\\u00e4", "\\U0001f600", "\\\\", '\\"', "'"]
    folds = ["\n ", "\r\n  ", "\n\n \t", " \n  \n "] + (["\\\n  ", "\\\n \n "] if quote == '"' else [])
    body = draw(st.lists(st.sampled_from(plain + special + folds), max_size=12))
    before = draw(st.sampled_from(["", "&x ", "!!str ", "&x\n  "]))
    return f"ä: é\nv: {before}{quote}{''.join(body)}{quote}\n"


@st.composite
def plains(draw: st.DrawFn) -> str:
    """A mapping whose value is an unquoted scalar of several lines."""
    words = draw(st.lists(st.text("abé'\"\U0001f600", min_size=1, max_size=4), min_size=1, max_size=5))
    between = st.sampled_from([" ", "  ", " \t ", "\n ", "\r\n  ", "\n\n\t ", " \n \n "])
    body = "".join(word + draw(between) for word in words[:-1]) + words[-1]
    before = draw(st.sampled_from(["", "&x ", "!!str ", "!!str\n  &x "]))
    return f"ä: é\nv: {before}x{body}{draw(st.sampled_from(['', ' # c', '  ']))}\n"


@settings(max_examples=examples(120, 500))
@given(blocks() | quoted() | plains())
def test_scalars_of_every_style_are_found_where_they_are_written(text: str) -> None:
    collector = Collector()
    read_document(text, "f.yaml", collector)
    assert check_all(text) >= (0 if collector.found else 4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v: Load.total > 1", "total"),
        ("ä: é\nv: 'Load.total > 1'", "total"),
        ("v: 'it''s Load.total'", "total"),
        ('v: "\\u00e4 Load.total"', "total"),
        ('v: "Load.t\\x6ftal"', "t\\x6ftal"),
        ('v: "Load.to\\\n    tal"', "to\\\n    tal"),
        ("v: &x Load.total", "total"),
        ("v: &x\n  !!str Load.total", "total"),
        ("v: a\n  b total", "total"),
        ("v: |\n  a\n  total", "total"),
        ("v: >2-\n    a\n  b total\r\n", "total"),
        ("w: &x Load.total\nv: *x", "total"),
        ("\ufeffv: total", "total"),
    ],
)
def test_a_word_is_found_in(text: str, expected: str) -> None:
    assert at(text, "total") == expected


def test_lines_and_columns_count_from_1_and_columns_count_code_points() -> None:
    node, text = value_of("v: |\n  \U0001f600é total\n")
    assert ScalarPlaces("f.yaml", text, node).span(3, 8) == Span("f.yaml", 2, 6, 2, 11)


def test_an_empty_stretch_stands_before_its_character_or_behind_the_value() -> None:
    node, text = value_of("v: 'a''b'")
    places = ScalarPlaces("f.yaml", text, node)
    assert places.span(1, 1) == Span("f.yaml", 1, 6, 1, 6)
    assert places.span(3, 3) == Span("f.yaml", 1, 9, 1, 9)
    assert places.span(7, 9) == Span("f.yaml", 1, 9, 1, 9)


def test_a_value_that_no_file_spells_has_one_place() -> None:
    assert ScalarPlaces("f.yaml", "", GivenScalar("abc")).span(1, 2) == Span("f.yaml", 1, 1, 1, 1)


def test_an_empty_value_is_where_its_quotes_are() -> None:
    node, text = value_of('v: ""')
    assert ScalarPlaces("f.yaml", text, node).span(0, 0) == Span("f.yaml", 1, 4, 1, 6)
