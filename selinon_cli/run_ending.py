"""How a signal, or code of the project, ends a local run early, and what the command prints then.

The first Ctrl-C, and SIGTERM, interrupt the run: the report so far is printed and written. A second Ctrl-C ends
the process, for tasks that swallow the first. Without help, ``os._exit`` in a task would end the command silently,
with the exit code that the task passes.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from selinon_cli.exits import EXIT_FINDINGS, EXIT_INTERRUPTED
from selinon_cli.terminal import Terminal

#: 128 and the number of the signal, as shells have it.
EXIT_TERMINATED = 143


class Ending:
    """The exit code of an interrupted run."""

    def __init__(self) -> None:
        self.code = EXIT_INTERRUPTED


@contextmanager
def interruptible(terminal: Terminal) -> Iterator[Ending]:
    """Let signals interrupt the block with ``KeyboardInterrupt``, and a second Ctrl-C end the process."""
    ending, interrupts = Ending(), [0]

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupts[0] += 1
        if interrupts[0] > 1:
            terminal.warn("interrupted again: the process ends at once")
            terminal.flush()
            os._exit(EXIT_INTERRUPTED)
        raise KeyboardInterrupt

    def terminate(number: int, frame: FrameType | None) -> None:
        ending.code = EXIT_TERMINATED
        raise KeyboardInterrupt

    with (
        _handling(signal.SIGINT, signal.default_int_handler, interrupt),
        _handling(signal.SIGTERM, signal.SIG_DFL, terminate),
    ):
        yield ending


@contextmanager
def _handling(number: int, usual: object, handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle a signal in the block, unless something else does already."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(number) != usual:
        yield
        return
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


@contextmanager
def reported_exits(terminal: Terminal, report: Callable[[], object]) -> Iterator[None]:
    """Let ``os._exit`` in this process print an error, call ``report``, and end with a code other than 0.

    Processes that user code forks may end in that way: for them nothing changes.
    """
    end, process = os._exit, os.getpid()

    def exit_with_report(status: int) -> NoReturn:
        if os.getpid() == process:
            os._exit = end
            terminal.error(f"code of the project ended the process with os._exit({status})")
            try:
                report()
                terminal.flush()
            finally:
                end(status or EXIT_FINDINGS)
        end(status)

    os._exit = exit_with_report
    try:
        yield
    finally:
        os._exit = end
