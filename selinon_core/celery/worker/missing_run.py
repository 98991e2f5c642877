"""Reports a message whose flow run is missing in the state store, which then is dropped."""

from __future__ import annotations

import logging
from collections import OrderedDict

_log = logging.getLogger("selinon")
_REMEMBERED = 1000
_reported: OrderedDict[str, None] = OrderedDict()


def report(flow_id: str) -> None:
    """Log once per process that a run is gone: its messages end without an effect."""
    if flow_id in _reported:
        return
    _reported[flow_id] = None
    if len(_reported) > _REMEMBERED:
        _reported.popitem(last=False)
    _log.warning("the state store does not know flow run %r: it was expired, deleted or lost", flow_id)
