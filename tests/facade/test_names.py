"""Every public name of the original is where it was, or is listed with the reason why it is gone."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import selinon
from selinon.executor import Executor
from selinon.system import System
from selinon_core.legacy.config_attributes import GONE as GONE_FROM_CONFIG
from tests.facade import original_names as original


@pytest.mark.parametrize("module", sorted(original.KEPT))
def test_names_are_where_they_were(module: str) -> None:
    found = importlib.import_module(module)
    missing = [name for name in original.KEPT[module] if not hasattr(found, name)]
    assert missing == []


@pytest.mark.parametrize("module", sorted(original.KEPT))
def test_names_stand_for_one_object(module: str) -> None:
    found = importlib.import_module(module)
    for name in original.KEPT[module]:
        if name in original.KEPT["selinon"] and not name.startswith("_"):
            assert getattr(found, name) is getattr(selinon, name)


@pytest.mark.parametrize("name", sorted(original.GONE))
def test_what_is_gone_is_gone(name: str) -> None:
    with pytest.raises((ImportError, AttributeError)):
        _resolve(name)


def _resolve(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        module, _, attribute = name.rpartition(".")
        if module == "selinon" and not attribute.startswith("__"):
            raise
        return getattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("name", original.KEPT["selinon.predicates"])
def test_each_predicate_is_also_a_module(name: str) -> None:
    ran: dict[str, Any] = {}
    exec(f"from selinon.predicates.{name} import {name} as one\nfrom selinon.predicates import {name} as two", ran)
    assert ran["one"] is ran["two"]
    assert inspect.isfunction(ran["one"])


def test_all_is_complete() -> None:
    star: dict[str, Any] = {}
    exec("from selinon import *", star)
    wanted = {name for name in original.KEPT["selinon"] if not name.startswith("__")}
    assert wanted <= set(star)
    assert set(original.KEPT["selinon.errors"]) <= set(star)
    assert set(selinon.__all__) <= set(dir(selinon))


def test_attributes_of_config() -> None:
    for name in original.CONFIG_ATTRIBUTES:
        assert getattr(selinon.Config, name) in (None, False, [], {})
    for name in original.CONFIG_METHODS:
        assert callable(getattr(selinon.Config, name))
    assert sorted(GONE_FROM_CONFIG) == sorted(original.CONFIG_GONE)
    for name in original.CONFIG_GONE:
        with pytest.raises(AttributeError, match=f"Config.{name} is gone: "):
            getattr(selinon.Config, name)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (selinon.StoragePool, original.STORAGE_POOL_METHODS),
        (selinon.Trace, original.TRACE_METHODS),
        (selinon.SelinonTask, original.TASK_METHODS),
        (selinon.Dispatcher, original.DISPATCHER_METHODS + original.CELERY_TASK_METHODS),
        (selinon.SelinonTaskEnvelope, original.ENVELOPE_METHODS + original.CELERY_TASK_METHODS),
        (selinon.SystemState, original.SYSTEM_STATE_METHODS),
        (Executor, original.EXECUTOR_METHODS),
        (System, original.SYSTEM_METHODS),
    ],
)
def test_methods(kind: type, names: tuple[str, ...]) -> None:
    assert [name for name in names if not callable(getattr(kind, name, None))] == []


def test_logging_config_is_imported_as_the_original_did_in_passing() -> None:
    code = "import logging, selinon; logging.config.dictConfig({'version': 1})"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[2])


@pytest.mark.parametrize(
    "expression",
    [
        "selinon.errors.FatalTaskError",
        "selinon.config.Config",
        "selinon.storage_pool.StoragePool",
        "selinon.run.run_flow",
    ],
)
def test_modules_are_there_when_only_the_package_is_imported(expression: str) -> None:
    code = f"import selinon; assert {expression} is selinon.{expression.rpartition('.')[2]}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[2])


def test_celery_result_is_imported_when_an_app_is_set() -> None:
    code = (
        "import celery; from selinon import Config; app = celery.Celery('a', broker='memory://');"
        "Config.set_celery_app(app); celery.result.AsyncResult"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[2])


HEAVY = ("celery", "kombu", "sqlalchemy", "redis", "pymongo", "boto3", "graphviz", "yaml", "typer", "rich")


def test_importing_the_facade_imports_no_service() -> None:
    code = (
        "import sys, selinon; from selinon import *; import selinon.predicates, selinon.executor, selinon.system;"
        f"print([name for name in {HEAVY} if name in sys.modules and name not in ('yaml',)])"
    )
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert ran.stdout.strip() == "[]"


def test_a_star_import_of_predicates_brings_only_predicates() -> None:
    star: dict[str, Any] = {}
    exec("from selinon.predicates import *", star)
    del star["__builtins__"]
    assert set(star) == set(original.KEPT["selinon.predicates"])
