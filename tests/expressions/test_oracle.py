"""The parser reads what Python reads: the same tree, or both reject the text.

Python's grammar is larger. What the language leaves out is rejected by it, and by ``python_shape``: unary
``+``, ``**`` between values, ``is``, tuples, sets, slices, methods, ``*`` and named arguments, parentheses around
the name of a function, ``for`` of more than one variable, list or condition, commas at the end, texts side by
side, numbers that are not written as in JSON or that a word or a point touches. What Python says differently is
not in the alphabet of these texts: words of Python that are names here, and escapes that Python or JSON alone has.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.expressions.parser import parse
from tests.example_counts import examples
from tests.expressions.shapes import python_shape, shape
from tests.expressions.texts import expressions, mutated, token_rows


@settings(max_examples=examples(250, 1000))
@given(st.one_of(expressions, mutated(), token_rows))
def test_python_reads_the_same_tree_or_both_reject(text: str) -> None:
    tree, faults = parse(text)
    found = None if faults else shape(tree)
    assert found == python_shape(text)
