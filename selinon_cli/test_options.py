"""What ``selinon test`` takes; ``watch --test`` shares the part that says how cases are run."""

from __future__ import annotations

from selinon_cli.options import Options, ProjectOptions, choice, flag, group, integer, number, text, texts
from selinon_cli.run_options import PYTHONPATH

FORMATS = ("text", "json", "github")


class CaseChoiceOptions(Options):
    """Which cases run."""

    keyword = text(
        "-k",
        "--keyword",
        help="Cases whose file, name, flow or tags hold these words: and, or, not, parentheses.",
        metavar="EXPR",
    )
    flow = texts("--flow", help="Cases of this flow; repeatable.", metavar="NAME", complete="flow")
    tag = texts("--tag", help="Cases with this tag; repeatable.", metavar="TAG")


class CaseRunOptions(Options):
    """How cases run."""

    seeds = integer("--seeds", help="Run each case with at least N seeds.", metavar="N", default=1, minimum=1)
    seed = integer("--seed", help="Run each case with this seed only.", metavar="N", minimum=0)
    tasks = choice(
        "--tasks",
        help="What tasks without a mock do in every case; by default what the case says.",
        choices=("mocked", "real"),
    )
    driver = choice(
        "--driver",
        help="What runs the flows in every case; by default what the case says.",
        choices=("local", "production"),
    )


class TestOptions(ProjectOptions):
    """Everything that ``selinon test`` takes."""

    chosen = group(CaseChoiceOptions, panel="Which cases")
    last_failed = flag(
        "--last-failed", help="Only the cases that failed at the last run, if any did.", panel="Which cases"
    )
    failed_first = flag(
        "--failed-first", help="The cases that failed at the last run before the others.", panel="Which cases"
    )
    list_cases = flag("--list", help="Print the cases and run none.", panel="Which cases")
    allow_none = flag("--allow-none", help="Succeed where there is no case.", panel="Which cases")
    running = group(CaseRunOptions, panel="How they run")
    fail_fast = flag("-x", "--fail-fast", help="Stop at the first case that fails.", panel="How they run")
    jobs = text(
        "-j",
        "--jobs",
        help="Run case files in N processes, auto: one for each core.",
        metavar="N",
        default="1",
        panel="How they run",
    )
    update_snapshots = flag("--update-snapshots", help="Replace the snapshots that differ.", panel="How they run")
    ci = flag(
        "--ci",
        help="Write no snapshot; a missing one and an obsolete one are errors.",
        panel="How they run",
    )
    cover = flag(
        "--cover",
        help="Print which goals of the flows the cases cover, and leave it in .selinon/coverage.json.",
        panel="Coverage",
    )
    cover_fail_under = number(
        "--cover-fail-under",
        help="As --cover; exit code 1 when less than this is covered in total.",
        metavar="PCT",
        minimum=0,
        panel="Coverage",
    )
    format = choice(
        "--format",
        help="How to print the results: for people, as JSON, or as annotations of GitHub.",
        choices=FORMATS,
        default="text",
    )
    junit = text("--junit", help="Write the results as JUnit XML, - for stdout.", kind="path", metavar="FILE")
    graph_dir = text(
        "--graph-dir", help="Draw the runs of failed cases into this directory.", kind="path", metavar="DIR"
    )
    slowest = integer("--slowest", help="Name the N slowest cases.", metavar="N", default=0, minimum=0)
    pythonpath = PYTHONPATH
