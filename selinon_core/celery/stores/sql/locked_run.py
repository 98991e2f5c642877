"""One step of one flow run: its row is locked, what the step needs is read, then what it changes is written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import sqlalchemy as sa

from selinon_core.celery.stores import delivery_rules as rules
from selinon_core.celery.stores.outbox_keys import SEND_TASK, START_INLINED, OutboxKey
from selinon_core.celery.stores.protocol import NodeRecord, Opened
from selinon_core.celery.stores.sql.changes import Changes
from selinon_core.celery.stores.sql.tables import Tables

#: Fields of a header with a column of their own, and the types of these.
OWN = {"status": str, "flow": str, "queue": str, "inbox_threshold": int, "idle_check_after": float}

#: The texts of the timers that outlive their flow run (``TimerKey.outlives_run``).
OF_MESSAGES = f"{SEND_TASK}%"


class RunSnapshot(NamedTuple):
    """The state of a run beside its row, as far as a step asked for it.

    ``waiting`` is the length of the inbox, if it was not to be counted 0 or 1. ``outbox`` and ``timer`` leave out
    what the question left out.
    """

    waiting: int
    outbox: bool
    timer: float | None
    inlined: int | None
    payload: str | None
    records: Mapping[int, NodeRecord]


class RunTransaction:
    """A step of the run ``id``; ``row`` is None when there is no such run."""

    def __init__(self, connection: sa.Connection, tables: Tables, flow_id: str) -> None:
        self.id = flow_id
        self.connection = connection
        self.tables = tables
        self.changes = Changes(connection)
        self._values: dict[str, Any] = {}
        self._new = False
        self._flushed = True
        self.row: Any = connection.execute(tables.lock, {"run": flow_id}).first()

    # -- reading ----------------------------------------------------------------------------------------------

    def look(
        self,
        numbers: Iterable[int] = (),
        *,
        counted: bool = False,
        done: Sequence[str] = (),
        changed: Sequence[str] = (),
        timers: str = "%",
    ) -> RunSnapshot:
        """Read what a step needs, all at once.

        The records of node runs ``numbers``, payload and inlined node run of the first of them; whether anything
        but ``done`` is in the outbox; when the first of the ``timers`` that are not ``changed`` is due.
        """
        numbers = list(numbers)
        values = {"run": self.id, "numbers": numbers, "number": numbers[0] if numbers else -1}
        values |= {"counted": counted, "done": list(done), "changed": list(changed), "timers": timers}
        rows = self.connection.execute(self.tables.look, values).all()
        records = {row.number: record_of(row) for row in rows if row.number is not None}
        first = rows[0]
        return RunSnapshot(first.waiting, bool(first.outbox), first.timer, first.inlined, first.payload, records)

    def entries(self) -> list[Any]:
        """What is in the inbox, oldest first: rows of ``id`` and ``entry``."""
        return list(self.connection.execute(self.tables.entries, {"run": self.id}).all())

    def open(self, known: int, lease: float, now: float, entries: Sequence[str] = ()) -> Opened:
        """Take the lease; ``entries`` are on their way into the inbox."""
        row, until = self.row, now + lease
        known = known if known <= row.version else 0
        self.change(token=row.token + 1, lease=until, due=until)
        found: dict[str, list[str]] = {"log": [], "inbox": [], "outbox": [], "due": []}
        for part in self.connection.execute(self.tables.opened, {"run": self.id, "known": known, "now": now}):
            found[part.kind].append(part.text)
        entries = [*found["inbox"], *entries]
        header = header_of(row)
        return Opened(
            row.token + 1, row.version, known, found["log"], entries, header, found["outbox"], found["due"]
        )

    def facts(self, look: RunSnapshot, values: Mapping[str, Any] | None = None) -> rules.RunFacts:
        """What the rules need to know; ``values`` are columns of the row that change in this step."""
        changed = values or {}

        def column(name: str) -> Any:
            return changed[name] if name in changed else getattr(self.row, name)

        return rules.RunFacts(
            running=column("status") == "running",
            lease=column("lease"),
            waiting=look.waiting,
            inbox_threshold=column("inbox_threshold"),
            outbox=look.outbox,
            timer=look.timer,
            idle_check_after=column("idle_check_after"),
            updated=column("updated"),
            silent_after=column("silent_after"),
            wakeups_sent=column("wakeups_sent"),
            seen=self._least_recently_seen,
            missing=self._awaited_messages,
        )

    def _least_recently_seen(self) -> float | None:
        nodes = self.tables.nodes
        query = sa.select(sa.func.min(nodes.c.seen_at)).where(*unfinished(self.tables, self.id))
        seen: float | None = self.connection.execute(query).scalar()
        return seen

    def _awaited_messages(self) -> int:
        if self.row.undelivered <= 0:
            return 0
        timers = self.tables.timers
        names = self.connection.execute(sa.select(timers.c.name).where(timers.c.run == self.id)).scalars()
        return rules.awaited_messages(self.row.undelivered, names)

    # -- changing ---------------------------------------------------------------------------------------------

    def change(self, **values: Any) -> None:
        """Change columns of the run's row."""
        self._values |= values

    def create(self, header: Mapping[str, str], now: float) -> None:
        """Make the run's row, with version 0."""
        values: dict[str, Any] = {name: kind(header.get(name) or 0) for name, kind in OWN.items()}
        values |= dict.fromkeys(("version", "token", "undelivered", "wakeups_sent"), 0)
        values |= {"lease": 0.0, "silent_after": 0.0, "created": now, "updated": now, "due": None, "expires": None}
        values["fields"] = json.dumps({name: value for name, value in header.items() if name not in OWN})
        self._new, self._values = True, values
        self.row = SimpleNamespace(id=self.id, **values)

    def put_record(self, number: int, record: NodeRecord) -> None:
        """Write the record of a node run; the begin of a node run counts as a heartbeat."""
        key = {"run": self.id, "number": number}
        self.changes.put(self.tables.nodes, key, **record._asdict(), seen_at=record.begun_at)

    def add_entries(self, entries: Sequence[str]) -> Sequence[str]:
        """Put entries into the inbox, in this order; returns those that are only there after ``send``."""
        if len(entries) == 1:
            self.changes.insert(self.tables.inbox, run=self.id, entry=entries[0])
            return entries
        rows = [{"run": self.id, "entry": entry} for entry in entries]
        self.connection.execute(self.tables.inbox.insert(), rows)
        return ()

    def put_outbox(self, keys: Iterable[str]) -> None:
        """Add keys to the outbox."""
        self.changes.put_all(self.tables.outbox, [{"run": self.id, "name": key} for key in dict.fromkeys(keys)])

    def put_timers(self, timers: Mapping[str, float]) -> None:
        """Set timers."""
        for name, due in timers.items():
            self.changes.put(self.tables.timers, {"run": self.id, "name": name}, due=due)

    def put_error(self, task_id: str, body: str, expires: float) -> None:
        """Keep the error of a task run."""
        self.changes.put(self.tables.errors, {"task": task_id}, body=body, expires=expires)

    def due_by(self, at: float) -> None:
        """Make the sweep check the run at that time or earlier."""
        self.change(due=rules.earliest((self.row.due, at)))

    def leave_inlined(self, carrier: int, inlined: int | None, now: float) -> None:
        """The receiver of a message is dead: the node run that it ran inline goes into the outbox."""
        if inlined is not None:
            self.changes.delete(self.tables.inlined, run=self.id, carrier=carrier)
            self.put_outbox([str(OutboxKey(START_INLINED, inlined))])
            self.due_by(now + rules.WAKEUP_BACKOFF)
            if self.row.status == "running":
                self.change(updated=now, silent_after=0.0)

    def may_be_forgotten(self) -> None:
        """The step commits no decision: it need not wait for the disk while others wait for the run's row."""
        self._flushed = False

    def send(self) -> None:
        """Make the changes."""
        if self._new:
            self.changes.insert(self.tables.runs, id=self.id, **self._values)
        elif self._values:
            self.changes.update(self.tables.runs, {"id": self.id}, **self._values)
        self.changes.send(flushed=self._flushed)


def unfinished(tables: Tables, flow_id: str) -> tuple[Any, ...]:
    """Conditions for node runs that are begun and not done."""
    nodes = tables.nodes
    return nodes.c.run == flow_id, nodes.c.seen_at > 0, ~nodes.c.done


def record_of(row: Any) -> NodeRecord:
    """The record in a row of the table of node runs."""
    return NodeRecord(row.delivery, row.begun_at, row.attempts, row.retries, row.deliveries, bool(row.done))


def header_of(row: Any) -> dict[str, str]:
    """The header in a row of the table of runs."""
    fields: dict[str, str] = json.loads(row.fields)
    fields |= {"flow": row.flow, "queue": row.queue, "status": row.status, "version": str(row.version)}
    fields |= {
        "inbox_threshold": str(row.inbox_threshold),
        "idle_check_after": repr(row.idle_check_after),
        "lease": repr(row.lease),
    }
    return fields | {"created": repr(row.created), "updated": repr(row.updated)}
