"""``selinon worker``: a Celery worker with the queues of the project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from selinon_cli.broker import check_broker
from selinon_cli.celery_app import APP_OPTION, flows_of, require_celery
from selinon_cli.exits import EXIT_FINDINGS, EXIT_INTERRUPTED, EXIT_OK, UsageError
from selinon_cli.options import Command, Option
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from celery import Celery

    from selinon_core.celery.app import Selinon


def worker(
    terminal: Terminal,
    *,
    paths: Sequence[str] = (),
    app: str | None = None,
    queues: str | None = None,
    dispatcher_only: bool = False,
    tasks_only: bool = False,
    concurrency: int | None = None,
    pool: str | None = None,
    hostname: str | None = None,
    loglevel: str = "INFO",
) -> int:
    """Serve the project's queues until interrupted."""
    if dispatcher_only and tasks_only:
        raise UsageError("--dispatcher-only and --tasks-only are each other's opposite")
    if pool is not None:
        _make_way(pool)
    selinon = flows_of(terminal, app, paths)
    served = queues or ",".join(project_queues(selinon, dispatcher_only, tasks_only))
    if queues is not None:
        _check_queues(terminal, selinon, queues.split(","))
    words = ["worker", "--queues", served, "--loglevel", loglevel]
    for flag, value in (("--concurrency", concurrency), ("--pool", pool), ("--hostname", hostname)):
        if value is not None:
            words += [flag, str(value)]
    check_broker(selinon.app)
    terminal.note(f"serving {served}")
    if dispatcher_only or tasks_only:
        _warn_of_shared(terminal, selinon, served.split(","), dispatcher_only)
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


def project_queues(selinon: Selinon, dispatcher_only: bool = False, tasks_only: bool = False) -> list[str]:
    """The queues of a project, by kind."""
    from selinon_core.celery.transport.message_builder import MessageBuilder

    plan = selinon.plan
    writer = MessageBuilder(plan, selinon.app.conf.task_default_queue)
    names = [*(() if tasks_only else plan.flows), *(() if dispatcher_only else plan.tasks)]
    return sorted({writer.queue(name) for name in names})


COMMAND = Command(
    "worker",
    "Start a Celery worker that serves the project's queues.",
    worker,
    options=(
        APP_OPTION,
        Option("queues", ("-Q", "--queues"), "Serve these queues only, separated by commas.", metavar="NAMES"),
        Option("dispatcher_only", ("--dispatcher-only",), "Advance flows, run no tasks.", kind="flag"),
        Option("tasks_only", ("--tasks-only",), "Run tasks, advance no flows.", kind="flag"),
        Option(
            "concurrency", ("-c", "--concurrency"), "Processes or threads.", kind="int", metavar="N", minimum=1
        ),
        Option("pool", ("-P", "--pool"), "How tasks run: prefork, threads, solo, gevent.", metavar="KIND"),
        Option("hostname", ("--hostname",), "The worker's name.", metavar="NAME"),
        Option("loglevel", ("-l", "--loglevel"), "How much the worker logs.", metavar="LEVEL", default="INFO"),
    ),
    epilog="The same as `celery -A APP worker -Q ...`; further options are there.",
    examples=(
        "selinon worker                              # with a private server",
        "selinon worker --app shop.app -c 8",
        "selinon worker --app shop.app --dispatcher-only",
    ),
)
