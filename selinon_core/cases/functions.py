"""What the value of a mocked function means, which depends on what the function is for."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from selinon_core.cases.model import FunctionMock
from selinon_core.plan import Plan
from selinon_core.plan.functions import foreach_functions


def call_by_call(
    functions: Mapping[str, FunctionMock], plan: Plan, many: Collection[str] | None = None
) -> dict[str, FunctionMock]:
    """The mocks with a list taken as one value a call, but for foreach functions, which return lists.

    ``many``: the foreach functions of the plan, where the caller knows them.
    """
    if many is None:
        many = foreach_functions(plan) if functions else ()
    return {name: mock if name in many else _taken_apart(mock) for name, mock in functions.items()}


def _taken_apart(mock: FunctionMock) -> FunctionMock:
    value = mock.values[0]
    is_list = len(mock.values) == 1 and isinstance(value, list) and len(value) > 0
    return mock._replace(values=tuple(value)) if is_list else mock
