"""``selinon run``: run a flow and print what happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from selinon_cli.celery_app import APP_OPTION
from selinon_cli.exits import UsageError
from selinon_cli.options import Command, Option
from selinon_cli.terminal import Terminal


def run(
    terminal: Terminal,
    *,
    paths: Sequence[str] = (),
    local: bool = False,
    flow: str | None = None,
    node_args: Sequence[str] = (),
    node_args_file: str | None = None,
    storage: str = "mocked",
    real_storage: Sequence[str] = (),
    time: str = "virtual",
    concurrency: int = 1,
    pool: str = "thread",
    seed: int | None = None,
    mock_tasks: bool = False,
    mock: Sequence[str] = (),
    mocks: str | None = None,
    fail: Sequence[str] = (),
    select: Sequence[str] = (),
    follow_subflows: bool = False,
    run_subsequent: bool = False,
    reuse: str | None = None,
    max_steps: int | None = None,
    report: str | None = None,
    format: str = "text",
    trace: str | None = None,
    graph: str | None = None,
    durations: int = 0,
    pythonpath: Sequence[str] = (),
    app: str | None = None,
    detach: bool = False,
    received: Callable[[dict[str, Any]], None] | None = None,
) -> int:
    """Run a flow, in this process or on workers; 1 when it fails. ``received`` is called with a local report."""
    if (follow_subflows or run_subsequent) and not select:
        raise UsageError("--follow-subflows and --run-subsequent are about the tasks named by --select")
    if reuse is not None and not select:
        raise UsageError("--reuse is about runs with --select: it names what selective run functions may reuse")
    if (report, trace, graph).count("-") > 1:
        raise UsageError("only one of --report, --trace and --graph can be written to stdout")
    from selinon_cli import run_inputs
    from selinon_cli.local_run import Outputs, Selection, run_locally
    from selinon_cli.output import check_target, graph_format
    from selinon_cli.project import chosen_flow, known_name, load_project
    from selinon_core.local import LocalOptions

    tasks = run_inputs.names(select)
    if select and not tasks:
        raise UsageError("--select names no task")
    # Before the run: a misspelt file name must not make the user repeat what the tasks have done.
    for target in (report, trace, graph):
        if target is not None:
            check_target(target)
    if graph is not None:
        graph_format(graph)
    arguments = run_inputs.node_args(node_args, node_args_file)
    if not local:
        from selinon_cli.remote_run import run_remotely

        return run_remotely(
            terminal,
            paths=paths,
            app=app,
            flow=flow,
            arguments=arguments,
            tasks=tasks,
            follow_subflows=follow_subflows,
            run_subsequent=run_subsequent,
            detach=detach,
            format=format,
        )
    if app is not None or detach:
        raise UsageError("--app and --detach are about workers; with --local there are none")
    plan, project = load_project(terminal, paths, pythonpath)
    name = chosen_flow(plan, flow)
    for storage_name in real_storage:
        known_name("storage", storage_name, plan.storages)
    for task in tasks:
        known_name("task", task, plan.tasks)
    earlier = run_inputs.report(reuse)
    if earlier is not None:
        run_inputs.check_reuse(earlier, plan, name)
    options = LocalOptions(
        storage="real" if storage == "real" else "mocked",
        real_storages=frozenset(real_storage),
        time="real" if time == "real" else "virtual",
        concurrency=concurrency,
        pool="process" if pool == "process" else "thread",
        seed=seed,
        mocks=run_inputs.mocks(plan, mock, mocks),
        mock_all=mock_tasks,
        fail=run_inputs.failures(plan, fail),
        max_steps=max_steps,
        reuse=earlier,
        pythonpath=project.pythonpath,
    )
    return run_locally(
        terminal,
        plan,
        name,
        arguments,
        options,
        selection=Selection(tasks, follow_subflows, run_subsequent) if tasks else None,
        outputs=Outputs(format, report, trace, graph, durations=durations),
        received=received,
    )


COMMAND = Command(
    "run",
    "Run a flow: on Celery workers, or with --local in this process, on virtual time and with mocked storages.",
    run,
    options=(
        Option("local", ("--local",), "Run in this process; no services are needed.", kind="flag"),
        APP_OPTION,
        Option("detach", ("--detach",), "Print the id of the flow run and do not wait.", kind="flag"),
        Option(
            "flow",
            ("--flow",),
            "The flow to run; by default the only one that no other flow starts.",
            metavar="NAME",
            complete="flow",
        ),
        Option(
            "node_args",
            ("-a", "--node-args"),
            "The flow's arguments: JSON, @file, or key=value (repeatable; values are JSON or text).",
            metavar="ARGS",
            many=True,
        ),
        Option(
            "node_args_file",
            ("--node-args-file",),
            "A JSON file with the flow's arguments, - for stdin.",
            kind="path",
            metavar="FILE",
        ),
        Option(
            "storage",
            ("--storage",),
            "Keep results in memory, or use the storages as configured.",
            kind="choice",
            choices=("mocked", "real"),
            default="mocked",
            panel="Storages and time",
        ),
        Option(
            "real_storage",
            ("--real-storage",),
            "Use this one storage as configured; repeatable.",
            metavar="NAME",
            many=True,
            complete="storage",
            panel="Storages and time",
        ),
        Option(
            "time",
            ("--time",),
            "Jump over every wait, or really wait.",
            kind="choice",
            choices=("virtual", "real"),
            default="virtual",
            panel="Storages and time",
        ),
        Option(
            "concurrency",
            ("--concurrency",),
            "How many tasks run at once; with 1 runs repeat exactly.",
            kind="int",
            metavar="N",
            default=1,
            minimum=1,
            panel="Storages and time",
        ),
        Option(
            "pool",
            ("--pool",),
            "What runs tasks at once.",
            kind="choice",
            choices=("thread", "process"),
            default="thread",
            panel="Storages and time",
        ),
        Option(
            "seed",
            ("--seed",),
            "Chooses ids and the order in which equally due tasks finish.",
            kind="int",
            metavar="N",
            minimum=0,
            panel="Storages and time",
        ),
        Option("mock_tasks", ("--mock-tasks",), "Run no task's code.", kind="flag", panel="Mocks"),
        Option(
            "mock",
            ("--mock",),
            "The result of a task that is not to run; repeatable.",
            metavar="TASK=JSON",
            many=True,
            complete="mock",
            panel="Mocks",
        ),
        Option(
            "mocks",
            ("--mocks",),
            "A YAML file with outcomes of tasks and values of functions.",
            kind="path",
            metavar="FILE",
            panel="Mocks",
        ),
        Option(
            "fail",
            ("--fail",),
            "Let a task fail, always or its first N attempts; repeatable.",
            metavar="TASK[:N]",
            many=True,
            complete="task",
            panel="Mocks",
        ),
        Option(
            "select",
            ("--select",),
            "Run only what leads to these tasks.",
            metavar="TASK,...",
            many=True,
            complete="task",
            panel="Selective runs",
        ),
        Option(
            "follow_subflows",
            ("--follow-subflows",),
            "Look for the tasks in sub-flows too.",
            kind="flag",
            panel="Selective runs",
        ),
        Option(
            "run_subsequent",
            ("--run-subsequent",),
            "Run what follows the tasks too.",
            kind="flag",
            panel="Selective runs",
        ),
        Option(
            "reuse",
            ("--reuse",),
            "The report of an earlier run, whose results selective run functions may reuse.",
            kind="path",
            metavar="REPORT.json",
            panel="Selective runs",
        ),
        Option(
            "max_steps",
            ("--max-steps",),
            "Stop after this many node runs and retries; default 100 000.",
            kind="int",
            metavar="N",
            minimum=1,
        ),
        Option(
            "durations",
            ("--durations",),
            "Name the N task runs that took most real time.",
            kind="int",
            metavar="N",
            default=0,
            minimum=0,
        ),
        Option("report", ("--report",), "Write the JSON report, - for stdout.", kind="path", metavar="FILE"),
        Option(
            "format",
            ("--format",),
            "What to print at the end: a summary, or the JSON report.",
            kind="choice",
            choices=("text", "json"),
            default="text",
        ),
        Option(
            "trace",
            ("--trace",),
            "Write the events, one JSON object a line.",
            kind="path",
            metavar="FILE",
        ),
        Option(
            "graph",
            ("--graph",),
            "Draw the run on the flow's graph; the ending says how (.svg, .png, .mmd, ...).",
            kind="path",
            metavar="FILE.svg",
        ),
        Option(
            "pythonpath",
            ("--pythonpath",),
            "A directory to import the project's modules from.",
            kind="path",
            metavar="DIR",
            many=True,
        ),
    ),
    examples=(
        "selinon run --local",
        "selinon run --local --flow order -a id=7 -a gift=true",
        "selinon run --local --fail Charge:1 --mock Ship='{\"ok\": true}'",
        "selinon run --local --report report.json --graph run.svg",
        "selinon run --flow order -a @arguments.json --detach     # on workers",
    ),
)
