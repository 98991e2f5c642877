"""Errors of tasks travel as text and come back as exceptions, without anything being imported or run."""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import Any

import pytest

from selinon_core.errors import FatalTaskError
from selinon_core.runtime.error_codec import RemoteError, decode_error, encode_error


class Refused(ValueError):
    """A user's error, with a constructor of its own."""

    made = 0

    def __init__(self, account: str, amount: int) -> None:
        super().__init__(f"{account} has not {amount}")
        Refused.made += 1


class Silent(Exception):
    def __str__(self) -> str:
        return f"needs {self.attribute}"  # type: ignore[attr-defined]


def sent(error: Exception) -> BaseException:
    try:
        raise error
    except Exception as raised:
        return decode_error(encode_error(raised))


@pytest.mark.parametrize("error", [ValueError("no"), FatalTaskError("never"), OSError("disk")])
def test_known_classes(error: Exception) -> None:
    back = sent(error)
    assert (type(back), str(back)) == (type(error), str(error))
    assert "Traceback" in back.remote_traceback  # type: ignore[attr-defined]


def test_a_class_that_this_process_has_imported() -> None:
    error = Refused("ada", 5)
    made = Refused.made
    back = sent(error)
    assert type(back) is Refused
    assert str(back) == "ada has not 5"
    assert Refused.made == made


def test_a_class_that_it_has_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps({"type": "Gone", "message": "m", "traceback": "", "module": "tests.celery.not_there"})
    back = decode_error(text)
    assert (type(back).__name__, str(back)) == ("Gone", "m")
    assert isinstance(back, RemoteError)
    assert "tests.celery.not_there" not in sys.modules


def test_nothing_of_a_module_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("careless")
    module.__getattr__ = lambda name: pytest.fail("asked")
    module.Function = lambda *args: pytest.fail("called")
    monkeypatch.setitem(sys.modules, "careless", module)
    for name in ("Function", "Missing", "__class__"):
        back = decode_error(json.dumps({"type": name, "message": "m", "traceback": "", "module": "careless"}))
        assert isinstance(back, RemoteError)


def test_a_class_whose_text_needs_more() -> None:
    error = Silent()
    error.attribute = "x"  # type: ignore[attr-defined]
    back = sent(error)
    assert (type(back).__name__, str(back)) == ("Silent", "needs x")


@pytest.mark.parametrize("told", [{}, {"type": 5, "message": None, "module": []}, {"type": "a b", "module": "os"}])
def test_odd_texts(told: dict[str, Any]) -> None:
    assert isinstance(decode_error(json.dumps(told)), Exception)


def test_an_error_that_went_through_a_process_that_does_not_know_it() -> None:
    text = json.dumps({"type": "Gone", "message": "m", "traceback": "t", "module": "tests.celery.not_there"})
    again = json.loads(encode_error(decode_error(text)))
    assert again == json.loads(text)


def test_a_key_error_can_be_caught_as_one() -> None:
    back = sent(KeyError("x"))
    assert isinstance(back, KeyError)
    assert str(back) == "'x'"
