"""How ``run`` is called: by position, by name, with types; results become JSON again."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypedDict

import msgspec
import pydantic
import pytest

from selinon_core.errors import ArgumentError, ConfigurationError, SchemaMismatchError
from selinon_core.plan import TaskPlan
from selinon_core.runtime.task_calls import TaskCalls
from selinon_core.runtime.task_runner import Assignment, Attempt, Failed, RetryLater, Succeeded, TaskRunner
from tests.local.trying import build


def attempt(run: Any, args: Any, *, typed: bool = False, **task: Any) -> Attempt:
    """One attempt of a task A with this ``run``."""
    plan = build({"f": "-> A"}, tasks={"A": {"storage": None, **task}})
    declared: TaskPlan = plan.tasks["A"]

    class Task:
        def __init__(self, **about: Any) -> None:
            pass

    Task.run = run  # type: ignore[attr-defined]

    class Imports:
        def task_class(self, ref: Any) -> Any:
            return Task

    runner = TaskRunner(Imports(), None, None, lambda task, result: None, typed=typed)  # type: ignore[arg-type]
    return runner.run(declared, Assignment("f", "1", "2", args, {}, {}, 1, 0))


def result_of(run: Any, args: Any, *, typed: bool = False) -> Any:
    ended = attempt(run, args, typed=typed)
    assert isinstance(ended, Succeeded), ended
    return ended.result


def error_of(run: Any, args: Any, *, typed: bool = False, **task: Any) -> BaseException:
    ended = attempt(run, args, typed=typed, **task)
    assert isinstance(ended, Failed), ended
    return ended.error


# --- by name ------------------------------------------------------------------------------------------------


def by_name(self: Any, *, number: int, lines: Any = ()) -> Any:
    return [number, lines]


async def by_name_later(self: Any, *, number: int) -> Any:
    return number


def with_more(self: Any, *, number: int, **more: Any) -> Any:
    return [number, more]


def all_of_them(self: Any, **args: Any) -> Any:
    return args


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


@pytest.mark.parametrize(
    ("run", "args", "result"),
    [
        (by_name, {"number": 1, "lines": [2]}, [1, [2]]),
        (by_name, {"number": 1}, [1, ()]),
        (by_name_later, {"number": 1}, 1),
        (with_more, {"number": 1, "a": 2}, [1, {"a": 2}]),
        (all_of_them, {"a": 2}, {"a": 2}),
        (all_of_them, None, {}),
        (decorated(by_name), {"number": 1}, [1, ()]),
        (lambda self, node_args: node_args, {"number": 1}, {"number": 1}),
        (lambda self, node_args, *, more=3: [node_args, more], {"more": 1}, [{"more": 1}, 3]),
        (lambda self, *args: list(args), {"a": 1}, [{"a": 1}]),
        (staticmethod(lambda *, a: a), {"a": 1}, 1),
        (classmethod(lambda cls, *, a: a), {"a": 1}, 1),
    ],
)
def test_run_is_called_by_name_when_it_takes_nothing_by_position(run: Any, args: Any, result: Any) -> None:
    assert result_of(run, args) == result


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([1], "run of A takes its arguments by name (number, lines), so they have to be an object, not a list"),
        (None, "run of A takes its arguments by name (number, lines), so they have to be an object, not null"),
        ("x", "run of A takes its arguments by name (number, lines), so they have to be an object, not a text"),
        ({"lines": []}, 'run of A needs the argument "number", which the arguments do not have'),
        ({"nmber": 1}, 'run of A does not take the argument "nmber"; did you mean "number"?'),
        (
            {"number": 1, "x": 1, "y": 2},
            'run of A does not take the arguments "x" and "y"; it takes number, lines',
        ),
    ],
)
def test_arguments_that_cannot_be_given_by_name_fail_the_task_at_once(args: Any, message: str) -> None:
    error = error_of(by_name, args, max_retry=3)
    assert isinstance(error, ArgumentError)
    assert str(error) == message


def test_an_error_of_the_task_itself_stays_what_it_is() -> None:
    def run(self: Any, *, number: int) -> None:
        raise TypeError("of the task")

    assert str(error_of(run, {"number": 1})) == "of the task"
    assert isinstance(attempt(run, {"number": 1}, max_retry=1), RetryLater)


def test_what_is_known_of_a_class_is_known_for_this_class_alone() -> None:
    class One:
        def run(self, *, a: int) -> int:
            return a

    class Other(One):
        def run(self, node_args: Any) -> Any:  # type: ignore[override]
            return node_args

    calls = TaskCalls()
    assert calls.call(One(), "A", {"a": 1}) == 1
    assert calls.call(Other(), "A", {"a": 1}) == {"a": 1}


# --- with types ---------------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Line:
    item: str
    count: int = 1


class Address(TypedDict):
    city: str


class Point(NamedTuple):
    x: int
    y: int = 0


class Parcel(msgspec.Struct):
    lines: list[Line]
    day: datetime.date | None = None


class Order(pydantic.BaseModel):
    number: int
    lines: list[str] = []


@dataclasses.dataclass
class Shipment:
    order: Order


def typed_run(annotation: Any) -> Any:
    """A ``run`` that returns what it gets, and whether its type is the one annotated."""

    def run(self: Any, *, value: Any) -> Any:
        return {"is": type(value).__name__, "value": value}

    run.__annotations__["value"] = annotation
    return run


@pytest.mark.parametrize(
    ("annotation", "value", "is_", "back"),
    [
        (int, 1, "int", 1),
        (list[Line], [{"item": "a"}], "list", [{"item": "a", "count": 1}]),
        (Line | None, None, "NoneType", None),
        (Address, {"city": "x"}, "dict", {"city": "x"}),
        (Point, [1, 2], "Point", [1, 2]),
        (Parcel, {"lines": [], "day": "2024-01-31"}, "Parcel", {"lines": [], "day": "2024-01-31"}),
        (Colour, "red", "Colour", "red"),
        (Literal["a", "b"], "a", "str", "a"),
        (dict[int, str], {"1": "a"}, "dict", {"1": "a"}),
        (tuple[int, str], [1, "a"], "tuple", [1, "a"]),
        (Order, {"number": 1}, "Order", {"number": 1, "lines": []}),
        (list[Order], [{"number": 1}], "list", [{"number": 1, "lines": []}]),
        (Shipment, {"order": {"number": 1}}, "Shipment", {"order": {"number": 1, "lines": []}}),
        (Any, {"a": 1}, "dict", {"a": 1}),
        (datetime.datetime, "2024-01-31T10:00:00", "datetime", "2024-01-31T10:00:00"),
    ],
)
def test_arguments_become_what_run_is_annotated_with_and_results_json(
    annotation: Any, value: Any, is_: str, back: Any
) -> None:
    run = typed_run(annotation)
    assert result_of(run, {"value": value}, typed=True) == {"is": is_, "value": back}
    assert result_of(run, {"value": value}) == {"is": type(value).__name__, "value": value}  # without the setting


def test_one_value_with_an_annotation_is_converted_too() -> None:
    def run(self: Any, node_args: Parcel) -> Any:
        return node_args

    assert result_of(run, {"lines": [{"item": "a"}]}, typed=True) == {
        "lines": [{"item": "a", "count": 1}],
        "day": None,
    }
    error = error_of(run, {"lines": [{"item": 1}]}, typed=True)
    assert isinstance(error, SchemaMismatchError)
    assert str(error) == "the arguments of A do not fit Parcel: Expected `str`, got `int` - at `$.lines[0].item`"


def test_a_coroutine_gets_and_gives_typed_values() -> None:
    async def run(self: Any, *, line: Line) -> Line:
        return Line(line.item, line.count + 1)

    assert result_of(run, {"line": {"item": "a"}}, typed=True) == {"item": "a", "count": 2}


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (int, "1", 'the argument "value" of A does not fit int: Expected `int`, got `str`'),
        (
            list[Line],
            [{"item": "a", "count": "x"}],
            "Expected `int`, got `str` - at `$[0].count`",
        ),
        (Order, {"number": "x"}, "Input should be a valid integer"),
        (list[Order], [{"number": 1}, {}], "Field required - at `$[1].number`"),
        (Shipment, {"order": {"number": "x"}}, "Input should be a valid integer"),
    ],
)
def test_arguments_that_do_not_fit_say_where(annotation: Any, value: Any, message: str) -> None:
    error = error_of(typed_run(annotation), {"value": value}, typed=True)
    assert isinstance(error, SchemaMismatchError)
    assert message in str(error)


def test_a_type_that_json_has_no_values_of_is_a_mistake_of_the_configuration() -> None:
    error = error_of(typed_run(subprocess.Popen), {"value": 1}, typed=True, max_retry=3)
    assert isinstance(error, ConfigurationError)


def test_an_annotation_that_names_nothing_is_a_mistake_of_the_configuration() -> None:
    error = error_of(typed_run("Nowhere"), {"value": 1}, typed=True, max_retry=3)
    assert isinstance(error, ConfigurationError)
    assert "an annotation of run of A cannot be used: NameError" in str(error)


def test_a_result_that_is_not_json_does_not_fit() -> None:
    error = error_of(lambda self, node_args: object(), None, typed=True)
    assert isinstance(error, SchemaMismatchError)
    assert str(error).startswith("the result of A is not JSON: ")


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgspec", None)
    monkeypatch.delitem(sys.modules, "selinon_core.runtime.typed_values", raising=False)
    error = error_of(typed_run(int), {"value": 1}, typed=True)
    assert str(error) == "typed_tasks needs: pip install 'selinon[typed]'"


def test_without_the_setting_msgspec_is_not_imported() -> None:
    program = (
        "import sys; from selinon_core.runtime.task_runner import TaskRunner; "
        "print('msgspec' in sys.modules, 'pydantic' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]
