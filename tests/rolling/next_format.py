"""A selinon that is to come: it writes messages, headers and logs in a format that is not known yet.

``celery -A tests.rolling.next_format:app worker`` is a worker of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from selinon_core.celery.execution import run_loader
from selinon_core.celery.stores import outbox_keys
from selinon_core.celery.transport import message_schema, publisher
from selinon_core.dispatch import codec
from selinon_core.dispatch import events as on

NEXT = 50
#: A key of the outbox and a timer that are not known yet; there is nothing to do about them.
NEW_KEY, NEW_TIMER = "Z3", "zeta"


@contextmanager
def next_format() -> Iterator[None]:
    """Messages and runs that are made here are of the next format; cancelling says who asked for it."""
    cancelled = codec._Reader(2, lambda who: on.FlowCancelled())
    with ExitStack() as stack:
        for module in (codec, run_loader, message_schema, publisher):
            stack.enter_context(patch.object(module, "FORMAT", NEXT))
        known = message_schema.KNOWN_FORMATS | {NEXT}
        stack.enter_context(patch.object(message_schema, "KNOWN_FORMATS", known))
        stack.enter_context(patch.object(run_loader, "required_format", lambda table: NEXT))
        keys, timers = outbox_keys._NUMBERED_KEYS | {NEW_KEY[0]}, outbox_keys._BARE_TIMERS | {NEW_TIMER}
        stack.enter_context(patch.multiple(outbox_keys, _NUMBERED_KEYS=keys, _BARE_TIMERS=timers))
        stack.enter_context(patch.dict(codec._READERS, {"Z": cancelled}))
        stack.enter_context(patch.dict(codec._WRITERS, {on.FlowCancelled: lambda event: ["Z", "ann"]}))
        yield


if "TESTED_PROJECT" in os.environ:
    for_good = next_format()  # it would be left when it is collected
    for_good.__enter__()
    from tests.celery.real_app import app as app
