"""Every exception of selinon, named by who has to act.

::

    SelinonException
    ├── ConfigurationError            the project's files are wrong; carries the diagnostics
    ├── FatalTaskError                raised BY a task: fail at once, no retries
    ├── Retry                         raised BY a task (``self.retry``): run again, not counted
    ├── TaskTimeout                   an attempt ran longer than the task's ``timeout``
    ├── Rejected                      a signal rejected what a task waited for
    ├── FlowError                     a flow run failed; ``state`` lists finished and failed nodes
    │   └── FlowTimeout               a flow run passed its deadline
    ├── UserFunctionError             a predicate, foreach, selective function or strategy raised
    ├── SchemaMismatchError           a result does not fit the task's ``output_schema``
    ├── RequestError                  the API was asked for something that does not exist
    │   ├── ArgumentError             arguments do not fit an ``input_schema``, or cannot be worked out
    │   ├── NoParentNodeError         a task asked for a parent it does not have
    │   ├── UnknownFlowError          no flow of that name
    │   ├── UnknownStorageError       no storage of that name, or the task has none
    │   ├── UnknownTaskError          no task of that name
    │   └── SelectiveNoPathError      a selective run names a task that cannot be reached
    ├── StorageError                  a storage could not be read or written
    │   └── ResultMissingError        the storage works, but holds no such result
    ├── StateStoreError               the store of flow runs could not be reached, or cannot serve
    ├── StateStoreRefused             the store of flow runs refuses a value or a statement
    ├── MessageRefused                a message of the broker is malformed, too large or names what is unknown
    ├── CacheMissError                a cache does not hold the item
    ├── MissingExtraError             an optional driver is not installed
    ├── MigrationError                a migration file is wrong or missing
    │   ├── MigrationSkew             a run is newer than this worker's migration files
    │   │   └── FormatSkew            ... or was written by a newer selinon; also of a message
    │   ├── MigrationNotNeeded        two configurations do not differ
    │   └── MigrationException        a migration tainted a run
    │       ├── MigrationFlowFail     ... and its strategy is FAIL
    │       └── MigrationFlowRetry    ... and its strategy is RETRY
    ├── ConfigNotInitializedError     the process-wide ``Config`` is used before it was set
    ├── DispatcherRetry               kept for old imports; never raised
    ├── UnsupportedCeleryError        the installed Celery is too old
    └── UnknownError                  kept for old imports
        └── UnexpectedEvent           a bug of ours: the dispatch machine got an event it cannot have
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class SelinonException(Exception):
    """Base of everything selinon raises on purpose."""


class ConfigurationError(SelinonException):
    """Raised when a project cannot be used as configured.

    ``diagnostics`` holds every mistake found (see ``selinon_core.diagnostics``), possibly none.
    """

    def __init__(self, message: str = "", diagnostics: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.diagnostics = diagnostics


class FatalTaskError(SelinonException):
    """Raised by a task that must not be retried."""


class Retry(SelinonException):
    """Raised by ``SelinonTask.retry``: run the task again after ``countdown`` seconds."""

    def __init__(self, countdown: float = 0) -> None:
        super().__init__(f"retry in {countdown} s")
        self.countdown = countdown


class TaskTimeout(SelinonException):
    """Raised when an attempt ran longer than the task's ``timeout`` seconds."""


class Rejected(SelinonException):
    """Raised when a signal rejects what a task with ``wait`` waits for; the text says why."""


class FlowError(SelinonException):
    """Raised when a flow run failed.

    ``state`` is ``{"finished_nodes": {name: [ids]}, "failed_nodes": {name: [ids]}, "active_nodes": []}``.
    The text of the exception is that state as JSON, which is what result backends keep.
    """

    def __init__(self, state: Mapping[str, Any] | str) -> None:
        import json

        super().__init__(state if isinstance(state, str) else json.dumps(state, sort_keys=True))

    @property
    def state(self) -> dict[str, Any]:
        """The state of the flow run when it failed; ``{}`` when the text carries none."""
        import json

        try:
            state = json.loads(str(self))
        except ValueError:
            return {}
        return state if isinstance(state, dict) else {}


class FlowTimeout(FlowError):
    """Raised when a flow run passed its ``timeout``, counted over all of its retries."""


