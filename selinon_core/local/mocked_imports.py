"""Imports with stand-ins: functions that are mocked, and those that cannot be imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from selinon_core.cases.model import FunctionMock
from selinon_core.errors import ConfigurationError
from selinon_core.plan import ImportRef
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.json_values import copy_json


class FunctionCalls:
    """What functions that stand in for others did in one run: calls of mocks by name, uses of defaults."""

    __slots__ = ("defaulted", "mocked")

    def __init__(self) -> None:
        self.mocked: dict[str, int] = {}
        self.defaulted: list[ImportRef] = []


class MockedImports(Imports):
    """Imports with stand-ins: functions that are mocked, and with ``lenient`` those that cannot be imported.

    ``warnings`` has one text for each function that got a default: a predicate is false, a foreach yields
    nothing, a selective run function says to run, a strategy is the default one. ``calls`` is that of the run
    that began last. ``lenient``: see above. ``variables``: environment variables that the shipped predicates see
    instead of those of the process, None for one that is not set.
    """

    def __init__(
        self,
        pythonpath: tuple[str, ...],
        functions: Mapping[str, FunctionMock],
        lenient: bool,
        variables: Mapping[str, str | None],
    ) -> None:
        super().__init__(pythonpath)
        self._variables = variables
        self._functions = functions
        self.lenient = lenient
        self._warnings: dict[ImportRef, str] = {}
        self.calls = FunctionCalls()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was used instead of functions that could not be imported, one text for each."""
        return tuple(self._warnings.values())

    def is_mocked(self, ref: ImportRef) -> bool:
        """Whether a mock gives the values of a function."""
        return str(ref) in self._functions

    def begin_run(self) -> FunctionCalls:
        """Count calls from the beginning, for a new run."""
        self.calls = FunctionCalls()
        return self.calls

    def predicate(self, ref: ImportRef) -> Callable[..., Any]:
        """The predicate, its mock, or one that is false; one that looks at the variables of the case."""
        found = self._function(ref, super().predicate, False, "is false")
        if not self._variables or str(ref) in self._functions:
            return found
        from selinon_core.plan.variables import reads_variable

        if not reads_variable(ref):
            return found

        def looking(env: Any, **value: Any) -> Any:
            if not isinstance(env, str) or env not in self._variables:
                return found(env=env, **value)
            text = self._variables[env]
            return text is not None and (ref.name == "envExist" or text == value.get("value"))

        return looking

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
        name = str(ref)
        if name in self._functions:
            values = self._functions[name].values
            last = len(values) - 1

            def mocked(*args: Any, **kwargs: Any) -> Any:
                calls = self.calls.mocked
                count = calls.get(name, 0)
                calls[name] = count + 1
                return copy_json(values[min(count, last)])

            return mocked
        try:
            return load(ref)
        except ConfigurationError as error:
            if not self.lenient:
                raise
            self._warnings[ref] = f"{error}; without a mock {ref} {means}"

            def defaulted(*args: Any, **kwargs: Any) -> Any:
                self.calls.defaulted.append(ref)
                return default

            return defaulted
