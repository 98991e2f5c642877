"""``selinon check``: every possibility of a flow, played on the dispatch machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, EXIT_USAGE, CommandExit, UsageError
from selinon_cli.options import Command, ProjectOptions, choice, flag, integer, number, text, texts
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.cases.model import Invariant
    from selinon_core.explaining.answers import Answer
    from selinon_core.exploring import FlowCheck, Limits
    from selinon_core.plan import Plan
    from selinon_core.project import Project

FORMATS = ("text", "json")
_MOST_SUGGESTED = 100  # cases of one flow


class CheckOptions(ProjectOptions):
    """What ``selinon check`` takes."""

    flow = texts("--flow", help="Check this flow only; may be repeated.", metavar="NAME", complete="flow")
    failures = text("--failures", help="How many node runs may fail in one run, or all.", metavar="N", default="2")
    visits = integer(
        "--visits", help="How often a node may follow itself in a cycle.", metavar="N", minimum=1, default=3
    )
    items = text("--items", help="How many items foreach functions return.", metavar="N,N,...", default="0,1,2")
    infallible = texts(
        "--infallible", help="A node that never fails; may be repeated.", metavar="NODE", complete="node"
    )
    budget = integer(
        "--budget",
        help="The most runs per flow; long ones count as several.",
        metavar="N",
        minimum=1,
        default=100_000,
    )
    time_limit = number(
        "--time-limit",
        help="Seconds after which what is left is not tried; 0: none.",
        metavar="S",
        minimum=0,
        default=0,
    )
    orders = choice(
        "--orders",
        help="Take completions in every order (all), or only where the order can matter (auto).",
        choices=("auto", "all"),
        default="auto",
    )
    cancel = flag("--cancel", help="The flow run may be cancelled at any moment.")
    inline = flag("--inline", help="Run sub-flows, instead of taking their ends from their own exploration.")
    invariants = text(
        "--invariants", help="A file with invariants that have to hold in every run.", kind="path", metavar="FILE"
    )
    strict = flag("--strict", help="Let warnings count as errors.")
    format = choice("--format", help="How to print.", choices=FORMATS, default="text")
    suggest = text(
        "--suggest",
        help="Write a test case for each way to end to a case file, - for stdout.",
        kind="path",
        metavar="FILE",
    )
    outcomes = flag("--outcomes", help="List every way to end.")


def check(terminal: Terminal, options: CheckOptions) -> int:
    """Explore the flows and print what can happen; 1 when there are errors, with ``strict`` warnings too."""
    from selinon_cli.explored import run_checks, silenced_findings
    from selinon_cli.output import check_target
    from selinon_cli.project import load_whole_project

    limits = _limits(options)
    if options.suggest is not None:
        check_target(options.suggest)
    plan, project = load_whole_project(terminal, options.paths)
    names = _names(plan, options.flow)
    _check_nodes(plan, options.infallible)
    invariants = _distinct([*_of_case_files(options.paths), *_invariants(terminal, project, options.invariants)])
    checks, notes = run_checks(plan, project.pythonpath, names, limits, invariants, _clock(options.time_limit))
    for note in notes:
        terminal.warn(note)
    reasons = silenced_findings(terminal, project, checks, is_whole=not options.flow)
    if options.suggest is not None:
        _suggest(terminal, plan, checks, options.suggest)
        if options.suggest == "-":
            return EXIT_OK
    explained = _explained(plan, checks, reasons)
    if options.format == "json":
        import json

        from selinon_cli.render.outcomes import checks_to_json

        terminal.data(json.dumps(checks_to_json(checks, limits, reasons, explained), indent=2) + "\n")
    else:
        from selinon_cli.render.outcomes import checks_text

        text = checks_text(checks, reasons, explained, every_outcome=options.outcomes, color=terminal.color_out)
        terminal.data(text)
    wrong = ("error", "warning") if options.strict else ("error",)
    found = [one for each in checks for one in each.properties if one.severity in wrong]
    return EXIT_FINDINGS if any(one.id not in reasons for one in found) else EXIT_OK


def _explained(
    plan: Plan, checks: Sequence[FlowCheck], reasons: Mapping[str, str]
) -> Mapping[str, Sequence[Answer]]:
    """Why the runs that show findings went so; without findings nothing is imported for it."""
    found = [one for each in checks for one in each.properties if one.severity != "information"]
    if all(one.choices is None or one.id in reasons for one in found):
        return {}
    from selinon_cli.explored_reasons import explained_findings

    return explained_findings(plan, checks, reasons)


def _limits(options: CheckOptions) -> Limits:
    from selinon_core.diagnostics.kinds import shorten
    from selinon_core.exploring import Limits

    failures: int | None = None
    if options.failures != "all":
        if not _is_small(options.failures):
            given = shorten(options.failures)
            raise UsageError(f'--failures: "{given}" is not a whole number from 0 to 999', "give a number, or all")
        failures = int(options.failures)
    items = options.items.replace(" ", "").split(",")
    if not all(_is_small(item) and int(item) <= 100 for item in items):
        given = shorten(options.items)
        raise UsageError(f'--items: "{given}" is not a list of numbers', "give numbers like 0,1,2, at most 100")
    return Limits(
        failures=failures,
        visits=options.visits,
        items=tuple(dict.fromkeys(map(int, items))),
        infallible=frozenset(options.infallible),
        budget=options.budget,
        all_orders=options.orders == "all",
        cancel=options.cancel,
        inline=options.inline,
    )


def _is_small(text: str) -> bool:
    """Whether a text is a whole number of at most three digits."""
    return text.isascii() and text.isdecimal() and len(text) <= 3


def _names(plan: Plan, wanted: Sequence[str]) -> tuple[str, ...]:
    from selinon_cli.project import known_name

    for name in wanted:
        known_name("flow", name, plan.flows)
    if not plan.flows:
        raise UsageError("the project has no flow")
    return tuple(dict.fromkeys(wanted)) or tuple(plan.flows)


def _check_nodes(plan: Plan, names: Sequence[str]) -> None:
    from selinon_cli.project import known_name

    for name in names:
        known_name("node", name, (*plan.flows, *plan.tasks))


def _invariants(terminal: Terminal, project: Project, path: str | None) -> Sequence[Invariant]:
    if path is None:
        return ()
    from selinon_cli.render.text import SourceLines, render_blocks
    from selinon_core.project.case_files import read_invariants

    invariants, wrong = read_invariants(path)
    if wrong:
        terminal.err.write(render_blocks(wrong, SourceLines(project.sources), color=terminal.color_err))
        raise CommandExit(EXIT_USAGE)
    return invariants


def _of_case_files(paths: Sequence[str]) -> list[Invariant]:
    """The invariants that stand at the top of case files; files with mistakes are left to ``selinon test``."""
    from selinon_core.testing.collection import collect

    found: list[Invariant] = []
    for file in collect(paths):
        if file.cases and not file.is_broken:
            # Those at the top are invariants of every case.
            first, *others = (case.invariants for case in file.cases)
            found += [one for one in first if all(one in invariants for invariants in others)]
    return found


def _distinct(invariants: Sequence[Invariant]) -> list[Invariant]:
    """Each invariant once; of two with one name the second is called by its place too."""
    found: dict[str, Invariant] = {}
    for invariant in invariants:
        known = found.get(invariant.name)
        if known is not None and known[1:4] != invariant[1:4]:
            found[f"{invariant.name} ({invariant.place})"] = invariant
        else:
            found[invariant.name] = invariant
    return [invariant._replace(name=name) for name, invariant in found.items()]


def _clock(seconds: float) -> Callable[[], bool]:
    if not seconds:
        return lambda: False
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def _suggest(terminal: Terminal, plan: Plan, checks: Sequence[FlowCheck], target: str) -> None:
    from selinon_cli.output import write_text
    from selinon_cli.suggestions import confirmed
    from selinon_core.cases.writing import case_file_text
    from selinon_core.exploring import outcome_title, witness_of

    cases = []
    for each in checks:
        taken: set[str] = set()
        for key, choices in list(each.exploration.outcomes.items())[:_MOST_SUGGESTED]:
            title = outcome_title(key, each.exploration)
            while title in taken:
                title += " again"
            taken.add(title)
            cases.append(witness_of(each.summaries, each.context, choices, title, target).case)
    kept = confirmed(terminal, plan, cases)
    write_text(terminal, target, case_file_text(kept, plan))
    if target != "-":
        terminal.note(f"wrote {len(kept)} test cases to {target}")


COMMAND = Command(
    "check",
    "Play every possibility of the flows: does each end, what can be reached, what if something fails?",
    check,
    CheckOptions,
    examples=(
        "selinon check                               # every flow of the project",
        "selinon check --flow order --outcomes       # every way in which one flow can end",
        "selinon check --failures all --strict       # any number of failures, warnings count",
        "selinon check --suggest order.flowtest.yaml # the ways to end as test cases",
    ),
)
