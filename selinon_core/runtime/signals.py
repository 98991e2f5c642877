"""What a signal makes of the task that waits for it; of any driver."""

from __future__ import annotations

from selinon_core.errors import Rejected

#: The most characters of a reason that is kept.
MAX_REASON = 1000


def rejection(why: str) -> Rejected:
    """The error of a task whose wait was rejected."""
    return Rejected(why[:MAX_REASON] or "rejected")
