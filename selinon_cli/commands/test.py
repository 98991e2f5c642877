"""``selinon test``: run flow test cases and say of each failing one why."""

from __future__ import annotations

from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, EXIT_USAGE, UsageError
from selinon_cli.options import Command
from selinon_cli.terminal import Terminal
from selinon_cli.test_options import TestOptions


def test(terminal: Terminal, options: TestOptions) -> int:
    """Run the cases; 1 when one is not fine, 2 when there is none or a case file is broken."""
    if options.ci and options.update_snapshots:
        raise UsageError("--ci writes no snapshots, and --update-snapshots does")
    if options.last_failed and options.failed_first:
        raise UsageError("--last-failed and --failed-first exclude each other")
    if options.junit == "-" and options.format != "text":
        raise UsageError("--junit - and --format cannot both write to stdout")
    from selinon_cli.output import check_target
    from selinon_cli.run_inputs import jobs_of
    from selinon_cli.test_run import TestRun

    if options.cover_fail_under is not None:
        from selinon_cli.coverage import check_bound

        check_bound("--cover-fail-under", options.cover_fail_under)

    jobs = jobs_of(options.jobs)
    if options.junit is not None and options.junit != "-":
        check_target(options.junit)
    run = TestRun(terminal, options)
    files = run.collect()
    if options.list_cases:
        run.print_list(files)
        return EXIT_OK
    if not any(file.numbers for file in files):
        if options.allow_none:
            terminal.note("no case to run")
            return EXIT_OK
        run.report_none()
        return EXIT_USAGE
    return EXIT_OK if run.run(files, jobs) else EXIT_FINDINGS


COMMAND = Command(
    "test",
    "Run flow test cases (*.flowtest.yaml) in this process, on virtual time, and explain those that fail.",
    test,
    TestOptions,
    epilog="A PATH may be a project, a case file, or FILE::NAME of one case.",
    examples=(
        "selinon test",
        "selinon test -k 'gift or refund' --seeds 20",
        'selinon test "flows/order.flowtest.yaml::a gift is not charged"',
        "selinon test --cover                             # which branches have no test?",
        "selinon test -j auto --ci --junit results.xml    # in continuous integration",
    ),
)
