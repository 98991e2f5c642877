"""What node runs say while they run, as commands and the page show it: how far they are, and what they logged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.items import LOG, PROGRESS


def progress_of(store: Store, flow_id: str) -> dict[str, dict[str, Any]]:
    """How far the tasks of a flow run are, by the ids of their node runs: ``{"done", "of", "text", "at"}``."""
    found = {}
    for item in store.items.of_run(PROGRESS, flow_id):
        kept = json.loads(item.text)
        found[item.id] = {"done": kept["done"], "of": kept["of"], "text": kept["text"], "at": item.at}
    return found


def logs_of(store: Store, flow_id: str, node_id: str | None = None) -> list[dict[str, Any]]:
    """What the tasks of a flow run, or one node run, logged: an entry for each attempt, the oldest first.

    ``{"id", "number", "node", "attempt", "dropped", "lines": [{"at", "level", "text"}]}``; ``dropped`` counts
    older lines that were not kept, ``at`` is seconds since the epoch.
    """
    found = []
    for item in store.items.of_run(LOG, flow_id):
        id = item.id.rpartition(":")[0]
        if node_id is None or id == node_id:
            found.append(_entry(id, json.loads(item.text)))
    return found


def _entry(id: str, kept: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": id,
        "number": kept["number"],
        "node": kept["task"],
        "attempt": kept["attempt"],
        "dropped": kept["dropped"],
        "lines": [{"at": at, "level": level, "text": text} for at, level, text in kept["lines"]],
    }
