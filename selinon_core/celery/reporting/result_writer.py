"""Writes results of flow runs to the result backend, where ``AsyncResult(flow_id)`` looks for them.

Where the backend is a Redis and the state store is on the same server, the store writes the result in the step
that ends the run: the run needs no outbox then, and the caller hears of the end three round trips sooner.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from selinon_core.celery.reporting.run_tracer import RunTracer
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.protocol import StoredResult
from selinon_core.celery.stores.redis.connection import server_of
from selinon_core.dispatch import FlowOutcome
from selinon_core.errors import FlowError, FlowTimeout

if TYPE_CHECKING:
    from celery import Celery

#: ``in_commit(flow_id, outcome)``: the result that the store writes itself, None where it cannot.
ResultInCommit = Callable[[str, FlowOutcome], StoredResult | None]


def never_in_commit(flow_id: str, outcome: FlowOutcome) -> StoredResult | None:
    """For stores that are not on the server of the result backend."""
    return None


class ResultWriter:
    """Puts results of flows where ``AsyncResult(flow_id)`` looks; a failing backend is tried again later."""

    def __init__(self, app: Celery, tracer: RunTracer) -> None:
        self._app = app
        self._tracer = tracer

    def __call__(self, flow_id: str, outcome: FlowOutcome) -> None:
        """Write a result; raises what the backend raises."""
        backend: Any = self._app.backend
        if backend.__class__.__name__ == "DisabledBackend":
            return
        try:
            _store(backend, flow_id, outcome)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            self._tracer.warn("RESULT_BACKEND_ISSUE", what, dispatcher_id=flow_id)
            raise

    def forget(self, flow_id: str) -> None:
        """Remove the result of a run that failed and goes on: callers wait for the new one.

        Backends that are queues (``rpc://``) cannot: a caller that waits there may get the old result.
        """
        backend: Any = self._app.backend
        if backend.__class__.__name__ == "DisabledBackend":
            return
        try:
            backend.forget(flow_id)
        except NotImplementedError:
            pass
        except Exception as error:
            self._tracer.warn("RESULT_BACKEND_ISSUE", f"{type(error).__name__}: {error}", dispatcher_id=flow_id)


def never_forgotten(flow_id: str) -> None:
    """Where there is no result backend."""


def _store(backend: Any, flow_id: str, outcome: FlowOutcome) -> None:
    if outcome.succeeded:
        backend.store_result(flow_id, outcome.state, "SUCCESS")
    else:
        error = (FlowTimeout if outcome.timed_out else FlowError)(outcome.state)
        backend.store_result(flow_id, error, "FAILURE")


class ResultsInCommits:
    """Encodes results for commits of a store on the server of the result backend; None for all others.

    Looks at the backend when it is first used: in the process that uses it, after the pool was forked.
    """

    def __init__(self, app: Celery, store: Store) -> None:
        self._app = app
        self._store = store
        self._encode: ResultInCommit | None = None

    def __call__(self, flow_id: str, outcome: FlowOutcome) -> StoredResult | None:
        """The result as the backend encodes it."""
        encode = self._encode
        if encode is None:
            encode = self._encode = self._chosen()
        return encode(flow_id, outcome)

    def _chosen(self) -> ResultInCommit:
        place = getattr(self._store, "server", None)
        backend: Any = self._app.backend
        if place is None or f"{type(backend).__module__}.{type(backend).__name__}" != _REDIS_BACKEND:
            return never_in_commit
        if place != server_of(backend.connparams):
            return never_in_commit
        return _Encoder(backend, int(backend.connparams.get("db") or 0))


_REDIS_BACKEND = "celery.backends.redis.RedisBackend"


class _Encoder:
    """Has the backend encode a result, and keeps what it would write."""

    def __init__(self, backend: Any, database: int) -> None:
        self._database = database
        self._written = threading.local()
        # Not ``copy``: that makes a new backend with a pool of connections of its own.
        self._backend = object.__new__(type(backend))
        self._backend.__dict__.update(backend.__dict__)
        self._backend.get = lambda key: None  # no earlier result of the run: its end is committed once
        self._backend.set = self._set

    def _set(self, key: Any, value: str | bytes, expires: int | None = None, **_: Any) -> None:
        seconds = self._backend.expires if expires is None else expires
        name = key.decode() if isinstance(key, bytes) else key
        self._written.result = StoredResult(self._database, name, value, int(seconds or 0))

    def __call__(self, flow_id: str, outcome: FlowOutcome) -> StoredResult | None:
        """None when the backend cannot encode it: the outbox relay then reports why."""
        self._written.result = None
        try:
            _store(self._backend, flow_id, outcome)
        except Exception:
            return None
        written: StoredResult | None = self._written.result
        return written
