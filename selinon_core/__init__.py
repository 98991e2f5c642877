"""selinon: define, check, test and run dynamic task flows.

The names below are the library. They are imported when first used, so that a command that only checks files does
not pay for what runs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selinon_core.version import __version__

if TYPE_CHECKING:
    from selinon_core.cache import Cache
    from selinon_core.dispatch import select
    from selinon_core.errors import (
        CacheMissError,
        ConfigurationError,
        FatalTaskError,
        FlowError,
        FlowTimeout,
        MigrationSkew,
        MissingExtraError,
        NoParentNodeError,
        RequestError,
        ResultMissingError,
        Retry,
        SchemaMismatchError,
        SelectiveNoPathError,
        SelinonException,
        StorageError,
        TaskTimeout,
        UnknownFlowError,
        UnknownStorageError,
        UnknownTaskError,
        UserFunctionError,
    )
    from selinon_core.legacy.trace import Trace
    from selinon_core.plan import Plan
    from selinon_core.plan.json_form import plan_from_json, plan_to_json
    from selinon_core.project import Project, compile_project, compile_text, lint_project
    from selinon_core.runtime.storage_pool import StoragePool
    from selinon_core.storage import DataStorage, SelinonMissingDataException
    from selinon_core.task import SelinonTask
    from selinon_core.task_progress import progress

_WHERE = {
    "Cache": "cache",
    "CacheMissError": "errors",
    "ConfigurationError": "errors",
    "DataStorage": "storage",
    "FatalTaskError": "errors",
    "FlowError": "errors",
    "FlowTimeout": "errors",
    "MigrationSkew": "errors",
    "MissingExtraError": "errors",
    "NoParentNodeError": "errors",
    "Plan": "plan",
    "Project": "project",
    "RequestError": "errors",
    "ResultMissingError": "errors",
    "Retry": "errors",
    "SchemaMismatchError": "errors",
    "SelectiveNoPathError": "errors",
    "SelinonException": "errors",
    "SelinonMissingDataException": "storage",
    "SelinonTask": "task",
    "StorageError": "errors",
    "StoragePool": "runtime.storage_pool",
    "TaskTimeout": "errors",
    "Trace": "legacy.trace",
    "UnknownFlowError": "errors",
    "UnknownStorageError": "errors",
    "UnknownTaskError": "errors",
    "UserFunctionError": "errors",
    "compile_project": "project",
    "compile_text": "project",
    "lint_project": "project",
    "plan_from_json": "plan.json_form",
    "plan_to_json": "plan.json_form",
    "progress": "task_progress",
    "select": "dispatch",
}

__all__ = [
    "Cache",
    "CacheMissError",
    "ConfigurationError",
    "DataStorage",
    "FatalTaskError",
    "FlowError",
    "FlowTimeout",
    "MigrationSkew",
    "MissingExtraError",
    "NoParentNodeError",
    "Plan",
    "Project",
    "RequestError",
    "ResultMissingError",
    "Retry",
    "SchemaMismatchError",
    "SelectiveNoPathError",
    "SelinonException",
    "SelinonMissingDataException",
    "SelinonTask",
    "StorageError",
    "StoragePool",
    "TaskTimeout",
    "Trace",
    "UnknownFlowError",
    "UnknownStorageError",
    "UnknownTaskError",
    "UserFunctionError",
    "__version__",
    "compile_project",
    "compile_text",
    "lint_project",
    "plan_from_json",
    "plan_to_json",
    "progress",
    "select",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
