"""``selinon simulate``: the code that runs in production, under many schedules and faults."""

from __future__ import annotations

from selinon_cli.exits import EXIT_FINDINGS, EXIT_INTERRUPTED, EXIT_OK, UsageError
from selinon_cli.options import Command
from selinon_cli.simulate_options import SimulateOptions
from selinon_cli.terminal import Terminal


def simulate(terminal: Terminal, options: SimulateOptions) -> int:
    """Play the schedules and report; 1 when an invariant is broken."""
    subject = options.subject
    if options.replay is not None and (subject.case or subject.flow or options.save is not None):
        raise UsageError("--replay plays one case, and takes neither --case, --flow nor --save")
    if subject.case and subject.flow:
        raise UsageError("--case and --flow name different subjects", "give one of them")
    for option, value in (("--node-args", subject.node_args), ("--mocks", subject.mocks)):
        if value and not subject.flow:
            raise UsageError(f"{option} is for a flow that --flow names", "a case has its own")
    if options.junit == "-" and options.format != "text":
        raise UsageError("--junit - and --format cannot both write to stdout")
    if options.world.deploy_at is not None and options.world.deploy is None:
        raise UsageError("--at says when workers change, and --deploy to what", "give both")
    from selinon_cli.output import check_target
    from selinon_cli.run_inputs import jobs_of
    from selinon_cli.simulation import SimulationRun

    for target in (options.save, options.junit):
        if target is not None:
            check_target(target)
    if options.save == "-":
        raise UsageError("--save adds cases to a file", "--format json has the violations")
    run = SimulationRun(terminal, options, jobs_of(options.jobs))
    if options.replay is not None:
        return EXIT_OK if run.replay(options.replay) else EXIT_FINDINGS
    is_fine = run.run()
    if run.interrupted:
        return EXIT_INTERRUPTED
    return EXIT_OK if is_fine else EXIT_FINDINGS


COMMAND = Command(
    "simulate",
    "Play flows with the code of workers, in a simulated world, under many schedules, crashes and lost messages.",
    simulate,
    SimulateOptions,
    epilog="By default cases with driver: production or the tag simulate are played, else each flow that no other"
    " flow starts, with mocked tasks.",
    examples=(
        "selinon simulate",
        "selinon simulate --flow order --tasks real          # is it safe to run tasks twice?",
        "selinon simulate --faults crash=0.05,task --seeds 5000 -j auto",
        "selinon simulate --save found.flowtest.yaml         # keep what breaks as test cases",
        'selinon simulate --replay "found.flowtest.yaml::NAME"',
    ),
)
