"""What ``selinon rerun`` takes."""

from __future__ import annotations

from selinon_cli.celery_app import APP_OPTION
from selinon_cli.options import PROJECT, Options, choice, flag, group, text, texts
from selinon_cli.run_batch import BatchOptions
from selinon_cli.run_filters import RunFilterOptions
from selinon_cli.run_options import (
    GRAPH,
    MAX_STEPS,
    PYTHONPATH,
    REPORT,
    TRACE,
    ExecutionOptions,
    MockOptions,
)


class RerunOptions(Options):
    """What ``selinon rerun`` takes."""

    run = text(
        help="The run: a report of a local run (- for stdin), or the id of a flow run on workers; "
        "without, the runs on workers that the filters find.",
        metavar="RUN",
        complete="run",
    )
    select = texts(
        "--select",
        help="What runs again: Name, flow/Name, Name#2, state:failed, Name+, ...; repeatable. "
        "By default state:failed and state:unfinished.",
        metavar="SELECTOR",
    )
    exclude = texts("--exclude", help="What does not, as --select; repeatable.", metavar="SELECTOR")
    give = texts(
        "--give",
        help="A result that a task gets instead of running; repeatable.",
        metavar="NODE=JSON|@FILE",
    )
    node_args = texts(
        "-a",
        "--node-args",
        help="Other arguments of the flow: JSON, @file, or key=value (repeatable; values are JSON or text).",
        metavar="ARGS",
    )
    reconsider = flag("--reconsider", help="Ask conditions and foreach functions again.")
    if_changed = flag("--if-changed", help="Run what follows only where a result is another one than before.")
    plan = flag("--plan", help="Say what would be done, and do nothing.")
    yes = flag("-y", "--yes", help="Do not ask before tasks that succeeded run again, and before runs of a query.")
    project = PROJECT
    app = APP_OPTION
    detach = flag("--detach", help="Print the id of the new flow run on workers, and do not wait.")
    by = text("--by", help="Who asks, for the audit; by default user@host.", metavar="NAME")
    filters = group(RunFilterOptions, panel="Many runs on workers")
    batch = group(BatchOptions, without=("by", "yes", "dry_run"), panel="Many runs on workers")
    execution = group(ExecutionOptions, panel="Storages and time")
    mocking = group(MockOptions, panel="Mocks")
    max_steps = MAX_STEPS
    report = REPORT
    format = choice(
        "--format",
        help="What to print at the end, or with --plan: text, or JSON.",
        choices=("text", "json"),
        default="text",
    )
    trace = TRACE
    graph = GRAPH
    pythonpath = PYTHONPATH
