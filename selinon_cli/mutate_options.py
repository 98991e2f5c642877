"""What ``selinon mutate`` takes."""

from __future__ import annotations

from selinon_cli.options import ProjectOptions, choice, flag, integer, number, text, texts
from selinon_cli.run_options import PYTHONPATH

FORMATS = ("text", "json", "stryker", "github")


class MutateOptions(ProjectOptions):
    """Everything that ``selinon mutate`` takes."""

    flow = texts("--flow", help="Mutants of this flow only; repeatable.", metavar="NAME", complete="flow")
    operators = texts("--operators", help="Only mistakes of these kinds; commas are fine.", metavar="LIST")
    diff = text("--diff", help="Only mutants of what changed since a git revision.", metavar="REV")
    sample = integer("--sample", help="Only N of the mutants, drawn at random.", metavar="N", minimum=1)
    seed = integer("--seed", help="The seed of --sample.", metavar="N", default=0, minimum=0)
    mutant = text("--mutant", help="One mutant by its id: print its difference, and judge it.", metavar="ID")
    no_equivalence = flag(
        "--no-equivalence", help="Do not look for a run in which a survivor differs from the original."
    )
    jobs = text("-j", "--jobs", help="Judge in N processes, auto: one for each core.", metavar="N", default="1")
    fail_under = number(
        "--fail-under", help="Exit code 1 when less than this is noticed.", metavar="PCT", default=-1, minimum=-1
    )
    suggest = text(
        "--suggest", help="Write the missing cases into this file, - for stdout.", kind="path", metavar="FILE"
    )
    format = choice("--format", help="How to report.", choices=FORMATS, default="text")
    output = text("-o", "--output", help="Write the report to this file.", kind="path", metavar="FILE")
    show = choice("--show", help="Which mutants to list.", choices=("survivors", "all"), default="survivors")
    pythonpath = PYTHONPATH
