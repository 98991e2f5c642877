"""The header of a flow run (flow, status, version, lease, format): as a value, and as text fields in a store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, cast

Status = Literal["running", "success", "failure", "cancelled"]


class Caller(NamedTuple):
    """The node run that a sub-flow is: flow run id, number and flow name of its parent."""

    flow_id: str
    number: int
    flow: str


class RunHeader(NamedTuple):
    """The fields of a run; times are seconds since the epoch.

    ``format`` and ``logic`` say how its log is written and replayed (see ``dispatch.codec``),
    ``initial_definition`` the flow that its log begins with: None for a run that was cancelled before it began.
    ``migration``, ``graph`` and ``definition`` are the flow that it was last migrated to. ``caller`` is the node
    run of its parent flow, ``result_locations`` the flow of each result that came with its start. ``trace`` is
    the W3C traceparent of its own span, ``trace_parent`` of the span above. ``idle_check_after`` is how long it
    may be silent before the sweep looks after it (0: always), ``inbox_threshold`` how many ends may wait in the
    inbox before anything can be decided. ``root`` is the run at the top of a sub-flow's (empty: of a root run, or
    an older worker started it), ``labels`` are what the index of runs finds it by. ``key`` is the key of a run
    that was started with one, ``request`` the digest of what that start asked for.
    ``early`` are signals that are kept for tasks that do not wait yet (``execution.early_signals``).
    ``paused`` counts how often it was paused and resumed: an odd number says that it is paused.
    ``limit`` is the key of the place that it has, or waits for (``stores.limits``); empty: it needs none.
    ``retry`` is what was asked for of a failed run that waits for its place (``execution.queued_retries``).
    ``lane`` is the lane of the run, which its sub-flows have too; empty: none.
    ``serial`` counts how often the caller's node run was run again: what this run was started or reopened for.
    ``rerun`` says of a run that runs another one again: ``{"of": its id}``, and at the top what was asked for
    (``rerunning.request``). ``digests`` is the name of how its flow was defined (``execution.kept_digests``).
    """

    flow: str
    queue: str
    status: Status = "running"
    reason: str = ""
    format: int = 1
    logic: int = 1
    initial_definition: str | None = None
    migration: int = 0
    graph: str = ""
    definition: str = ""
    caller: Caller | None = None
    result_locations: Mapping[str, str] = {}
    trace: str = ""
    trace_parent: str = ""
    idle_check_after: float = 0.0
    inbox_threshold: int = 0
    created: float = 0.0
    updated: float = 0.0
    root: str = ""
    labels: Mapping[str, str] = {}
    key: str = ""
    request: str = ""
    serial: int = 0
    early: str = ""
    paused: int = 0
    limit: str = ""
    rerun: Mapping[str, Any] = {}
    lane: str = ""
    digests: str = ""
    retry: Mapping[str, Any] = {}

    @property
    def rerun_of(self) -> str | None:
        """The run that this one runs again."""
        return self.rerun.get("of")

    @property
    def is_paused(self) -> bool:
        """Whether nothing of the run starts until it is resumed."""
        return self.status == "running" and self.paused % 2 == 1

    @property
    def has_not_begun(self) -> bool:
        """Whether no worker has begun the run: it waits for its place, or was paused before."""
        return self.status == "running" and self.initial_definition is None

    @property
    def awaits_retry(self) -> bool:
        """Whether it failed, and waits for its place to go on."""
        return self.status == "running" and bool(self.retry)

    @property
    def is_queued(self) -> bool:
        """Whether it waits for its place, or for the end of a pause, before it begins or goes on."""
        return self.has_not_begun or self.awaits_retry

    @property
    def shown_status(self) -> str:
        """As ``shown_status`` of its fields."""
        return "paused" if self.is_paused else "queued" if self.is_queued else self.status

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> RunHeader:
        """The header in the fields of a store; fields that are not known are ignored."""
        get = fields.get
        caller = get("caller")
        locations = get("result_locations")
        labels, rerun, retry = get("labels"), get("rerun"), get("retry")
        return cls(
            fields["flow"],
            get("queue", ""),
            cast(Status, get("status", "running")),
            get("reason") or "",
            int(get("format") or 1),
            int(get("logic") or 1),
            get("initial_definition"),
            int(get("migration") or 0),
            get("graph", ""),
            get("definition", ""),
            Caller(*json.loads(caller)) if caller else None,
            json.loads(locations) if locations else {},
            get("trace", ""),
            get("trace_parent", ""),
            float(get("idle_check_after") or 0),
            int(get("inbox_threshold") or 0),
            float(get("created") or 0),
            float(get("updated") or 0),
            get("root", ""),
            json.loads(labels) if labels else {},
            get("key", ""),
            get("request", ""),
            int(get("serial") or 0),
            get("early", ""),
            int(get("paused") or 0),
            get("limit", ""),
            json.loads(rerun) if rerun else {},
            get("lane", ""),
            get("digests", ""),
            json.loads(retry) if retry else {},
        )

    def new_fields(self) -> dict[str, str]:
        """The fields with which a run is created; the store adds its own (version, lease, times)."""
        fields = {
            "flow": self.flow,
            "queue": self.queue,
            "status": self.status,
            "format": str(self.format),
            "logic": str(self.logic),
        }
        if self.initial_definition is not None:
            fields["initial_definition"] = self.initial_definition
            fields |= version_fields(self.migration, self.graph, self.definition)
            fields["idle_check_after"] = f"{self.idle_check_after:.3f}"
        if self.caller is not None:
            fields["caller"] = json.dumps(self.caller)
        if self.result_locations:
            fields["result_locations"] = json.dumps(self.result_locations)
        if self.labels:
            fields["labels"] = json.dumps(dict(self.labels))
        if self.rerun:
            fields["rerun"] = json.dumps(dict(self.rerun))
        if self.retry:
            fields["retry"] = json.dumps(dict(self.retry))
        if self.serial:
            fields["serial"] = str(self.serial)
        if self.paused:
            fields["paused"] = str(self.paused)
        if self.inbox_threshold:
            fields["inbox_threshold"] = str(self.inbox_threshold)
        for name in ("trace", "trace_parent", "root", "key", "request", "early", "limit", "lane", "digests"):
            if value := getattr(self, name):
                fields[name] = value
        return fields


def shown_status(fields: Mapping[str, str]) -> str:
    """The status as users see it: also ``paused``, and ``queued`` of a run that has not begun."""
    if "paused" not in fields and "limit" not in fields:
        return fields["status"]
    return RunHeader.read(fields).shown_status


def awaits_start(fields: Mapping[str, str]) -> bool:
    """Whether only its start message can begin the run: it was paused before, and no limit keeps it."""
    return fields["status"] == "running" and not fields.get("initial_definition") and not fields.get("limit")


def version_fields(migration: int, graph: str, definition: str) -> dict[str, str]:
    """The fields that say which flow a run was last migrated to."""
    return {"migration": str(migration), "graph": graph, "definition": definition}
