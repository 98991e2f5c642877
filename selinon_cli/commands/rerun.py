"""``selinon rerun``: a new run that reuses what a recorded one did, and runs the rest again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, UsageError
from selinon_cli.options import Command
from selinon_cli.run_options import RerunOptions
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.plan import Plan
    from selinon_core.project import Project
    from selinon_core.rerunning.preview import Preview


def rerun(terminal: Terminal, options: RerunOptions) -> int:
    """Print the preview, or run the flow again; 1 when the rerun fails or results are missing for it."""
    from selinon_cli.rerun_inputs import is_report, recorded_report, request_of

    assert options.run is not None
    if not is_report(options.run):
        raise UsageError(
            f"{options.run} is not the report of a run: runs on workers cannot be run again yet",
            "selinon retry lets a failed run on workers go on; selinon run --local --report FILE writes a report",
        )
    if options.app is not None:
        raise UsageError("--app is about workers, and a report is run again in this process")
    _check_targets(options)
    from selinon_cli.project import load_project

    plan, project = load_project(terminal, options.project, options.pythonpath)
    report = recorded_report(options.run)
    request = request_of(plan, options)
    from selinon_cli.rerun_inputs import local_preview

    preview = local_preview(plan, report, request, reads_storages=_real_storages(plan, options))
    for note in preview.recorded.seen.notes:
        terminal.note(note)
    if options.plan:
        return _planned(terminal, preview, options.format)
    if preview.missing:
        raise _missing(preview)
    if preview.does_nothing:
        terminal.note("nothing is to run again: the run succeeded; --select says what is to")
        return EXIT_OK
    _agree(terminal, preview, options)
    return _run(terminal, plan, project, preview, options)


def _real_storages(plan: Plan, options: RerunOptions) -> frozenset[str]:
    real = options.execution.storage == "real"
    return frozenset(plan.storages) if real else frozenset(options.execution.real_storage)


def _check_targets(options: RerunOptions) -> None:
    from selinon_cli.output import check_run_targets

    if (options.report, options.trace, options.graph).count("-") > 1:
        raise UsageError("only one of --report, --trace and --graph can be written to stdout")
    check_run_targets(options.report, options.trace, options.graph)


def _planned(terminal: Terminal, preview: Preview, format: str) -> int:
    if format == "json":
        import json

        from selinon_core.rerunning.rows import Rows

        terminal.data(json.dumps(Rows(preview).to_json(), indent=2) + "\n")
    else:
        from selinon_cli.render.rerun_plan import rerun_plan

        terminal.data(rerun_plan(preview))
    if preview.missing and format == "text":
        error = _missing(preview)
        terminal.error(str(error))
        terminal.note(error.hint)
    return EXIT_FINDINGS if preview.missing else EXIT_OK


def _missing(preview: Preview) -> UsageError:
    from selinon_core.diagnostics.wording import listed
    from selinon_core.rerunning.rows import Rows

    labels = [row["node"] for row in Rows(preview).to_json()["missing"]]
    why = preview.why[preview.missing[0].run.id]
    named = listed(labels[:5]) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
    return UsageError(
        f"{named} cannot be reused: {why}",
        f"--select {labels[0]} runs it again, --give {labels[0]}=JSON gives its result",
    )


def _agree(terminal: Terminal, preview: Preview, options: RerunOptions) -> None:
    """Raise ``UsageError`` unless the user agrees that tasks run again which succeeded."""
    import sys

    names: dict[str, int] = {}
    for record in preview.repeated:
        names[record.run.name] = names.get(record.run.name, 0) + 1
    if not names or options.yes:
        return
    many = ", ".join(name if number == 1 else f"{number} x {name}" for name, number in names.items())
    if not sys.stdin.isatty():
        raise UsageError(
            f"tasks would run again that succeeded: {many}", "add --yes to run them, or --plan to look"
        )
    from selinon_cli.render.rerun_plan import rerun_plan

    terminal.err.write(rerun_plan(preview))
    terminal.note(f"tasks run again that succeeded: {many}. Go on? [y/N]")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("nothing was run")


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
    ),
)
