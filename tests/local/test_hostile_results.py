"""Results from outside are data: no key, size or depth of them does more than make the node that reads it fail."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.trying import build, node, play

_EVIL: dict[str, Any] = {
    "__class__": {"__init__": {"__globals__": "${args}"}},
    "__getattr__": "${A.__class__}",
    "then": "{{ 7 * 7 }}",
    "": None,
    "items": "not a method",
}


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def _run(result: Any, args: Any, condition: str = "true") -> Any:
    plan = build({"f": ["-> A", ("A -> B", {"condition": condition, "args": args})]})
    return play(plan, does={"A": lambda task, given: result, "B": lambda task, given: given})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("A.__class__", _EVIL["__class__"]),
        ("A.__class__.__init__.__globals__", "${args}"),
        ("A.items", "not a method"),
        ("A['']", None),
        ("len(A)", 5),
        ("has(A.__init__) or has(A.__dict__) or has(A.keys)", False),
        ("keys(A)[0]", "__class__"),
    ],
)
def test_names_of_python_are_keys(expression: str, value: Any) -> None:
    run = _run(_EVIL, {"v": f"${{{expression}}}"})
    assert node(run, "B")["node_args"] == {"v": value}


@pytest.mark.parametrize("expression", ["A.__init__", "A.keys", "A.__class__.__mro__"])
def test_attributes_of_python_are_missing(expression: str) -> None:
    error = node(_run(_EVIL, {"v": f"${{{expression}}}"}), "B")["error"]
    assert error["type"] == "ArgumentError"
    assert "__globals__" not in error["message"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"length": "${len(A)}"}, ""),
        ({"v": "${A}", "length": "${len(A)}"}, "10000002 bytes of JSON are too many"),
        ({"v": "${A + A}"}, "more than 1,048,576 characters"),
    ],
)
def test_a_long_text_can_be_asked_and_stays_out_of_arguments_and_messages(
    args: dict[str, str], message: str
) -> None:
    run = _run("x" * 10_000_000, args, 'A != "" and not ("y" in A)')
    made = node(run, "B")
    if not message:
        assert made["node_args"] == {"length": 10_000_000}
    else:
        assert made["error"]["type"] == "ArgumentError"
        assert message in made["error"]["message"]
        assert len(made["error"]["message"]) < 500


def test_what_is_nested_deeply_fails_one_node() -> None:
    for levels in (60, 5_000, 50_000):
        run = _run(_nested(levels), {"v": "${A == A}", "n": "${len(A)}"}, "A == A")
        assert run.status in ("success", "failure")
        errors = [one["error"]["type"] for one in run.nodes if one["error"]]
        assert errors in ([], ["StorageError"], ["ArgumentError"], ["SerializationError"], ["ResultError"]), errors
