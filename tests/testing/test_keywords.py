"""Expressions of ``-k`` select as pytest's do; what is none is refused with a reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core.errors import RequestError
from selinon_core.testing.keywords import keyword_expression

WORDS = ("order.flowtest.yaml", "a gift is not charged", "shop")


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("gift", True),
        ("GIFT", True),
        ("gif", True),
        ("refund", False),
        ("gift and shop", True),
        ("gift and refund", False),
        ("refund or shop", True),
        ("not refund", True),
        ("not gift or shop", True),
        ("not (gift or shop)", False),
        ("refund or gift and shop", True),
        ("not not gift", True),
        ("'not charged'", True),
        ('"is refunded"', False),
        ("notable", False),
        ("order.flowtest.yaml", True),
    ],
)
def test_words_and_their_combinations(expression: str, holds: bool) -> None:
    assert keyword_expression(expression)(WORDS) is holds


@pytest.mark.parametrize(
    "expression", ["and", "gift and", "(gift", "gift)", "gift shop", "'gift", "or gift", "", "not"]
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(RequestError, match="-k"):
        keyword_expression(expression)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(RequestError, match="nested too deeply"):
        keyword_expression("not " * 5000 + "gift")


@given(st.text(max_size=30))
def test_whatever_the_text_there_is_an_answer_or_a_request_error(text: str) -> None:
    try:
        holds = keyword_expression(text)
    except RequestError:
        return
    assert holds(WORDS) in (True, False)
