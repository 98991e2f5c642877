"""Runs a request to the broker with a deadline, whatever the broker does.

A broker may accept a connection and say nothing: a half-open connection, a frozen server, RabbitMQ under a memory
or disk alarm. Its clients have time-outs for some of these cases only, so the request is made in a thread of its
own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


def within(seconds: float | None, action: Callable[[], None], what: str) -> None:
    """Do something for at most so many seconds (None: without a limit); raises what it raises.

    Raises ``TimeoutError`` after that. The action goes on unheard then: the broker may still do what it was asked.
    """
    if seconds is None:
        action()
        return
    errors: list[BaseException] = []

    def run() -> None:
        try:
            action()
        except BaseException as error:  # it is the caller's
            errors.append(error)

    thread = threading.Thread(target=run, name="selinon-request", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"the broker did not take {what} within {seconds:g} s; it may still take it later")
    if errors:
        raise errors[0]
