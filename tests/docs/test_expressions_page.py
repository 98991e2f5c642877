"""The examples on the page of expressions give what the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from selinon_core.expressions import parser
from selinon_core.expressions.evaluate import EvaluationError, bind_text
from tests.expressions.repairs import repaired
from tests.expressions.scopes import Values

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "expressions.md").read_text(encoding="utf-8")
EXAMPLES = [
    tuple(line.rsplit(" -> ", 1))
    for block in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]


def value_of(text: str) -> Any:
    [values] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    return bind_text(text)(Values(**json.loads(values)))


@pytest.mark.parametrize(("text", "said"), EXAMPLES)
def test_an_example_gives_what_the_page_says(text: str, said: str) -> None:
    kind, _, rest = said.partition(": ")
    if kind == "error":
        with pytest.raises(EvaluationError) as raised:
            value_of(text)
        assert raised.value.message == rest
    elif kind == "write":
        assert parser.parse(text).faults
        assert repaired(text) == rest
        value_of(rest)
    else:
        # By their text: 1, 1.0 and true are equal in Python.
        assert repr(value_of(text)) == repr(json.loads(said))


def test_the_grammar_of_the_page_is_that_of_the_parser() -> None:
    [grammar] = re.findall(r"```\n(expression = .*?)```", PAGE, re.DOTALL)
    lines = [line.strip() for line in grammar.strip().splitlines()]
    documented = [line.strip() for line in (parser.__doc__ or "").splitlines()]
    assert lines == [line for line in documented if line in lines]
    assert len(lines) == sum("=" in line.split('"')[0] or line.startswith("|") for line in documented)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 30
