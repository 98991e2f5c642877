"""The names and module paths of the original selinon, so that existing projects run unchanged.

There is no logic here: everything is ``selinon_core``'s, imported when first used. New code imports from
``selinon_core``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selinon_core.version import __version__

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
    from selinon_core.storage import DataStorage, SelinonMissingDataException
    from selinon_core.task import SelinonTask

_WHERE = {
    "Cache": "selinon_core.cache",
    "CacheMissError": "selinon_core.errors",
    "ConfigNotInitializedError": "selinon_core.errors",
    "ConfigurationError": "selinon_core.errors",
    "DataStorage": "selinon_core.storage",
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
    "StorageError": "selinon_core.errors",
    "UnknownError": "selinon_core.errors",
    "UnknownFlowError": "selinon_core.errors",
    "UnknownStorageError": "selinon_core.errors",
    "UnsupportedCeleryError": "selinon_core.errors",
}

__all__ = [
    "Cache",
    "CacheMissError",
    "ConfigNotInitializedError",
    "ConfigurationError",
    "DataStorage",
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
    "StorageError",
    "UnknownError",
    "UnknownFlowError",
    "UnknownStorageError",
    "UnsupportedCeleryError",
    "__version__",
    "__version_info__",
    "selinon_version",
]

selinon_version = __version__
__version_info__ = __version__.split(".")


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value
