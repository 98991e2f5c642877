"""Scripted outcomes of tasks and user functions, so that a flow can be tried without their code."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from selinon_core import errors
from selinon_core.diagnostics.wording import hint
from selinon_core.errors import ConfigurationError, FatalTaskError, Retry, SchemaMismatchError
from selinon_core.plan import Condition, ImportRef, Leaf, Not, Plan, TaskPlan
from selinon_core.runtime.error_codec import rebuild_error
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.json_values import copy_json, describe_json_error

_KINDS = ("result", "error", "fatal", "retry")
#: Stands for a result that the mocks do not give: the least value that fits the task's schema.
UNGIVEN = object()


class InjectedFailure(errors.SelinonException):
    """Raised by a task that was asked to fail (``--fail``)."""


class Outcome(NamedTuple):
    """What an attempt does: ``kind`` is ``result``, ``error``, ``fatal`` or ``retry``; ``after`` is seconds."""

    kind: str
    value: Any
    after: float

    def error(self) -> BaseException:
        """The exception of an outcome that is not a result."""
        if self.kind == "retry":
            return Retry(self.value)
        if self.kind == "fatal":
            return FatalTaskError(str(self.value))
        name, colon, message = str(self.value).partition(":")
        name = name.strip()
        if name.isidentifier() and (colon or not name.islower()):
            return rebuild_error(name, message.strip())
        return RuntimeError(str(self.value))


class Mocks(NamedTuple):
    """Outcomes per task, in order of attempts and visits (the last one repeats), and values of functions."""

    tasks: Mapping[str, tuple[Outcome, ...]] = {}
    functions: Mapping[str, Any] = {}

    @classmethod
    def from_mapping(cls, data: Any, source: str = "mocks") -> Mocks:
        """Read the content of a mocks file: tasks at the top level or under ``tasks``, and ``functions``.

        Raises ``ConfigurationError`` naming ``source`` and the place in it.
        """
        if data is None:
            return cls()
        if not isinstance(data, Mapping):
            raise ConfigurationError(f"{source}: expected a mapping of tasks, got {_kind(data)}")
        functions = data.get("functions") or {}
        if not isinstance(functions, Mapping):
            raise ConfigurationError(f"{source}: functions: expected a mapping, got {_kind(functions)}")
        listed = data.get("tasks") or {}
        if not isinstance(listed, Mapping):
            raise ConfigurationError(f"{source}: tasks: expected a mapping, got {_kind(listed)}")
        scripts = {**{k: v for k, v in data.items() if k not in ("tasks", "functions")}, **listed}
        tasks = {str(name): _outcomes(script, f"{source}: {name}") for name, script in scripts.items()}
        values = {str(name): _json(value, f"{source}: functions: {name}") for name, value in functions.items()}
        return cls(tasks, values)

    def with_results(self, results: Mapping[str, Any]) -> Mocks:
        """These mocks and, for each task named, one result that takes precedence.

        Raises ``ConfigurationError`` for a result that is not JSON.
        """
        given = {
            name: (Outcome("result", _json(value, f"mocks: {name}: the result"), 0.0),)
            for name, value in results.items()
        }
        return self._replace(tasks={**self.tasks, **given})

    def check(self, plan: Plan, check_schema: Callable[[TaskPlan, Any], None]) -> None:
        """Hold the mocks against the plan: only known tasks and functions, only results that fit their schema.

        Raises ``ConfigurationError`` naming the first one that is wrong.
        """
        for name, script in self.tasks.items():
            task = plan.tasks.get(name)
            if task is None:
                raise ConfigurationError(
                    f'a mock is given for "{name}", but no task has this name{hint(name, plan.tasks)}'
                )
            for outcome in script:
                if outcome.kind == "result" and task.output_schema is not None and outcome.value is not UNGIVEN:
                    try:
                        check_schema(task, outcome.value)
                    except SchemaMismatchError as error:
                        raise ConfigurationError(f"the mock of {name} is not realistic: {error}") from None

        known = _functions(plan) if self.functions else ()
        for name in self.functions:
            if name not in known:
                raise ConfigurationError(
                    f'a mock is given for the function "{name}", but no flow or task names it{hint(name, known)}'
                )


def _functions(plan: Plan) -> set[str]:
    """The functions of the project that can be mocked, as ``module.name``."""
    refs = [task.selective_run_function for task in plan.tasks.values() if task.selective_run_function is not None]
    conditions: list[Condition | None] = []
    for flow in plan.flows.values():
        refs.append(flow.sampling.function)
        refs += [edge.foreach.function for edge in flow.edges if edge.foreach is not None]
        conditions += [edge.condition for edge in flow.edges]
        conditions += [failure.condition for failure in flow.failures]
    while conditions:
        condition = conditions.pop()
        if isinstance(condition, Leaf):
            refs.append(condition.function)
        elif isinstance(condition, Not):
            conditions.append(condition.operand)
        elif condition is not None:
            conditions += condition.operands
    return {str(ref) for ref in refs}


def _outcomes(script: Any, where: str) -> tuple[Outcome, ...]:
    scripts = script if isinstance(script, list) else [script]
    if not scripts:
        raise ConfigurationError(f"{where}: the list of outcomes is empty")
    return tuple(_outcome(one, where) for one in scripts)


def _outcome(script: Any, where: str) -> Outcome:
    if not isinstance(script, Mapping):
        raise ConfigurationError(
            f"{where}: expected an outcome like {{result: 1}} or {{error: 'ValueError: no'}}, got {_kind(script)}"
        )
    unknown = [key for key in script if key not in (*_KINDS, "after")]
    kinds = [kind for kind in _KINDS if kind in script]
    if unknown or len(kinds) > 1:
        raise ConfigurationError(
            f"{where}: expected one of {', '.join(_KINDS)}, and beside it after; got {', '.join(map(str, script))}"
        )
    after = _seconds(script.get("after", 0), f"{where}: after")
    if not kinds:
        return Outcome("result", UNGIVEN, after)
    kind, value = kinds[0], script[kinds[0]]
    if kind == "retry":
        value = _seconds(value, f"{where}: retry")
    elif kind == "result":
        value = _json(value, f"{where}: the result")
    elif not isinstance(value, str):
        raise ConfigurationError(f"{where}: {kind}: expected text, got {_kind(value)}")
    return Outcome(kind, value, after)


def _json(value: Any, what: str) -> Any:
    try:
        return copy_json(value)
    except (TypeError, ValueError, RecursionError):
        text = f"{what} is not a JSON value: {describe_json_error(value)} (a date? quote it)"
        raise ConfigurationError(text) from None


def _seconds(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ConfigurationError(f"{where}: expected seconds, got {value!r}")
    return float(value)


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", type(None): "nothing"}
    return names.get(type(value), f"{value!r}")


class TaskScripts:
    """Which outcome the next attempt of a task has; None: run its code."""

    def __init__(self, mocks: Mocks | None, mock_all: bool, fail: Mapping[str, int | None]) -> None:
        self._scripts = dict(mocks.tasks) if mocks is not None else {}
        self._mock_all = mock_all
        self._fail = dict(fail)
        self._visits: dict[str, int] = {}
        #: True when every task runs its own code, so that callers can skip ``next``
        self.empty = not (self._scripts or mock_all or fail)

    def next(self, task_name: str) -> Outcome | BaseException | None:
        """The outcome of the next attempt, or the failure that was asked for."""
        visit = self._visits.get(task_name, 0)
        self._visits[task_name] = visit + 1
        if task_name in self._fail:
            times = self._fail[task_name]
            if times is None or visit < times:
                return InjectedFailure(f"attempt {visit + 1} of {task_name} was asked to fail")
        script = self._scripts.get(task_name)
        if script is not None:
            return script[min(visit, len(script) - 1)]
        return Outcome("result", UNGIVEN, 0.0) if self._mock_all else None


class MockedImports(Imports):
    """Imports with stand-ins: functions that are mocked, and with ``lenient`` those that cannot be imported.

    ``warnings`` has one text for each function that got a default: a predicate is false, a foreach yields
    nothing, a selective run function says to run, a strategy is the default one.
    """

    def __init__(self, pythonpath: tuple[str, ...], functions: Mapping[str, Any], lenient: bool) -> None:
        super().__init__(pythonpath)
        self._functions = functions
        self._lenient = lenient
        self._warnings: dict[ImportRef, str] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was used instead of functions that could not be imported, one text for each."""
        return tuple(self._warnings.values())

    @property
    def defaulted(self) -> frozenset[ImportRef]:
        """The functions that could not be imported and have no mock, as far as they were needed."""
        return frozenset(self._warnings)

    def predicate(self, ref: ImportRef) -> Callable[..., Any]:
        """The predicate, its mock, or one that is false."""
        return self._function(ref, super().predicate, False, "is false")

    def foreach(self, ref: ImportRef) -> Callable[..., Any]:
        """The foreach function, its mock, or one that yields nothing."""
        return self._function(ref, super().foreach, None, "yields nothing")

    def selective(self, ref: ImportRef) -> Callable[..., Any]:
        """The selective run function, its mock, or one that says to run."""
        return self._function(ref, super().selective, None, "runs the task")

    def strategy(self, ref: ImportRef) -> Callable[..., Any]:
        """The strategy, its mock, or one that waits two seconds."""
        return self._function(ref, super().strategy, 2.0, "is the default")

    def _function(
        self, ref: ImportRef, load: Callable[[ImportRef], Callable[..., Any]], default: Any, means: str
    ) -> Callable[..., Any]:
        if str(ref) in self._functions:
            mocked = self._functions[str(ref)]
            return lambda *args, **kwargs: copy_json(mocked)
        try:
            return load(ref)
        except ConfigurationError as error:
            if not self._lenient:
                raise
            self._warnings[ref] = f"{error}; without a mock {ref} {means}"
            return lambda *args, **kwargs: default
