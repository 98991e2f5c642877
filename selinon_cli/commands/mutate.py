"""``selinon mutate``: would the flow test cases notice a mistake in the flows?"""

from __future__ import annotations

from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, UsageError
from selinon_cli.mutate_options import MutateOptions
from selinon_cli.options import Command
from selinon_cli.terminal import Terminal


def mutate(terminal: Terminal, options: MutateOptions) -> int:
    """Judge the mutants; 1 when a case fails without any mutant, or less is noticed than asked for."""
    if options.fail_under > 100:
        raise UsageError(
            f"--fail-under: {options.fail_under:g} is not a percentage", "give a number from 0 to 100"
        )
    if options.suggest == "-" and options.output in (None, "-"):
        raise UsageError("--suggest - and the report cannot both write to stdout", "-o FILE takes the report")
    from selinon_cli.mutation import MutationRun
    from selinon_cli.output import check_target

    for target in (options.suggest, options.output):
        if target is not None:
            check_target(target)

    return EXIT_OK if MutationRun(terminal, options).run() else EXIT_FINDINGS


COMMAND = Command(
    "mutate",
    "Put small mistakes into the flows, one at a time, and say which of them no flow test case notices.",
    mutate,
    MutateOptions,
    epilog="Nothing is written to the flows: a mutant is a plan in memory. A PATH is a project or a case file.",
    examples=(
        "selinon mutate",
        "selinon mutate --flow order --show all",
        "selinon mutate --diff main --fail-under 90        # in continuous integration",
        "selinon mutate --suggest missing.flowtest.yaml    # the cases that would notice survivors",
    ),
)
