"""The tables about our own modules are true."""

from __future__ import annotations

import importlib

import pytest

from selinon_core.lint.code import shipped_modules
from selinon_core.plan import shipped


@pytest.mark.parametrize("module", shipped_modules.CLASSES)
def test_classes_are_there(module: str) -> None:
    loaded = importlib.import_module(module)
    for name in shipped_modules.CLASSES[module]:
        assert isinstance(getattr(loaded, name), type)


@pytest.mark.parametrize("module", shipped_modules.FUNCTIONS)
def test_functions_are_there(module: str) -> None:
    loaded = importlib.import_module(module)
    for name in shipped_modules.FUNCTIONS[module]:
        assert callable(getattr(loaded, name))


def test_the_base_class_of_tasks_has_no_run_to_call() -> None:
    from selinon_core.task import SelinonTask

    assert getattr(SelinonTask.run, "__isabstractmethod__", False)
    assert shipped.PREDICATES
