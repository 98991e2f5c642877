"""The names and module paths of the original selinon, so that existing projects run unchanged.

There is no logic here: everything is ``selinon_core``'s, imported when first used. New code imports from
``selinon_core``.
"""

from __future__ import annotations

# Projects call logging.config.dictConfig after importing only `logging` and `selinon`, which once imported it.
import logging.config as _logging_config  # noqa: F401
from typing import TYPE_CHECKING, Any

from selinon_core.version import CODENAME, __version__

if TYPE_CHECKING:
    from selinon_core.cache import Cache
    from selinon_core.errors import (
        CacheMissError,
        ConfigNotInitializedError,
        ConfigurationError,
        DispatcherRetry,
        FatalTaskError,
        FlowError,
        MigrationException,
        MigrationFlowFail,
        MigrationFlowRetry,
        MigrationNotNeeded,
        MigrationSkew,
        NoParentNodeError,
        RequestError,
        Retry,
        SelectiveNoPathError,
        SelinonException,
        StorageError,
        UnknownError,
        UnknownFlowError,
        UnknownStorageError,
        UnsupportedCeleryError,
    )
    from selinon_core.legacy.celery_tasks import Dispatcher, SelinonTaskEnvelope
    from selinon_core.legacy.config import Config
    from selinon_core.legacy.names import Storage, SystemState
    from selinon_core.legacy.run import run_flow, run_flow_selective
    from selinon_core.legacy.storage_pool import StoragePool
    from selinon_core.legacy.trace import Trace
    from selinon_core.storage import DataStorage, SelinonMissingDataException
    from selinon_core.task import SelinonTask

_WHERE = {
    "Cache": "selinon_core.cache",
    "CacheMissError": "selinon_core.errors",
    "Config": "selinon_core.legacy.config",
    "ConfigNotInitializedError": "selinon_core.errors",
    "ConfigurationError": "selinon_core.errors",
    "DataStorage": "selinon_core.storage",
    "Dispatcher": "selinon_core.legacy.celery_tasks",
    "DispatcherRetry": "selinon_core.errors",
    "FatalTaskError": "selinon_core.errors",
    "FlowError": "selinon_core.errors",
    "MigrationException": "selinon_core.errors",
    "MigrationFlowFail": "selinon_core.errors",
    "MigrationFlowRetry": "selinon_core.errors",
    "MigrationNotNeeded": "selinon_core.errors",
    "MigrationSkew": "selinon_core.errors",
    "NoParentNodeError": "selinon_core.errors",
    "RequestError": "selinon_core.errors",
    "Retry": "selinon_core.errors",
    "SelectiveNoPathError": "selinon_core.errors",
    "SelinonException": "selinon_core.errors",
    "SelinonMissingDataException": "selinon_core.storage",
    "SelinonTask": "selinon_core.task",
    "SelinonTaskEnvelope": "selinon_core.legacy.celery_tasks",
    "Storage": "selinon_core.legacy.names",
    "StorageError": "selinon_core.errors",
    "StoragePool": "selinon_core.legacy.storage_pool",
    "SystemState": "selinon_core.legacy.names",
    "Trace": "selinon_core.legacy.trace",
    "UnknownError": "selinon_core.errors",
    "UnknownFlowError": "selinon_core.errors",
    "UnknownStorageError": "selinon_core.errors",
    "UnsupportedCeleryError": "selinon_core.errors",
    "run_flow": "selinon_core.legacy.run",
    "run_flow_selective": "selinon_core.legacy.run",
}

__all__ = [
    "Cache",
    "CacheMissError",
    "Config",
    "ConfigNotInitializedError",
    "ConfigurationError",
    "DataStorage",
    "Dispatcher",
    "DispatcherRetry",
    "FatalTaskError",
    "FlowError",
    "MigrationException",
    "MigrationFlowFail",
    "MigrationFlowRetry",
    "MigrationNotNeeded",
    "MigrationSkew",
    "NoParentNodeError",
    "RequestError",
    "Retry",
    "SelectiveNoPathError",
    "SelinonException",
    "SelinonMissingDataException",
    "SelinonTask",
    "SelinonTaskEnvelope",
    "Storage",
    "StorageError",
    "StoragePool",
    "SystemState",
    "Trace",
    "UnknownError",
    "UnknownFlowError",
    "UnknownStorageError",
    "UnsupportedCeleryError",
    "__version__",
    "__version_info__",
    "run_flow",
    "run_flow_selective",
    "selinon_version",
    "selinon_version_codename",
]

selinon_version = __version__
selinon_version_codename = CODENAME
__version_info__ = __version__.split(".")
__title__ = "selinon"
__license__ = "Apache-2.0"


#: Modules that ``import selinon`` alone made available in the original (``selinon.errors.FatalTaskError``).
_MODULES = (
    "cache",
    "celery",
    "codename",
    "config",
    "data_storage",
    "dispatcher",
    "errors",
    "run",
    "selinon_task",
    "storage",
    "storage_pool",
    "system",
    "system_state",
    "task_envelope",
    "trace",
    "version",
)


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
