"""What ``selinon simulate`` takes."""

from __future__ import annotations

from typing import Literal

from selinon_cli.options import Options, ProjectOptions, choice, flag, group, integer, number, text, texts
from selinon_cli.run_options import NODE_ARGS, PYTHONPATH

FORMATS = ("text", "json", "mermaid")
_DEFAULT_FAULTS = "crash,twice,late,lost"


class SubjectOptions(Options):
    """What is simulated."""

    case = texts("--case", help="Simulate this flow test case; repeatable.", kind="path", metavar="FILE::NAME")
    flow = texts(
        "--flow", help="Simulate this flow, with mocked tasks; repeatable.", metavar="NAME", complete="flow"
    )
    node_args = NODE_ARGS
    mocks = text(
        "--mocks", help="A YAML file with mocks for flows, as in test cases.", kind="path", metavar="FILE"
    )
    tasks: Literal["mocked", "real"] | None = choice(
        "--tasks",
        help="What tasks without a mock do; real: run their code. By default what the case says.",
        choices=("mocked", "real"),
    )
    invariants = text(
        "--invariants",
        help="A file with invariants that have to hold in every schedule.",
        kind="path",
        metavar="FILE",
    )


class WorldOptions(Options):
    """The simulated world."""

    seeds = integer("--seeds", help="How many schedules are drawn.", metavar="N", default=1000, minimum=1)
    seed_from = integer("--seed-from", help="The first seed.", metavar="K", default=0, minimum=0)
    time_limit = number(
        "--time-limit",
        help="Seconds after which no further schedule is played; 0: none.",
        metavar="S",
        minimum=0,
        default=0,
    )
    strategy = choice(
        "--strategy",
        help="Draw each decision, or give activities priorities that change a few times.",
        choices=("random", "pct"),
        default="random",
    )
    pct_depth = integer(
        "--pct-depth", help="How often priorities change with pct, and once.", metavar="D", default=3, minimum=1
    )
    faults = text(
        "--faults",
        help="Kinds of faults, with a probability if wanted: crash=0.03,twice; none.",
        metavar="KIND[=P],...",
        default=_DEFAULT_FAULTS,
    )
    workers = integer("--workers", help="How many workers there are.", metavar="N", default=3, minimum=1)
    slots = integer(
        "--slots", help="How many messages a worker handles at once.", metavar="N", default=1, minimum=1
    )
    pool = choice(
        "--pool",
        help="What a worker's slots are: processes that share nothing, or threads.",
        choices=("prefork", "threads"),
        default="prefork",
    )
    durations = texts(
        "--durations",
        help="How long attempts take: TASK=SECONDS, TASK={uniform: [1, 9]}, a YAML file of these, or traces "
        "(a directory, FILE.jsonl); repeatable.",
        metavar="TASK=DURATION|PATH",
    )
    deploy = text(
        "--deploy",
        help="Workers change one by one to the project at this path or git revision.",
        kind="path",
        metavar="REV|PATH",
    )
    deploy_at = integer(
        "--at", help="The message from which on they change; by default it is drawn.", metavar="N", minimum=1
    )


class SimulateOptions(ProjectOptions):
    """Everything that ``selinon simulate`` takes."""

    subject = group(SubjectOptions, panel="What is simulated")
    world = group(WorldOptions, panel="The simulated world")
    jobs = text("-j", "--jobs", help="Play in N processes, auto: one for each core.", metavar="N", default="1")
    no_shrink = flag("--no-shrink", help="Tell violations with all deviations that were drawn.")
    shrink_budget = integer(
        "--shrink-budget",
        help="The most schedules that are played to shrink a violation.",
        metavar="N",
        default=500,
        minimum=1,
    )
    save = text("--save", help="Add a test case for each violation to this file.", kind="path", metavar="FILE")
    replay = text(
        "--replay",
        help="Play the schedule of this test case, and print all that happens in it.",
        kind="path",
        metavar="FILE::NAME",
    )
    format = choice(
        "--format",
        help="How to report: for people, as JSON, or violations as sequence diagrams.",
        choices=FORMATS,
        default="text",
    )
    junit = text("--junit", help="Write the results as JUnit XML, - for stdout.", kind="path", metavar="FILE")
    pythonpath = PYTHONPATH
