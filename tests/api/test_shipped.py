"""The literal tables agree with the functions and classes they describe."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

from selinon_core import caches, predicates, strategies
from selinon_core.cache import Cache
from selinon_core.lint.code import shipped_modules
from selinon_core.plan import shipped

MODULES = {"PostgreSQL": "sql", **{name: m for m, names in shipped_modules.STORAGES.items() for name in names}}


def test_every_predicate_is_in_the_table_and_the_reverse() -> None:
    assert sorted(shipped.PREDICATES) == predicates.__all__
    assert all(callable(getattr(predicates, name)) for name in predicates.__all__)


@pytest.mark.parametrize("name", sorted(shipped.PREDICATES))
def test_predicate_signature(name: str) -> None:
    signature = shipped.PREDICATES[name]
    real = inspect.signature(getattr(predicates, name))
    expected = [
        *(["message"] if signature.takes_message else []),
        *(["node_args"] if signature.takes_node_args else []),
        *signature.args,
    ]
    assert list(real.parameters) == expected
    assert all(p.default is p.empty for p in real.parameters.values())
    assert all(p.kind is p.POSITIONAL_OR_KEYWORD for p in real.parameters.values())
    assert getattr(predicates, name).__doc__


def test_every_predicate_on_a_result_has_a_twin_on_arguments() -> None:
    on_message = [name for name, signature in shipped.PREDICATES.items() if signature.takes_message]
    twins = [name for name, signature in shipped.PREDICATES.items() if signature.takes_node_args]
    assert twins == [f"args{name[0].upper()}{name[1:]}" for name in on_message]


def test_strategies() -> None:
    real = {
        name: tuple(inspect.signature(function).parameters)
        for name, function in vars(strategies).items()
        if inspect.isfunction(function) and not name.startswith("_")
    }
    assert real == {name: ("status", *args) for name, args in shipped.STRATEGIES.items()}


def test_caches() -> None:
    real = {}
    for name, kind in vars(caches).items():
        if inspect.isclass(kind) and issubclass(kind, Cache) and kind.__module__ == caches.__name__:
            if name.startswith("_"):
                continue
            parameters = inspect.signature(kind).parameters.values()
            real[name] = shipped.CacheSignature(
                tuple(p.name for p in parameters if p.default is p.empty),
                tuple(p.name for p in parameters if p.default is not p.empty),
            )
    assert real == shipped.CACHES


@pytest.mark.parametrize("name", sorted(shipped.STORAGES))
def test_storages(name: str) -> None:
    kind = getattr(importlib.import_module(f"selinon_core.storages.{MODULES[name]}"), name)
    required: dict[str, str] = {}
    optional: dict[str, str] = {}
    for parameter in inspect.signature(kind).parameters.values():
        table = required if parameter.default is parameter.empty else optional
        # What no YAML file can hold is left out of the table.
        parts = str(parameter.annotation).split(" | ")
        table[parameter.name] = " | ".join(p for p in parts if "." not in p)
    assert shipped.STORAGES[name] == (required, optional)


def test_types_of_strategies_and_caches() -> None:
    for name, args in shipped.STRATEGIES.items():
        parameters = inspect.signature(getattr(strategies, name)).parameters
        for arg in args:
            assert parameters[arg].annotation == shipped.STRATEGY_TYPES[arg]
    for name, signature in shipped.CACHES.items():
        parameters = inspect.signature(getattr(caches, name)).parameters
        for arg in (*signature.required, *signature.optional):
            assert parameters[arg].annotation == shipped.CACHE_TYPES[arg]


def test_types_of_predicates_are_about_their_arguments() -> None:
    arguments = {arg for signature in shipped.PREDICATES.values() for arg in signature.args}
    assert set(shipped.PREDICATE_TYPES) == arguments - {"key", "value"}


def test_the_tables_and_the_predicates_are_cheap_to_import() -> None:
    heavy = ["dataclasses", "inspect", "logging", "urllib.parse", "http.client", "jsonschema", "socket"]
    code = (
        "import sys; before = set(sys.modules);"
        "import selinon_core.plan.shipped, selinon_core.predicates, selinon_core.strategies;"
        f"print(sorted(set({heavy}) & (set(sys.modules) - before)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
