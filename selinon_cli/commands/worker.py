"""``selinon worker``: a Celery worker with the queues of the project."""

from __future__ import annotations

from collections.abc import Sequence

from selinon_cli.celery_app import APP_OPTION, flows_of
from selinon_cli.exits import FINE, NOT_FINE, WrongUse
from selinon_cli.options import Command, Option
from selinon_cli.terminal import Terminal


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
        raise WrongUse("--dispatcher-only and --tasks-only are each other's opposite")
    selinon = flows_of(app, paths)
    served = queues or ",".join(project_queues(selinon, dispatcher_only, tasks_only))
    words = ["worker", "--queues", served, "--loglevel", loglevel]
    for flag, value in (("--concurrency", concurrency), ("--pool", pool), ("--hostname", hostname)):
        if value is not None:
            words += [flag, str(value)]
    terminal.note(f"serving {served}")
    try:
        selinon.app.worker_main(words)
    except SystemExit as end:
        if isinstance(end.code, str):
            terminal.error(end.code)
            return NOT_FINE
        return end.code or FINE
    return FINE


def project_queues(selinon: object, dispatcher_only: bool = False, tasks_only: bool = False) -> list[str]:
    """The queues of a project, by kind."""
    from selinon_core.celery.app import Selinon
    from selinon_core.celery.letters import LetterWriter

    assert isinstance(selinon, Selinon)
    plan = selinon.plan
    writer = LetterWriter(plan, selinon.app.conf.task_default_queue)
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
        Option("concurrency", ("-c", "--concurrency"), "Processes or threads.", kind="int", minimum=1),
        Option("pool", ("-P", "--pool"), "How tasks run: prefork, threads, solo, gevent.", metavar="KIND"),
        Option("hostname", ("--hostname",), "The worker's name.", metavar="NAME"),
        Option("loglevel", ("-l", "--loglevel"), "How much the worker tells.", metavar="LEVEL", default="INFO"),
    ),
    epilog="The same as `celery -A APP worker -Q ...`; further options are there.",
)
