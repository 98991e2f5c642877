"""How fast something is done to many flow runs: ``10/s``, ``90/m``, ``500/h``."""

from __future__ import annotations

from selinon_core.errors import RequestError

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
#: The remedy for a text that is not a rate.
EXAMPLES = "write 10/s, 90/m or 500/h"


def pause_of(rate: str) -> float:
    """The seconds between two runs; raises ``RequestError`` for a text that is not a rate."""
    number, _, unit = rate.partition("/")
    try:
        if unit in _SECONDS and 0 < float(number) < float("inf"):
            return _SECONDS[unit] / float(number)
    except ValueError:
        pass
    raise RequestError(f'"{rate[:80]}" is not a rate: {EXAMPLES}')