class UserFunctionError(SelinonException):
    """Raised when a user's predicate, foreach, selective run function or strategy raised.

    The message names the function, the flow, the edge and its place in the YAML files.
    """


class SchemaMismatchError(SelinonException):
    """Raised when a task's result does not fit its ``output_schema``."""


class RequestError(SelinonException):
    """Raised when something is asked for that does not exist."""


class ArgumentError(RequestError):
    """Raised when arguments do not fit the ``input_schema`` of a flow or task, or cannot be worked out.

    A node run fails of it at once, without retries. The message names the place, the path in the arguments and the
    type of the value there, never the whole value.
    """


class NoParentNodeError(RequestError):
    """Raised when a task asks for a parent node it was not given."""


class UnknownFlowError(RequestError):
    """Raised when no flow has the name asked for."""


class UnknownRunError(RequestError):
    """Raised when the state store does not know the flow run asked for."""


class UnknownTaskError(RequestError):
    """Raised when no task has the name asked for."""


class UnknownStorageError(RequestError):
    """Raised when no storage has the name asked for, or a task has no storage."""


class SelectiveNoPathError(RequestError):
    """Raised when no path in the flow leads to a task named in a selective run."""


class StorageError(SelinonException):
    """Raised when a storage cannot be read or written; reading is tried again later."""


class ResultMissingError(StorageError):
    """Raised when a storage answers, but holds no result under the id: trying again does not help."""


class StateStoreError(SelinonException):
    """Raised when the store of flow runs cannot be reached or cannot serve; trying again may help."""


class StateStoreRefused(SelinonException):
    """Raised when the store of flow runs refuses what it was given; trying again does not help."""


class MessageRefused(SelinonException):
    """Raised when a message is malformed, too large, or names a flow or task that is unknown."""


class CacheMissError(SelinonException):
    """Raised by ``Cache.get`` when the item is not in the cache."""


class MissingExtraError(SelinonException):
    """Raised when an optional driver is missing; the message names the extra to install."""


class MigrationError(SelinonException):
    """Raised when a migration file is malformed, missing or cannot be applied."""


class MigrationNotNeeded(MigrationError):
    """Raised when a migration is requested for two configurations that do not differ."""


class MigrationSkew(MigrationError):
    """Raised when a flow run is newer than the migration files of this worker."""

    def __init__(self, *args: object, available_migration_version: int | None = None) -> None:
        super().__init__(*args)
        self.available_migration_version = available_migration_version


class FormatSkew(MigrationSkew):
    """Raised when a flow run or a message was written by a newer selinon than this worker's."""


class MigrationException(MigrationError):
    """Raised when a migration taints a flow run; see its two subclasses."""

    TAINTED_FLOW_STRATEGY = "UNKNOWN"

    def __init__(
        self,
        *args: object,
        migration_version: int | None = None,
        latest_migration_version: int | None = None,
        tainting_nodes: Any = None,
        tainted_edge: Any = None,
    ) -> None:
        super().__init__(*args)
        self.migration_version = migration_version
        self.latest_migration_version = latest_migration_version
        self.tainting_nodes = tainting_nodes
        self.tainted_edge = tainted_edge


class MigrationFlowFail(MigrationException):
    """Raised when a tainted flow run has to fail."""

    TAINTED_FLOW_STRATEGY = "FAIL"


class MigrationFlowRetry(MigrationException):
    """Raised when a tainted flow run has to start again."""

    TAINTED_FLOW_STRATEGY = "RETRY"


class ConfigNotInitializedError(SelinonException):
    """Raised when the process-wide configuration is used before it was set."""


class DispatcherRetry(SelinonException):
    """Kept so that old imports work; nothing raises it."""

    def __init__(self, keep_state: bool = True, adjust_retry_count: bool = True) -> None:
        super().__init__()
        self.keep_state = keep_state
        self.adjust_retry_count = adjust_retry_count


class UnsupportedCeleryError(SelinonException):
    """Raised when the installed Celery is too old."""


class UnknownError(SelinonException):
    """Kept so that old imports work; only its subclass is raised."""


class UnexpectedEvent(UnknownError):
    """Raised when the dispatch machine gets an event it cannot have: a bug of ours, never a user's."""
