"""Snapshots: the canonical form of a case's run, kept in ``__snapshots__`` beside the case file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from selinon_core.diagnostics.wording import listed
from selinon_core.errors import RequestError
from selinon_core.explaining.words import shown
from selinon_core.testing.last_run import replace_file
from selinon_core.testing.observation import Observation
from selinon_core.testing.results import Finding, Note

DIRECTORY = "__snapshots__"


class SnapshotError(RequestError):
    """Raised for a snapshot file that cannot be used: nothing is written over it."""


_VERSION = 1
_Rows = list[dict[str, Any]]


def snapshot_rows(seen: Observation) -> _Rows:
    """The node runs in canonical order, without ids: what they were given, how they ended, when they began."""
    return [
        {
            "node": seen.label(record),
            "flow": record.flow_run.flow.name,
            "args": record.run.args,
            "parents": seen.parents(record),
            "status": record.run.status,
            "attempts": record.attempts,
            "result": None if record.run.is_flow else seen.result(record),
            "started_at": None if record.started_at is None else round(record.started_at, 6),
        }
        for record in seen.lineage.ordered
    ]


class Snapshots:
    """The snapshots of one case file.

    ``case_file`` opens the file, ``name`` is what messages call it. ``update`` replaces snapshots that differ,
    ``frozen`` writes nothing: there a missing snapshot is a finding.
    """

    def __init__(self, case_file: str, name: str, *, update: bool = False, frozen: bool = False) -> None:
        self._path = os.path.abspath(_beside(case_file))
        self._name = _beside(name)
        self._update = update
        self._frozen = frozen
        self._stored: dict[str, _Rows] | None = None
        self._new: dict[str, _Rows] = {}

    def compare(self, title: str, where: str | None, seen: Observation) -> Finding | None:
        """Hold a run against the snapshot of its case; without one, the run becomes the snapshot.

        Raises ``SnapshotError`` for a file that is not a snapshot file.
        """
        rows = json.loads(json.dumps(snapshot_rows(seen)))
        stored = self._new.get(title) or self._read().get(title)
        if stored is None and self._frozen:
            found = f"{self._name} has none of this case, and --ci writes none"
            return Finding("snapshot", "a snapshot to compare the run with", found, where)
        if stored is None or (self._update and title not in self._new):
            if stored != rows:
                self._new[title] = rows
            return None
        if stored == rows:
            return None
        differences = list(_differences(stored, rows))
        text = "; ".join(differences[:_MOST]) + ("; ..." if len(differences) > _MOST else "")
        wanted = f"the run to be as its snapshot in {self._name}"
        return Finding("snapshot", wanted, text, where, stored, rows)

    def finish(self, titles: Sequence[str]) -> list[Note]:
        """Write what is new; ``titles`` are those of all cases of the file that have a snapshot.

        Returns notes on what was written and on snapshots that no case has any more; ``update`` removes these.
        """
        if not self._new and not os.path.exists(self._path):
            return []
        if not self._new and not self._update:
            return self._obsolete(self._read(), titles)
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        with _locked(os.path.dirname(self._path)):
            self._stored = None  # another process of the same tests may have written since
            return self._write(self._read(), titles)

    def _write(self, stored: dict[str, _Rows], titles: Sequence[str]) -> list[Note]:
        kept = {title: rows for title, rows in stored.items() if not self._update or title in titles} | self._new
        if kept != stored:
            content = {"version": _VERSION, "cases": {title: kept[title] for title in sorted(kept)}}
            replace_file(self._path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        notes = self._obsolete(kept, titles)
        if self._new:
            notes.append(Note("snapshot-written", f"wrote {len(self._new)} to {self._name}"))
        return notes

    def _obsolete(self, stored: Iterable[str], titles: Sequence[str]) -> list[Note]:
        obsolete = [title for title in stored if title not in titles]
        if not obsolete:
            return []
        text = f"{self._name}: no case has the snapshot of {listed(repr(title) for title in obsolete)} any more"
        return [Note("obsolete-snapshot", text)]

    def _read(self) -> dict[str, _Rows]:
        if self._stored is None:
            self._stored = _read(self._path, self._name)
        return self._stored


#: How many differences a message has.
_MOST = 5


@contextmanager
def _locked(directory: str) -> Iterator[None]:
    """Keep other processes out of a directory of snapshots, where the system has such locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    lock = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _beside(case_file: str) -> str:
    directory, name = os.path.split(case_file)
    return os.path.join(directory, DIRECTORY, f"{name}.json")


def _read(path: str, name: str) -> dict[str, _Rows]:
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        raise SnapshotError(
            f"{name} is not a snapshot file: {error}; selinon test does not write over it"
        ) from None
    if not isinstance(value, dict) or not isinstance(value.get("cases"), dict):
        raise SnapshotError(f'{path} is not a snapshot file: it has no "cases"')
    if value.get("version") != _VERSION:
        raise SnapshotError(f"{name} has version {value.get('version')!r}; this selinon reads version {_VERSION}")
    for title, rows in value["cases"].items():
        if not isinstance(rows, list) or not all(isinstance(row, dict) and "node" in row for row in rows):
            raise SnapshotError(f"{name}: the snapshot of {title!r} is not a list of node runs")
    cases: dict[str, _Rows] = value["cases"]
    return cases


def _differences(stored: _Rows, rows: _Rows) -> Iterable[str]:
    before, now = _by_node(stored), _by_node(rows)
    for node, row in before.items():
        if node not in now:
            yield f"{node} did not run"
            continue
        for key, value in row.items():
            if now[node].get(key) != value:
                yield f"{key} of {node} is {shown(now[node].get(key))} instead of {shown(value)}"
    for node in now:
        if node not in before:
            yield f"{node} ran, which is new"


def _by_node(rows: _Rows) -> Mapping[str, dict[str, Any]]:
    return {str(row["node"]): row for row in rows}
