"""Errors as JSON and back."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.errors import FatalTaskError, Retry
from selinon_core.runtime.error_codec import RemoteError, error_json, rebuild_error

ERRORS: list[Exception] = [
    ValueError("plain"),
    KeyError("x"),
    OSError(2, "No such file"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    FatalTaskError("no use"),
    Retry(5),
    StopIteration(3),
    type("Their own", (Exception,), {})("odd name"),
    type("Theirs", (Exception,), {"__init__": lambda self, one, two: None})(1, 2),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_that_was_elsewhere_tells_the_same_again(error: Exception) -> None:
    told = error_json(error)
    rebuilt = rebuild_error(told["type"], told["message"], told["traceback"])
    again = error_json(rebuilt)
    assert again["message"] == told["message"]
    assert again["traceback"] == told["traceback"]
    assert again["type"] == (told["type"] if told["type"].isidentifier() else "RemoteError")


@pytest.mark.parametrize("known", [ValueError, KeyError, OSError, FatalTaskError])
def test_known_classes_can_be_caught(known: type[Exception]) -> None:
    assert isinstance(rebuild_error(known.__name__, "x"), known)


@pytest.mark.parametrize("name", ["Retry", "KeyboardInterrupt", "SystemExit", "os", "print", "", "a b"])
def test_what_is_no_error_or_would_steer_the_run_is_only_told(name: str) -> None:
    assert type(rebuild_error(name, "x")).__bases__ == (RemoteError,)


def raised(make: Any) -> BaseException:
    try:
        make()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def test_groups_causes_and_contexts_are_reported() -> None:
    def make() -> None:
        try:
            raise KeyError("first")
        except KeyError:
            raise ExceptionGroup("several", [ValueError("one"), TypeError("two")])  # noqa: B904

    traceback = error_json(raised(make))["traceback"]
    for part in ("KeyError: 'first'", "ValueError: one", "TypeError: two", "During handling"):
        assert part in traceback


def test_a_deep_recursion_is_told_shortly() -> None:
    def deeper(n: int) -> None:
        deeper(n + 1)

    assert len(error_json(raised(lambda: deeper(0)))["traceback"].splitlines()) < 40
