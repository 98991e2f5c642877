"""Texts of expressions: right ones, ones with a small mistake in them, and rows of any tokens.

All are made of an alphabet that Python and the language share, so that both have to agree on each text.
"""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = ("args", "LoadOrder", "one", "x", "größe", "_")
NUMBERS = ("0", "7", "100", "0.5", "1e-6", "2.0")
TEXTS = ('""', '"a"', "'b c'", '"\\n\\u00e9\\\\"', "'\\''", '"\'"', "'é'")
WORDS = ("true", "false", "null", "True", "False", "None")
#: The beginnings of these are not words of Python.
FUNCTIONS = ("len", "any", "sum", "round", "has", "f")
OPERATORS = ("+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or")
SIGNS = (
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    ":",
    "**",
    "*",
    "=",
    "not",
    "if",
    "else",
    "for",
    "in",
    "and",
    "-",
    "+",
)

names = st.sampled_from(NAMES)
numbers = st.sampled_from(NUMBERS)
atoms = st.one_of(names, numbers, st.sampled_from(TEXTS), st.sampled_from(WORDS))
#: White space between tokens; a line break is white space only where Python is inside brackets.
gaps = st.sampled_from(("", " ", " ", "  ", "\t"))


def _rows(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(part, max_size=3).map(", ".join)


def _larger(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def put(pattern: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.tuples(*parts).map(lambda found: pattern.format(*found))

    keys = st.one_of(put("{}: {}", st.sampled_from(TEXTS), part), put("**{}", part))
    whole = st.one_of(
        put("{} for {} in {}", part, names, part), put("{} for {} in {} if {}", part, names, part, part)
    )
    return st.one_of(
        put("({})", part),
        put("{}.{}", part, names),
        put("{}[{}]", part, part),
        put("{}({})", st.sampled_from(FUNCTIONS), _rows(part)),
        put("{}({})", st.sampled_from(FUNCTIONS), whole),
        put("-{}", part),
        put("not {}", part),
        put("{}{}{}{}{}", part, gaps, st.sampled_from(OPERATORS), gaps, part),
        put("{} {} {}", part, st.sampled_from(OPERATORS), part),
        put("{} {} {}", part, st.sampled_from(("and", "or", "==", "<")), part),
        put("{} if {} else {}", part, part, part),
        put("[{}]", _rows(part)),
        put("[{}]", whole),
        put("{{{}}}", _rows(keys)),
    )


#: Texts of the grammar, without regard to precedence: parentheses are there by chance, so some are wrong.
expressions = st.recursive(atoms, _larger, max_leaves=12)
#: Any tokens in a row.
token_rows = st.lists(st.one_of(atoms, st.sampled_from(SIGNS), st.sampled_from(OPERATORS)), max_size=12).map(
    " ".join
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A text of the grammar with a piece taken out, put in, or exchanged."""
    pieces = draw(expressions).split(" ")
    position = draw(st.integers(0, len(pieces) - 1))
    piece = draw(st.one_of(st.just(""), st.sampled_from(SIGNS), atoms, st.sampled_from(OPERATORS)))
    how = draw(st.integers(0, 2))
    if how == 0:
        pieces[position] = piece
    elif how == 1:
        pieces.insert(position, piece)
    else:
        text = " ".join(pieces)
        cut = draw(st.integers(0, len(text)))
        return text[:cut]
    return " ".join(pieces)
