"""What ``selinon run`` takes, in groups that other commands which run flows share."""

from __future__ import annotations

from typing import Literal

from selinon_cli.celery_app import APP_OPTION
from selinon_cli.options import Options, ProjectOptions, choice, flag, group, integer, number, text, texts

PYTHONPATH = texts(
    "--pythonpath",
    help="A directory to import the project's modules from.",
    kind="path",
    metavar="DIR",
)
NODE_ARGS = texts(
    "-a",
    "--node-args",
    help="The flow's arguments: JSON, @file, or key=value (repeatable; values are JSON or text).",
    metavar="ARGS",
)
MAX_STEPS = integer(
    "--max-steps",
    help="Stop after this many node runs and retries; default 10 000, more with foreach.",
    metavar="N",
    minimum=1,
)
REPORT = text("--report", help="Write the JSON report, - for stdout.", kind="path", metavar="FILE")
TRACE = text("--trace", help="Write the events, one JSON object a line.", kind="path", metavar="FILE")
GRAPH = text(
    "--graph",
    help="Draw the run on the flow's graph; the ending says how (.svg, .png, .mmd, ...).",
    kind="path",
    metavar="FILE.svg",
)


class InputOptions(Options):
    """Which flow runs, and with which arguments."""

    flow = text(
        "--flow",
        help="The flow to run; by default the only one that no other flow starts.",
        metavar="NAME",
        complete="flow",
    )
    node_args = NODE_ARGS
    node_args_file = text(
        "--node-args-file",
        help="A JSON file with the flow's arguments, - for stdin.",
        kind="path",
        metavar="FILE",
    )


class ExecutionOptions(Options):
    """How a local run keeps results, waits and runs tasks."""

    storage: Literal["mocked", "real"] = choice(
        "--storage",
        help="Keep results in memory, or use the storages as configured.",
        choices=("mocked", "real"),
        default="mocked",
    )
    real_storage = texts(
        "--real-storage",
        help="Use this one storage as configured; repeatable.",
        metavar="NAME",
        complete="storage",
    )
    time: Literal["virtual", "real"] = choice(
        "--time", help="Jump over every wait, or really wait.", choices=("virtual", "real"), default="virtual"
    )
    concurrency = integer(
        "--concurrency",
        help="How many tasks run at once; with 1 runs repeat exactly.",
        metavar="N",
        default=1,
        minimum=1,
    )
    pool: Literal["thread", "process"] = choice(
        "--pool", help="What runs tasks at once.", choices=("thread", "process"), default="thread"
    )
    seed = integer(
        "--seed",
        help="Chooses ids and the order in which equally due tasks finish.",
        metavar="N",
        minimum=0,
    )


class MockOptions(Options):
    """What a local run does not run."""

    mock_tasks = flag("--mock-tasks", help="Run no task's code.")
    mock = texts(
        "--mock",
        help="The result of a task that is not to run; repeatable.",
        metavar="TASK=JSON",
        complete="mock",
    )
    mocks = text(
        "--mocks",
        help="A YAML file with outcomes of tasks and values of functions, or a run that was exported or reported.",
        kind="path",
        metavar="FILE",
    )
    signal = texts(
        "--signal",
        help="What a task with wait gets: at once, or at a time in seconds; repeatable.",
        metavar="TASK=JSON[@SECONDS]",
        complete="task",
    )
    reject = texts(
        "--reject",
        help="Reject what a task with wait waits for; repeatable.",
        metavar="TASK=WHY[@SECONDS]",
        complete="task",
    )
    fail = texts(
        "--fail",
        help="Let a task fail, always or its first N attempts; repeatable.",
        metavar="TASK[:N]",
        complete="task",
    )


class SelectionOptions(Options):
    """What a selective run is about."""

    select = texts("--select", help="Run only what leads to these tasks.", metavar="TASK,...", complete="task")
    follow_subflows = flag("--follow-subflows", help="Look for the tasks in sub-flows too.")
    run_subsequent = flag("--run-subsequent", help="Run what follows the tasks too.")
    reuse = text(
        "--reuse",
        help="The report of an earlier run, whose results selective run functions may reuse.",
        kind="path",
        metavar="REPORT.json",
    )


class RunOptions(ProjectOptions):
    """Everything that ``selinon run`` takes."""

    local = flag("--local", help="Run in this process; no services are needed.")
    app = APP_OPTION
    detach = flag("--detach", help="Print the id of the flow run and do not wait.")
    key = text(
        "--key",
        help="Start the flow once for this key; another start with it follows the same flow run.",
        metavar="KEY",
    )
    lane = text("--lane", help="The lane of the run, one of global.lanes.", metavar="NAME")
    expires = number(
        "--expires",
        help="Cancel the run if no worker begins it within so many seconds.",
        metavar="SECONDS",
        minimum=0.001,
    )
    input = group(InputOptions)
    execution = group(ExecutionOptions, panel="Storages and time")
    mocking = group(MockOptions, panel="Mocks")
    selection = group(SelectionOptions, panel="Selective runs")
    max_steps = MAX_STEPS
    durations = integer(
        "--durations",
        help="Name the N task runs that took most real time.",
        metavar="N",
        default=0,
        minimum=0,
    )
    report = REPORT
    record = text("--record", help="Write the run as a flow test case, - for stdout.", kind="path", metavar="FILE")
    format = choice(
        "--format",
        help="What to print at the end: a summary, or the JSON report.",
        choices=("text", "json"),
        default="text",
    )
    trace = TRACE
    graph = GRAPH
    pythonpath = PYTHONPATH
