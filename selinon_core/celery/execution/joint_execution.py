"""Begins and completes several flow runs, each as ``FlowExecutor`` does, and shares requests among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from selinon_core.celery.execution.commit_steps import Advanced, Steps
from selinon_core.celery.execution.executor_context import ExecutorParts
from selinon_core.celery.execution.flow_executor import FlowExecutor
from selinon_core.celery.execution.inbox_codec import InboxEntry
from selinon_core.celery.execution.inline_selection import InlineBudget, InlineTask
from selinon_core.celery.transport.message_schema import StartMessage
from selinon_core.dispatch import events as on


class JointExecution:
    """Advances flow runs of one plan together; safe under threads."""

    def __init__(self, parts: ExecutorParts, executor: FlowExecutor) -> None:
        self._parts = parts
        self._executor = executor

    def start_together(
        self, messages: Iterator[StartMessage], budget: Callable[[], InlineBudget]
    ) -> list[InlineTask | Exception | None]:
        """Begin flow runs that callers asked for, as ``start`` for each: their first commits are one request.

        Of each, in the same order, the task to be run inline, or what ``start`` would raise.
        """
        executor, taken = self._executor, list[StartMessage]()

        def loops() -> Iterator[Steps]:
            for message in messages:
                taken.append(message)
                yield executor.begin_steps(message, self._parts.now(), budget())

        ended = self._parts.steps.together(loops())
        return [
            _tried(advanced, lambda advanced, start=message: executor.begun(start, advanced))  # type: ignore[misc]
            for message, advanced in zip(taken, ended, strict=True)
        ]

    def complete_each(
        self, ended: Sequence[tuple[InlineTask, InlineBudget]]
    ) -> list[InlineTask | Exception | None]:
        """Tasks of several flow runs ended well that were run inline: as ``complete`` for each, and what takes the
        short cut is committed together.

        Of each, in the same order, the task to be run inline next, or what ``complete`` would raise.
        """
        advanced = self._parts.steps.together(self._short_cut_of(*each) for each in ended)
        return [
            _tried(each, lambda each, of=of: self._completed(each, *of))  # type: ignore[misc]
            for each, of in zip(advanced, ended, strict=True)
        ]

    def _short_cut_of(self, task: InlineTask, budget: InlineBudget) -> Steps:
        """The short cut, if it can be taken; else nothing is done."""
        parts, message = self._parts, task.message
        run = (
            parts.cache.take(message.id)
            if parts.serves(parts.messages.queue(message.flow, message.lane))
            else None
        )
        if run is None:
            return Advanced(False)
        if not run.is_last_open_node(message.number):
            parts.cache.put(run)
            return Advanced(False)
        event = on.NodeSucceeded(message.number)
        return (yield from self._executor.short_cut(run, event, message.number, budget, True))

    def _completed(self, advanced: Advanced, task: InlineTask, budget: InlineBudget) -> InlineTask | None:
        if advanced.kept:
            self._executor.advance_parents()
            return advanced.inline_task
        message = task.message
        return self._executor.complete(message, InboxEntry(on.NodeSucceeded(message.number)), budget, inline=True)


def _tried(
    advanced: Advanced | Exception, then: Callable[[Advanced], InlineTask | None]
) -> InlineTask | Exception | None:
    if isinstance(advanced, Exception):
        return advanced
    try:
        return then(advanced)
    except Exception as error:
        return error
