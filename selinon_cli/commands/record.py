"""``selinon record``: flow test cases from runs that happened."""

from __future__ import annotations

from selinon_cli.celery_app import APP_OPTION
from selinon_cli.exits import UsageError
from selinon_cli.options import PROJECT, Command, Options, choice, flag, text, texts
from selinon_cli.run_options import PYTHONPATH
from selinon_cli.terminal import Terminal


class RecordOptions(Options):
    """What ``selinon record`` takes."""

    runs = texts(
        help="Runs: reports, exports and traces, directories of them, ids of flow runs on workers.",
        metavar="RUN",
        complete="run",
    )
    output = text(
        "-o", "--output", help="The case file to write or to extend, - for stdout.", metavar="FILE", default="-"
    )
    name = text("--name", help="What the case is called.", metavar="NAME")
    data = choice(
        "--data",
        help="Keep all results, or only what decisions look at; by default all of local runs alone.",
        choices=("all", "decisions"),
    )
    redact = texts(
        "--redact",
        help="Keys whose values are replaced, as in global.redact: password, *token*, customer.*; repeatable.",
        metavar="KEY,...",
    )
    keep = texts("--keep", help="Keys that are not redacted all the same; repeatable.", metavar="KEY,...")
    expect = choice(
        "--expect",
        help="Expect which nodes run, results too, or everything.",
        choices=("runs", "results", "full"),
        default="runs",
    )
    distinct = flag("--distinct", help="Of runs that cover the same only the smallest.")
    no_verify = flag("--no-verify", help="Write cases without running them.")
    project = PROJECT
    pythonpath = PYTHONPATH
    app = APP_OPTION


def record(terminal: Terminal, options: RecordOptions) -> int:
    """Write the cases; 1 when a run cannot be recorded."""
    from selinon_cli.project import load_whole_project
    from selinon_cli.recorded_runs import runs_of
    from selinon_cli.recording import Target, check_case_file, record_runs
    from selinon_cli.run_inputs import names
    from selinon_core.recording.recorder import RecordingOptions

    if not options.runs:
        raise UsageError("no run is named", "selinon run --local --report report.json; selinon record report.json")
    check_case_file(options.output)
    plan, project = load_whole_project(terminal, options.project, options.pythonpath)
    return record_runs(
        terminal,
        plan,
        project.pythonpath,
        runs_of(terminal, plan, options.runs, options.app),
        Target(options.output, options.name, options.distinct),
        RecordingOptions(
            options.data,
            tuple(names(options.redact)),
            tuple(names(options.keep)),
            options.expect or "runs",
            not options.no_verify,
        ),
    )


COMMAND = Command(
    "record",
    "Write flow test cases that replay runs which happened, here or on workers.",
    record,
    options=RecordOptions,
    examples=(
        "selinon record report.json -o order.flowtest.yaml",
        "selinon record 3f2a --redact 'customer.*' -o order.flowtest.yaml    # a run on workers",
        "selinon record exports/ --distinct -o production.flowtest.yaml      # what production does",
        "selinon record report.json --data all --expect full                 # a picture of everything",
    ),
)
