"""The settings of a local run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from selinon_core.errors import RequestError

if TYPE_CHECKING:
    from selinon_core.cases.model import Mocks, Signal
    from selinon_core.rerunning.preview import Preview
    from selinon_core.runtime.storages import Storages
    from selinon_core.runtime.trace.entries import TraceEvent
    from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
    from selinon_core.runtime.trace.tracer import Sink

#: ``observer(what, record)``: "scheduled", "started", "retrying", "ended" of a node, "ended" of the whole run
Observer = Callable[[str, "NodeRecord | FlowRecord"], None]


_CHOICES: dict[str, tuple[str, ...]] = {
    "storage": ("mocked", "real"),
    "time": ("virtual", "real"),
    "pool": ("thread", "process"),
}
_LEAST = {"concurrency": 1, "max_steps": 1, "seed": 0}


class LocalOptions(NamedTuple):
    """How to run locally; the defaults are those of ``selinon run --local``.

    ``storage``: ``mocked`` replaces every storage that is not in ``real_storages`` by one in memory, ``real``
    uses all as configured. ``time``: ``virtual`` jumps over every wait, ``real`` waits. ``concurrency``: how
    many tasks run at once; with 1 runs are deterministic. ``pool``: ``thread`` or ``process``. ``seed``: of ids
    and of the order in which equally due tasks finish; None and 0: in the order they were scheduled.
    ``mock_all`` runs no task's code. ``fail``: task -> how many first attempts fail (None: all).
    ``max_steps`` bounds node runs, further attempts and deferrals together; None: 10 000, or ten times the
    nodes of the project if that is more, and ten for each item of a foreach up to 100 000. ``reuse``: the JSON
    report of an earlier run whose results can be read again. ``pythonpath``: directories to import user code
    from. ``sinks`` hear the trace beside those that are configured, ``listener`` its events with their times,
    which must not be changed. ``storages``: whose
    storages to use with ``storage="real"``, connected or not; they are left open. ``at``: what happens to the
    flow run from outside, as (seconds since the start, ``"cancel"`` or a ``Signal`` for a task with ``wait``);
    a flow run that has ended by then is not changed. Of several tasks of one name that wait, a signal ends the one
    that began first. ``durations``: task -> virtual seconds that an attempt takes, of mocked and of real tasks;
    the code of a task runs at the end of this time, and not at all when the time-out of the task passes before. A
    mock that says when its attempt ends counts more. ``rerun``: what is reused of a recorded run of the same flow,
    whose arguments are those to run with.
    """

    storage: Literal["mocked", "real"] = "mocked"
    real_storages: frozenset[str] = frozenset()
    time: Literal["virtual", "real"] = "virtual"
    concurrency: int = 1
    pool: Literal["thread", "process"] = "thread"
    seed: int | None = None
    mocks: Mocks | None = None
    mock_all: bool = False
    fail: Mapping[str, int | None] = {}
    max_steps: int | None = None
    reuse: Mapping[str, Any] | None = None
    pythonpath: tuple[str, ...] = ()
    observer: Observer | None = None
    sinks: tuple[Sink, ...] = ()
    storages: Storages | None = None
    listener: Callable[[TraceEvent], None] | None = None
    at: tuple[tuple[float, str | Signal], ...] = ()
    durations: Mapping[str, float] = {}
    rerun: Preview | None = None

    @property
    def is_seeded(self) -> bool:
        """Whether ids follow from the seed; those of results in real storages must not repeat without one."""
        return self.seed is not None or (self.storage == "mocked" and not self.real_storages)

    def check(self) -> None:
        """Raise ``RequestError`` for a value that no run can have."""
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise RequestError(f"{name} is {getattr(self, name)!r}, not {' or '.join(choices)}")
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is None and name != "concurrency":
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise RequestError(f"{name} is {value!r}, and has to be a whole number of at least {least}")
        for task, times in self.fail.items():
            if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
                raise RequestError(f"fail of {task} is {times!r}, not a number of attempts or None for all")
        for seconds, event in self.at:
            if event != "cancel" and isinstance(event, str):
                raise RequestError(f'at names {event!r}, and an event is "cancel" or a Signal')
            _check_seconds("at", seconds)
        for task, seconds in self.durations.items():
            _check_seconds(f"durations of {task}", seconds)
        if self.durations and (self.time == "real" or self.concurrency > 1):
            raise RequestError("durations are for virtual time and concurrency 1")


def _check_seconds(what: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise RequestError(f"{what} is {value!r}, not a number of seconds of at least 0")
