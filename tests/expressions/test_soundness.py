"""What the checks of expressions say is never contradicted by a value.

Where nothing is found and everything that is read is of a known type, evaluation gives a value of the type that
was worked out, or fails for a reason that types do not tell. What is found to be never or always true is that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.expressions.check import check, check_condition
from selinon_core.expressions.checking.findings import Kind
from selinon_core.expressions.evaluate import bind
from selinon_core.expressions.parser import parse
from selinon_core.expressions.types import contains
from selinon_core.expressions.values import EvaluationError
from tests.example_counts import examples
from tests.expressions.random_checks import NAMES, KnownSchemas, RandomTexts, Values
from tests.expressions.random_schemas import RandomSchemas, fits

#: Failures that types do not tell.
_OTHER_FAILURES = re.compile(
    r"is 0: nothing is divided|has \d+ items, and none at|too large|of an empty list has no value"
    r"|takes a text of digits|takes a number as text|separator of split\(\) is empty|looks for is empty"
    r"|digits of round\(\)|needs more than|are made have more than|at most \d+ levels"
)
#: Expressions of one example; an example of Hypothesis costs much more than one of them.
_EACH = 100
_seeds = given(st.integers(0, 2**32))
_many = settings(max_examples=examples(30, 100), deadline=None)


def _schemas(schemas: RandomSchemas) -> dict[str, Any]:
    return {
        name: schemas.object(closed=0.8) if schemas.random.random() < 0.8 else schemas.schema() for name in NAMES
    }


def _values(schemas: RandomSchemas, given: dict[str, Any], missing: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Values that fit, a few times; some of what may be missing is."""
    for _ in range(4):
        drawn = {name: schemas.instance(schema) for name, schema in given.items()}
        if all(fits(given[name], value) for name, value in drawn.items()):
            left_out = {name for name in missing if schemas.random.random() < 0.5}
            yield {name: value for name, value in drawn.items() if name not in left_out}


@_many
@_seeds
def test_what_is_not_found_does_not_fail(seed: int) -> None:
    random = Random(seed)
    schemas = RandomSchemas(random)
    for _ in range(_EACH):
        given = _schemas(schemas)
        missing = frozenset(name for name in NAMES[:2] if random.random() < 0.2)
        text = RandomTexts(random, given).text()
        parsed = parse(text)
        assert not parsed.faults, text
        checked = check(parsed.tree, text, KnownSchemas(given, missing))
        if checked.findings or not checked.certain:
            continue
        bound = bind(parsed.tree)
        for values in _values(schemas, given, missing):
            reason, value = _evaluated(bound, values)
            assert not reason or _OTHER_FAILURES.search(reason), (text, given, values, reason)
            assert reason or contains(checked.type, value), (text, given, values, value, checked.type)


def _evaluated(bound: Any, values: dict[str, Any]) -> tuple[str, Any]:
    try:
        return "", bound(Values(values))
    except EvaluationError as error:
        return error.message, None


@_many
@_seeds
def test_what_is_never_or_always_true_is_that(seed: int) -> None:
    random = Random(seed)
    schemas = RandomSchemas(random)
    for _ in range(_EACH):
        given = _schemas(schemas)
        texts = RandomTexts(random, given)
        text = texts.test(0) if random.random() < 0.5 else f"has({texts.any_path()})"
        parsed = parse(text)
        found = check_condition(parsed.tree, text, KnownSchemas(given)).findings
        said = [finding.reason for finding in found if finding.kind is Kind.CONSTANT]
        if not said or text.startswith("not "):
            continue
        bound = bind(parsed.tree)
        for values in _values(schemas, given, frozenset()):
            reason, value = _evaluated(bound, values)
            assert reason or said == ["always" if value else "never"], (text, given, values, value)


#: What is worked out in some runs only, or for some items only; ``has`` looks no further than a missing value.
_NOT_ALWAYS = re.compile(r" (and|or|if|for) |(default|has)\(")


@_many
@_seeds
def test_what_is_certainly_wrong_fails(seed: int) -> None:
    """Other than items of a list, which may be empty."""
    random = Random(seed)
    schemas = RandomSchemas(random)
    for _ in range(_EACH):
        given = _schemas(schemas)
        text = RandomTexts(random, given).text(random.choice((0, 1, 2)))
        if _NOT_ALWAYS.search(text):
            continue
        parsed = parse(text)
        found = check(parsed.tree, text, KnownSchemas(given)).findings
        wrong = [
            finding.message
            for finding in found
            if finding.certain
            and finding.kind in (Kind.UNKNOWN_FIELD, Kind.WRONG_TYPE, Kind.NOT_BOOLEAN)
            and not finding.message.startswith("items of ")
        ]
        if not wrong:
            continue
        bound = bind(parsed.tree)
        for values in _values(schemas, given, frozenset()):
            reason, value = _evaluated(bound, values)
            assert reason, (text, given, values, value, wrong)
