"""What the process-wide names share: a plan, a Celery app, storages, and functions to trace to."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from selinon_core.errors import ConfigNotInitializedError, MissingExtraError, UnsupportedCeleryError
from selinon_core.plan import Plan
from selinon_core.runtime.active_run import active_run_here
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.trace.tracer import Sink, Tracer, configured_sinks, hidden_by, jsonable

if TYPE_CHECKING:
    from celery import Celery

    from selinon_core.legacy.adapter import ProcessWideSelinon
    from selinon_core.legacy.loading import Loaded
    from selinon_core.legacy.written import Written
    from selinon_core.runtime.imports import Imports

#: Older ones retry a task that kills its worker for ever.
OLDEST_CELERY = (5, 7)


class ProcessWide:
    """The state; there is one, ``STATE``. The plan and the app may come in either order, and more than once."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._plan: Plan | None = None
        self._written: Written | None = None
        self._imports: Imports | None = None
        self._storages: Storages | None = None
        self._tracer: Tracer | None = None
        self._adapter: ProcessWideSelinon | None = None
        #: Added by ``Trace.trace_by_*``; kept when the configuration is replaced.
        self.functions: list[Sink] = []

    # -- setting ----------------------------------------------------------------------------------------------

    def configure(self, loaded: Loaded) -> None:
        """Replace the configuration; storages of the one before are closed."""
        from selinon_core.runtime.imports import Imports

        with self._lock:
            if self._storages is not None:
                self._storages.close()
            self._plan = loaded.plan
            self._written = loaded.written
            self._imports = Imports(loaded.pythonpath)
            self._storages = Storages(loaded.plan, self._imports, self._emit)
            self._tracer = None
            if self._adapter is not None:
                self._adapter.forget()

    def set_app(self, app: Celery) -> None:
        """Serve flows through a Celery app; raises ``MissingExtraError``, ``UnsupportedCeleryError``."""
        need_celery()
        from selinon_core.celery.app import owner_of
        from selinon_core.legacy.adapter import ProcessWideSelinon

        with self._lock:
            if self._adapter is None or self._adapter.app is not app:
                earlier = owner_of(app)  # apps may be set in turn
                if isinstance(earlier, ProcessWideSelinon):
                    earlier.forget()
                    self._adapter = earlier
                else:
                    self._adapter = ProcessWideSelinon(app, self)

    def add_function(self, function: Sink) -> None:
        """Trace to one more function."""
        with self._lock:
            self.functions.append(function)
            self._tracer = None
            if self._adapter is not None:
                self._adapter.add_sink(function)

    def reset(self) -> None:
        """Forget everything, as in a new process."""
        with self._lock:
            if self._storages is not None:
                self._storages.close()
            self._plan = self._written = self._imports = self._storages = self._tracer = self._adapter = None
            self.functions.clear()

    # -- asking -----------------------------------------------------------------------------------------------

    @property
    def initialized(self) -> bool:
        """Whether there is a configuration."""
        return self._plan is not None

    @property
    def plan(self) -> Plan:
        """The plan; raises ``ConfigNotInitializedError``."""
        if self._plan is None:
            raise ConfigNotInitializedError(
                "selinon is not configured: call Config.set_config_yaml or Config.set_config_dict first"
            )
        return self._plan

    @property
    def written(self) -> Written:
        """What only the files say; raises ``ConfigNotInitializedError``."""
        assert self.plan is not None
        assert self._written is not None
        return self._written

    @property
    def imports(self) -> Imports:
        """What imports the project's code; raises ``ConfigNotInitializedError``."""
        assert self.plan is not None
        assert self._imports is not None
        return self._imports

    @property
    def app(self) -> Celery | None:
        """The Celery app, None when none was set."""
        return None if self._adapter is None else self._adapter.app

    @property
    def adapter(self) -> ProcessWideSelinon:
        """Flows on Celery: on the app that was set, else on Celery's current one."""
        assert self.plan is not None
        if self._adapter is None:
            need_celery()
            from celery import current_app

            self.set_app(current_app._get_current_object())  # type: ignore[attr-defined]
        assert self._adapter is not None
        return self._adapter

    @property
    def own_storages(self) -> Storages:
        """The storages of this process; raises ``ConfigNotInitializedError``."""
        assert self.plan is not None
        assert self._storages is not None
        return self._storages

    @property
    def storages(self) -> Storages:
        """Those a worker works with, else ``own_storages``."""
        engine = None if self._adapter is None else self._adapter.services_if_built
        return self.own_storages if engine is None else engine.storages

    def exception_of(self, task_id: str) -> BaseException | None:
        """Return what a failed run raised; None without a Celery app."""
        return None if self._adapter is None else self._adapter.exception_of(task_id)

    # -- tracing ----------------------------------------------------------------------------------------------

    def emit(self, event: str, details: Mapping[str, Any]) -> None:
        """Hand an event to every sink: those of the run that is going on, or the configured ones, and
        functions.
        """
        run = active_run_here()
        if run is not None:
            run.emit(event, jsonable(details))
            Tracer(f for f in self.functions if f not in run.sinks).emit(event, details)
            return
        engine = None if self._adapter is None else self._adapter.services_if_built
        if engine is not None:
            engine.tracer.emit(event, details)
        else:
            self._sinks().emit(event, details)

    def _sinks(self) -> Tracer:
        if self._tracer is None:
            self._tracer = Tracer(self.functions)  # first: connecting a storage for a sink is itself traced
            if self._plan is not None:
                configured = configured_sinks(self._plan.settings.trace, self.imports, self.own_storages.connected)
                hidden = hidden_by(self._plan.settings.redact)
                self._tracer = Tracer([*configured, *self.functions], hidden)
        return self._tracer

    def _emit(self, event: str, details: dict[str, Any]) -> None:
        self._sinks().emit(event, details)


def need_celery() -> None:
    """Raise ``MissingExtraError`` without Celery, ``UnsupportedCeleryError`` with one that is too old."""
    try:
        from celery import VERSION
    except ImportError:
        raise MissingExtraError("running flows on Celery needs: pip install 'selinon[celery]'") from None
    if tuple(VERSION[:2]) < OLDEST_CELERY:
        found, needed = (".".join(map(str, version[:2])) for version in (VERSION, OLDEST_CELERY))
        raise UnsupportedCeleryError(f"Celery {found} is installed, {needed} or newer is needed")


#: The one state of the process.
STATE = ProcessWide()


def storages_in_use() -> Storages:
    """The storages of the run that is going on, else those of the process.

    Raises ``ConfigNotInitializedError`` when there are neither.
    """
    run = active_run_here()
    return STATE.storages if run is None else run.storages
