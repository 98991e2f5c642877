"""``selinon worker``: a Celery worker with the queues of the project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from selinon_cli.broker import check_broker
from selinon_cli.celery_app import APP_OPTION, flows_of, require_celery
from selinon_cli.exits import EXIT_FINDINGS, EXIT_INTERRUPTED, EXIT_OK, UsageError
from selinon_cli.options import Command, ProjectOptions, flag, integer, text, texts
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from celery import Celery

    from selinon_core.celery.app import Selinon


class WorkerOptions(ProjectOptions):
    """What ``selinon worker`` takes."""

    app = APP_OPTION
    queues = text("-Q", "--queues", help="Serve these queues only, separated by commas.", metavar="NAMES")
    lanes = texts("--lane", help="Serve the queues of this lane only (repeatable).", metavar="NAME")
    dispatcher_only = flag("--dispatcher-only", help="Advance flows, run no tasks.")
    tasks_only = flag("--tasks-only", help="Run tasks, advance no flows.")
    concurrency = integer("-c", "--concurrency", help="Processes or threads.", metavar="N", minimum=1)
    pool = text("-P", "--pool", help="How tasks run: prefork, threads, solo, gevent.", metavar="KIND")
    hostname = text("--hostname", help="The worker's name.", metavar="NAME")
    loglevel = text("-l", "--loglevel", help="How much the worker logs.", metavar="LEVEL", default="INFO")


def worker(terminal: Terminal, options: WorkerOptions) -> int:
    """Serve the project's queues until interrupted."""
    if options.dispatcher_only and options.tasks_only:
        raise UsageError("--dispatcher-only and --tasks-only are each other's opposite")
    if options.pool is not None:
        _make_way(options.pool)
    selinon = flows_of(terminal, options.app, options.paths)
    if options.lanes:
        _check_lanes(selinon, options)
    found = project_queues(selinon, options.dispatcher_only, options.tasks_only, options.lanes or None)
    served = options.queues or ",".join(found)
    if options.queues is not None:
        _check_queues(terminal, selinon, options.queues.split(","))
    words = ["worker", "--queues", served, "--loglevel", options.loglevel]
    for name, value in (
        ("--concurrency", options.concurrency),
        ("--pool", options.pool),
        ("--hostname", options.hostname),
    ):
        if value is not None:
            words += [name, str(value)]
    check_broker(selinon.app)
    terminal.note(f"serving {served}")
    if options.dispatcher_only or options.tasks_only:
        _warn_of_shared(terminal, selinon, served.split(","), options.dispatcher_only)
    ended = _served(selinon.app, words)
    if isinstance(ended, str):
        terminal.error(ended.removeprefix("selinon: "))
        return EXIT_FINDINGS
    from celery.worker import state

    return EXIT_INTERRUPTED if state.should_stop else ended or EXIT_OK  # what Ctrl-C sets; SIGTERM sets 0


def _make_way(pool: str) -> None:
    """Let gevent and eventlet replace what blocks, before anything is imported that keeps the original."""
    require_celery()
    from celery import maybe_patch_concurrency

    try:
        maybe_patch_concurrency(["--pool", pool])
    except ImportError as error:
        raise UsageError(f"the pool {pool} cannot be used: {error}", f"pip install {pool}") from None


def _served(app: Celery, words: list[str]) -> int | str | None:
    """Run Celery's own command; how the worker ended, which ``app.worker_main`` keeps to itself."""
    from celery.bin.celery import celery
    from click import ClickException

    celery.params[0].default = app
    try:
        ended: int | str | None = celery.main(args=words, standalone_mode=False)
    except ClickException as error:
        raise UsageError(error.format_message()) from None
    except SystemExit as end:
        return end.code
    return ended


def _check_lanes(selinon: Selinon, options: WorkerOptions) -> None:
    """Refuse lanes that there are not, and those whose queues are those of runs without a lane."""
    from selinon_core.diagnostics.wording import suggestion

    if options.queues is not None:
        raise UsageError("--lane and --queues both say which queues are served")
    lanes = selinon.plan.settings.lanes
    for name in options.lanes:
        if name not in lanes:
            raise UsageError(f'no lane is named "{name}"', suggestion(name, lanes))
        if not lanes[name].queue_suffix:
            raise UsageError(
                f'the lane "{name}" has no queues of its own', "give it a queue_suffix in global.lanes"
            )


def _check_queues(terminal: Terminal, selinon: Selinon, queues: list[str]) -> None:
    """Refuse a queue that is probably misspelt, and warn of one that no flow and no task has.

    The latter may hold messages of other Celery tasks, or of runs from before a queue was renamed.
    """
    from selinon_core.diagnostics.wording import did_you_mean

    known = project_queues(selinon)
    for queue in queues:
        if queue in known:
            continue
        close = did_you_mean(queue, known)
        if close:
            raise UsageError(
                f'no flow and no task has the queue "{queue}"',
                f'did you mean "{close}"? (celery worker -Q serves any queue)',
            )
        terminal.warn(f'no flow and no task has the queue "{queue}"; there are: {", ".join(known)}')


def _warn_of_shared(terminal: Terminal, selinon: Selinon, served: list[str], dispatcher_only: bool) -> None:
    """A queue that flows and tasks have in common brings both kinds of messages, whatever was asked for."""
    others = project_queues(selinon, tasks_only=dispatcher_only, dispatcher_only=not dispatcher_only)
    for queue in sorted({*served} & {*others}):
        also = "tasks run" if dispatcher_only else "flows are advanced"
        terminal.warn(
            f'{also} here too: the queue "{queue}" is one of flows and of tasks '
            "(default_dispatcher_queue and default_task_queue keep them apart)"
        )


def project_queues(
    selinon: Selinon,
    dispatcher_only: bool = False,
    tasks_only: bool = False,
    lanes: Sequence[str] | None = None,
) -> list[str]:
    """The queues of a project, by kind; of some lanes, or of all."""
    from selinon_core.celery.transport.message_builder import MessageBuilder

    plan = selinon.plan
    writer = MessageBuilder(plan, selinon.app.conf.task_default_queue)
    names = [*(() if tasks_only else plan.flows), *(() if dispatcher_only else plan.tasks)]
    return list(writer.queues(names, lanes))


COMMAND = Command(
    "worker",
    "Start a Celery worker that serves the project's queues.",
    worker,
    options=WorkerOptions,
    epilog="The same as `celery -A APP worker -Q ...`; further options are there.",
    examples=(
        "selinon worker                              # with a private server",
        "selinon worker --app shop.app -c 8",
        "selinon worker --app shop.app --dispatcher-only",
    ),
)
