"""``selinon rerun``: a new run that reuses what a recorded one did, and runs the rest again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selinon_cli.celery_app import is_named
from selinon_cli.exits import UsageError
from selinon_cli.options import Command
from selinon_cli.rerun_options import RerunOptions
from selinon_cli.run_batch import has_filter
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.plan import Plan
    from selinon_core.project import Project
    from selinon_core.rerunning.preview import Preview


def rerun(terminal: Terminal, options: RerunOptions) -> int:
    """Print the preview, or run the flow again; 1 when the rerun fails or results are missing for it."""
    from selinon_cli.rerun_inputs import is_report, recorded_report, request_of
    from selinon_cli.rerun_preview import settled

    is_query = has_filter(options.filters)
    if (options.run is None) != is_query:
        raise UsageError("name a run, or find flow runs by --flow, --since and the like, not both")
    if options.run is None:
        from selinon_cli.rerun_batch import rerun_many

        return rerun_many(terminal, options)
    if not is_report(options.run):
        from selinon_cli.remote_rerun import rerun_remotely

        return rerun_remotely(terminal, options)
    if is_named(options.app) or options.detach or options.by is not None:
        raise UsageError("--app, --detach and --by are about workers, and a report is run again in this process")
    _check_targets(options)
    from selinon_cli.project import load_project

    plan, project = load_project(terminal, options.project, options.pythonpath)
    report = recorded_report(options.run)
    request = request_of(plan, options)
    from selinon_cli.rerun_inputs import local_preview

    preview = local_preview(plan, report, request, reads_storages=_real_storages(plan, options))
    code = settled(terminal, preview, options)
    if code is not None:
        return code
    return _run(terminal, plan, project, preview, options)


def _real_storages(plan: Plan, options: RerunOptions) -> frozenset[str]:
    real = options.execution.storage == "real"
    return frozenset(plan.storages) if real else frozenset(options.execution.real_storage)


def _check_targets(options: RerunOptions) -> None:
    from selinon_cli.output import check_run_targets

    if (options.report, options.trace, options.graph).count("-") > 1:
        raise UsageError("only one of --report, --trace and --graph can be written to stdout")
    check_run_targets(options.report, options.trace, options.graph)


def _run(terminal: Terminal, plan: Plan, project: Project, preview: Preview, options: RerunOptions) -> int:
    from selinon_cli.local_run import Outputs, run_locally
    from selinon_cli.run_inputs import local_options

    execution: Any = local_options(plan, options.execution, options.mocking, project.pythonpath)
    return run_locally(
        terminal,
        plan,
        preview.recorded.root.flow.name,
        preview.args,
        execution._replace(max_steps=options.max_steps, rerun=preview, pythonpath=project.pythonpath),
        outputs=Outputs(options.format, options.report, options.trace, options.graph),
    )


COMMAND = Command(
    "rerun",
    "Run a recorded run again: what failed and what depends on it runs, the rest is reused.",
    rerun,
    options=RerunOptions,
    examples=(
        "selinon run --local --report run.json",
        "selinon rerun run.json --plan                # what would run again, and what is reused",
        "selinon rerun run.json --report again.json   # what failed, and what depends on it",
        "selinon rerun run.json --select Charge --yes",
        "selinon rerun run.json --select 'Charge+,state:success' --exclude Ship --plan",
        'selinon rerun run.json --give Charge=\'{"receipt": "R-7"}\'',
        "selinon rerun 3f2a --plan                    # a run on workers, by the beginning of its id",
        "selinon rerun 3f2a --select Charge --yes --detach",
        "selinon rerun --flow order --since 1d --plan # what that would do to each failed run",
    ),
)
