"""Conditions as people read them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core.diagnostics.location import Place
from selinon_core.plan import And, Condition, Expression, ImportRef, Leaf, Not, Or
from selinon_core.plan import Test as Expressed
from selinon_core.plan.condition_text import condition_text, constant_truth, wrap_condition
from selinon_core.plan.text_wrap import printable, wrap_name, wrap_text


def leaf(name: str, node: str | tuple[str, ...] | None = None, quantifier: str | None = None, **args: Any) -> Leaf:
    path = (node,) if isinstance(node, str) else node
    return Leaf(ImportRef("some.module", name), path, args, quantifier, Place("f.yaml", 1, 1))


def expressed(text: str) -> Expressed:
    return Expressed(Expression(text, Place("f.yaml", 1, 1)))


COUNT = leaf("fieldGreater", "A", key="count", value=3)
ARCHIVED = leaf("fieldEqual", "A", key="archived", value=True)
CUSTOM = leaf("isReady", "A", level=2, kinds=["a"])


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (None, "always"),
        (expressed("A.count>3"), "A.count > 3"),
        (Not(expressed("A.count > 3")), "not (A.count > 3)"),
        (Not(expressed("A.archived")), "not A.archived"),
        (Not(Not(expressed("A.archived"))), "A.archived"),
        (And((expressed("A.x"), Or((expressed("A.y"), COUNT)))), "A.x and (A.y or count > 3)"),
        (And((expressed("A.x if A.y else A.z"), ARCHIVED)), "(A.x if A.y else A.z) and archived == true"),
        (Not(expressed("A.x if A.y else A.z")), "not (A.x if A.y else A.z)"),
        (expressed("any(one.ok and one.new for one in A.lines)"), "any(one.ok and one.new for one in A.lines)"),
        (expressed('A.name == "\u202e"'), 'A.name == "\\u202e"'),
        (And((COUNT, Not(ARCHIVED))), "count > 3 and not archived"),
        (leaf("fieldLenGreaterEqual", "A", key="items", length=2), "len(items) >= 2"),
        (leaf("isDict", "A"), "result is a dict"),
        (Not(leaf("isNone", "A")), "result is not null"),
        (leaf("argsFieldEqual", key="solver", value=True), "args.solver == true"),
        (leaf("argsIsList"), "args is a list"),
        (leaf("argsEmpty"), "args is empty"),
        (leaf("empty", "A"), "result is empty"),
        (
            leaf("httpStatus", host="recipes.lan", path="recipes/pie.html", status=200),
            "HTTP HEAD recipes.lan/recipes/pie.html is 200",
        ),
        (leaf("httpStatus", host="https://x.org/", path="/a", status=404), "HTTP HEAD https://x.org/a is 404"),
        (leaf("envExist", env="STAGE"), "$STAGE is set"),
        (Not(leaf("envEqual", env="STAGE", value="x")), 'not ($STAGE == "x")'),
        (leaf("alwaysTrue"), "always"),
        (Not(leaf("alwaysTrue")), "never"),
        (leaf("fieldExist", "A", key=["a", "b", 0, "c d"]), 'a.b[0]["c d"] exists'),
        (Not(leaf("fieldExist", "A", key="a")), "a does not exist"),
        (leaf("fieldContain", "A", key="tags", value="x"), '"x" in tags'),
        (Not(leaf("fieldContain", "A", key="tags", value="x")), '"x" not in tags'),
        (leaf("fieldUrlScheme", "A", key="url", scheme="https"), 'scheme of url is "https"'),
        (leaf("fieldNone", "A", key="x"), "x is null"),
        (Not(leaf("fieldInt", "A", key="x")), "x is not an int"),
        (Not(COUNT), "not (count > 3)"),
        (Not(Not(COUNT)), "count > 3"),
        (CUSTOM, 'isReady(level=2, kinds=["a"])'),
        (Not(CUSTOM), 'not isReady(level=2, kinds=["a"])'),
        (Or((COUNT, And((CUSTOM, ARCHIVED)))), 'count > 3 or isReady(level=2, kinds=["a"]) and archived == true'),
        (And((Or((COUNT, ARCHIVED)), COUNT)), "(count > 3 or archived == true) and count > 3"),
        (Not(Or((COUNT, ARCHIVED))), "not (count > 3 or archived == true)"),
        (And((COUNT,)), "count > 3"),
        (leaf("fieldEqual", "A", key="args", value=1), "result.args == 1"),
        (leaf("fieldEqual", "A", key=0, value=1), "result[0] == 1"),
        (leaf("fieldEqual", "A", key="x\n", value="\u202e<"), 'result["x\\n"] == "\\u202e<"'),
        (leaf("fieldGreater", "A", key="count"), 'fieldGreater(key="count")'),
        (leaf("fieldGreater", "A", key="count", value=1, more=2), 'fieldGreater(key="count", value=1, more=2)'),
    ],
)
def test_one_source(condition: Condition | None, text: str) -> None:
    assert condition_text(condition, ("A",)) == text


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (COUNT, "A.count > 3"),
        (leaf("isDict", "A"), "result of A is a dict"),
        (CUSTOM, 'isReady(level=2, kinds=["a"]) on A'),
        (leaf("fieldEqual", ("f", "g", "T"), key="x", value=1), "f/g/T.x == 1"),
        (leaf("fieldEqual", ("f", "T"), "any", key="x", value=1), "any f/T.x == 1"),
        (Not(leaf("fieldEqual", ("f", "T"), "all", key="x", value=1)), "not (every f/T.x == 1)"),
        (leaf("isReady", ("f", "T"), "none"), "isReady() on no f/T"),
        (leaf("argsFieldEqual", key="x", value=1), "args.x == 1"),
    ],
)
def test_several_sources(condition: Condition, text: str) -> None:
    assert condition_text(condition, ("A", "B")) == text


def test_long_values_are_shortened_on_request() -> None:
    long = leaf("fieldEqual", "A", key="x", value="y" * 100)
    assert len(condition_text(long, ("A",))) > 100
    assert condition_text(long, ("A",), limit=10) == 'x == "yyyyyyyy\u2026'


def test_wrapping_prefers_and_and_or() -> None:
    assert wrap_condition(And((COUNT, Not(ARCHIVED))), ("A",), width=20) == ("count > 3", "and not archived")
    assert wrap_condition(And((COUNT, ARCHIVED)), ("A",)) == ("count > 3 and archived == true",)
    both = Or((And((COUNT, ARCHIVED)), And((Or((COUNT, COUNT)), COUNT))))
    assert wrap_condition(both, ("A",), width=40) == (
        "count > 3 and archived == true",
        "or (count > 3 or count > 3) and count >",
        "3",
    )


leaves = st.sampled_from([COUNT, ARCHIVED, CUSTOM, leaf("alwaysTrue"), leaf("alwaysFalse")])
trees: st.SearchStrategy[Condition] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: And(tuple(each))),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: Or(tuple(each))),
    ),
    max_leaves=8,
)


@given(trees, st.integers(8, 60))
def test_wrapped_lines_hold_the_text(condition: Condition, width: int) -> None:
    lines = wrap_condition(condition, ("A",), width=width)
    assert all(0 < len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == condition_text(condition, ("A",)).replace(" ", "")


def truth(condition: Condition, values: dict[str, bool]) -> bool:
    match condition:
        case Leaf(function):
            return values[function.name]
        case Not(operand):
            return not truth(operand, values)
        case And(operands):
            return all(truth(each, values) for each in operands)
        case Or(operands):
            return any(truth(each, values) for each in operands)


@given(trees, st.booleans(), st.booleans(), st.booleans())
def test_constant_truth_holds_whatever_the_rest_says(condition: Condition, a: bool, b: bool, c: bool) -> None:
    known = constant_truth(condition)
    values = {"alwaysTrue": True, "alwaysFalse": False, "fieldGreater": a, "fieldEqual": b, "isReady": c}
    assert known is None or truth(condition, values) is known


@given(trees, st.dictionaries(st.sampled_from(["count", "archived"]), st.booleans(), min_size=2))
def test_text_means_what_the_condition_means(condition: Condition, values: dict[str, bool]) -> None:
    """Read as Python, the text has the condition's truth: parentheses are where they are needed."""
    text = condition_text(condition, ("A",))
    for shown, name in (("count > 3", "a"), ("archived == true", "b"), ("not archived", "not b")):
        text = text.replace(shown, name)
    text = text.replace('isReady(level=2, kinds=["a"])', "c").replace("always", "True").replace("never", "False")
    names = {"a": values["count"], "b": values["archived"], "c": True}
    leaves_of = {
        "alwaysTrue": True,
        "alwaysFalse": False,
        "fieldGreater": names["a"],
        "fieldEqual": names["b"],
        "isReady": True,
    }
    assert eval(text, {"__builtins__": {}}, names) is truth(condition, leaves_of)


@given(st.text(), st.integers(1, 30))
def test_wrapping_loses_nothing(text: str, width: int) -> None:
    assert "".join(wrap_name(text, width)) == text
    assert all(len(line) <= width for line in (*wrap_name(text, width), *wrap_text(text, width)))
    assert "".join(wrap_text(text, width)).replace(" ", "") == text.replace(" ", "")


def test_names_are_broken_where_words_meet() -> None:
    assert wrap_name("RetrieveProjectReadmeTask", 16) == ("RetrieveProject", "ReadmeTask")
    assert wrap_name("retrieve_project_readme", 17) == ("retrieve_project_", "readme")


@given(st.text())
def test_printable_is_printable(text: str) -> None:
    assert printable(text).isprintable()
