"""What a worker process remembers of flow runs: the folded log, so that catching up reads only what is new."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from selinon_core.dispatch import FlowRun
from selinon_core.dispatch.codec import decode_event
from selinon_core.migrations.versions import FlowVersions, RunVersion
from selinon_core.plan import FlowPlan
from selinon_core.runtime.ids import id_maker

_loads = json.JSONDecoder().raw_decode


class CachedRun:
    """A flow run as of ``version``: its machine and the fields of the header that never change.

    ``run_version`` is the flow that it was last migrated to. Raises ``MigrationError`` when its initial definition
    is lost.
    """

    __slots__ = (
        "caller",
        "created",
        "evaluated_at",
        "header",
        "id",
        "idle_check_after",
        "inbox_threshold",
        "machine",
        "result_locations",
        "run_version",
        "skip_analysis",
        "trace",
        "version",
    )

    def __init__(self, id: str, header: Mapping[str, str], flows: FlowVersions) -> None:
        self.id = id
        self.header = header
        self.run_version = version_in(header)
        definition = flows.definition(header["initial_definition"])
        self.machine = FlowRun(definition.table, id_maker(id), definition.on_unreached, flows.definition)
        self.version = 0
        self.inbox_threshold = 0
        self.skip_analysis = 0
        self.idle_check_after: float | None = None
        self.evaluated_at = 0.0
        self.trace = header.get("trace", "")
        self.created = float(header.get("created") or 0)
        self.result_locations: dict[str, str] = json.loads(header.get("result_locations") or "{}")
        up = json.loads(header.get("caller") or "null")
        self.caller: tuple[str, int, str] | None = None if up is None else (up[0], up[1], up[2])

    @property
    def flow(self) -> FlowPlan:
        """The flow as this run has it now."""
        return self.machine.table.flow

    def replay(self, batches: Sequence[str]) -> None:
        """Catch up with what others committed; what the machine wants done was done by them."""
        advance = self.machine.advance
        for batch in batches:
            for event in _loads(batch)[0][1:]:
                if event[0] != "!":  # ended from outside: nothing of it is for the machine
                    advance(decode_event(event))
        self.version += len(batches)

    def is_last_open_node(self, number: int) -> bool:
        """Whether nothing but the end of that node run can happen to this run next."""
        machine = self.machine
        return machine.incomplete == 1 and machine.run_of(number) is not None and not machine.open_questions


class RunCache:
    """The most recently advanced runs. Whoever takes one out has it alone; nobody else sees it meanwhile."""

    def __init__(self, most: int) -> None:
        self._capacity = most
        self._lock = threading.Lock()
        self._runs: OrderedDict[str, CachedRun] = OrderedDict()

    def take(self, id: str) -> CachedRun | None:
        """Take a run out."""
        with self._lock:
            return self._runs.pop(id, None)

    def put(self, run: CachedRun) -> None:
        """Give it back, unless it is over."""
        if run.machine.ended and not run.machine.incomplete:
            return
        with self._lock:
            self._runs[run.id] = run
            while len(self._runs) > self._capacity:
                self._runs.popitem(last=False)


def version_fields(stamp: RunVersion) -> dict[str, str]:
    """A stamp as fields of a header."""
    return {"migration": str(stamp.version), "graph": stamp.graph, "definition": stamp.definition}


def version_in(header: Mapping[str, str]) -> RunVersion:
    """The inverse of ``stamp_fields``."""
    return RunVersion(int(header["migration"]), header["graph"], header["definition"])


def encode_batch(now: float, events: Sequence[str]) -> str:
    """A batch of the log: when, then the events."""
    return f"[{now:.3f},{','.join(events)}]"


def decode_batch(text: str) -> tuple[float, list[Any]]:
    """The inverse of ``batch_text``; events are parsed, not decoded."""
    parts = _loads(text)[0]
    return parts[0], parts[1:]
