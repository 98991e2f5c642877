"""Warns at a worker's start of Redis settings that lose flow runs: eviction, no persistence."""

from __future__ import annotations

import logging
from typing import Any

_log = logging.getLogger("selinon")

#: What becomes of flows when a server removes what it keeps.
_WITHOUT = {"flow runs": "which then never end", "messages": "and flows that were asked for do not begin"}


def warn_of_settings(client: Any) -> None:
    """Log a warning for each setting of the server that loses flow runs; nothing where ``INFO`` is forbidden."""
    try:
        found: dict[str, Any] = client.info()
    except Exception as error:
        _log.debug("cannot look at the settings of the state store in Redis: %s", error)
        return
    for text in dangers(found):
        _log.warning("the state store in Redis: %s", text)


def dangers(found: dict[str, Any], kept: str = "flow runs") -> list[str]:
    """Sentences about what ``INFO`` of a server says that keeps flow runs, or ``messages``."""
    texts = []
    policy = found.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        texts.append(
            f"maxmemory-policy is {policy}: a server that is full removes {kept}, {_WITHOUT[kept]}. "
            "Set maxmemory-policy noeviction"
        )
    if not int(found.get("aof_enabled", 1)):
        texts.append(f"appendonly is off: a restart of the server loses {kept}. Set appendonly yes")
    if int(found.get("cluster_enabled", 0)) and kept == "flow runs":
        texts.append("a cluster cannot keep flow runs: one step touches keys of several slots")
    return texts
