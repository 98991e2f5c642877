"""What ``selinon simulate`` makes of its options: faults, durations, and the plan that workers change to."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence

from selinon_cli.exits import EXIT_USAGE, CommandExit, UsageError
from selinon_cli.project import known_name, plan_at_revision
from selinon_cli.run_inputs import read_text
from selinon_cli.simulate_options import SimulateOptions
from selinon_cli.terminal import Terminal
from selinon_core.cases.model import Invariant
from selinon_core.diagnostics.kinds import shorten
from selinon_core.diagnostics.wording import hint
from selinon_core.plan import Plan
from selinon_core.simulating.campaign import FAULTS, Duration, SimulationOptions

#: So many attempts of a task are drawn from.
MOST_SEEN = 1000


def simulation_options(terminal: Terminal, options: SimulateOptions, plan: Plan) -> SimulationOptions:
    """The options of the engine. Raises ``UsageError``, ``CommandExit`` after printing what is wrong in files."""
    world = options.world
    return SimulationOptions(
        seeds=world.seeds,
        seed_from=world.seed_from,
        time_limit=world.time_limit or None,
        strategy=world.strategy,
        pct_depth=world.pct_depth,
        faults=faults_of(world.faults),
        workers=world.workers,
        slots=world.slots,
        pool=world.pool,
        durations=durations_of(terminal, world.durations, plan),
        deploy=None if world.deploy is None else _deployed(terminal, world.deploy, options.paths),
        deploy_at=world.deploy_at,
        shrink=not options.no_shrink,
        shrink_budget=options.shrink_budget,
    )


def faults_of(text: str) -> dict[str, float]:
    """``crash=0.03,twice`` as probabilities by kind; those that are not given are the usual ones."""
    found: dict[str, float] = {}
    words = [word.strip() for word in text.split(",") if word.strip()]
    if words == ["none"]:
        return {}
    for word in words:
        kind, equals, probability = (part.strip() for part in word.partition("="))
        if kind not in FAULTS:
            raise UsageError(
                f'--faults: no fault is named "{shorten(kind)}"{hint(kind, FAULTS)}',
                f"faults are {', '.join(FAULTS)}, or none",
            )
        found[kind] = FAULTS[kind]
        if equals:
            try:
                found[kind] = float(probability)
            except ValueError:
                found[kind] = -1.0
            if not 0 <= found[kind] <= 1:
                raise UsageError(f'--faults: "{shorten(word)}" has no probability', "give a number from 0 to 1")
    if not found:
        raise UsageError("--faults names no fault", f"faults are {', '.join(FAULTS)}, or none")
    return found


def durations_of(terminal: Terminal, given: Sequence[str], plan: Plan) -> Mapping[str, Duration]:
    """The durations of ``TASK=DURATION`` texts, files and traces; of two for one task the later one."""
    found: dict[str, Duration] = {}
    for text in given:
        task, equals, value = text.partition("=")
        if os.path.isdir(text) or text.endswith(".jsonl"):
            found.update(_recorded(text, plan))
            continue
        if equals and not os.path.exists(text):
            known_name("task", task.strip(), plan.tasks)
            found.update(_read(terminal, f"{task.strip()}: {value}", "--durations", plan))
        else:
            found.update(_read(terminal, read_text(text, "--durations"), text, plan))
    return found


def _recorded(path: str, plan: Plan) -> dict[str, Duration]:
    """The durations of the attempts in traces, of the last ``MOST_SEEN`` of a task; each is as likely."""
    from selinon_core.covering.attempt_seconds import attempt_seconds
    from selinon_core.covering.histories import history_files

    seen: dict[str, deque[float]] = {}
    for file in history_files(path):
        for task, seconds in attempt_seconds(plan, file):
            seen.setdefault(task, deque(maxlen=MOST_SEEN)).append(seconds)
    if not seen:
        raise UsageError(
            f"--durations: {path} has no attempt of a task of this project",
            "selinon run --local --trace FILE writes when attempts begin and end, and so does the json sink of "
            "workers; selinon status ID --history does not",
        )
    return {task: Duration("recorded", tuple(values)) for task, values in seen.items()}


def _read(terminal: Terminal, text: str, file: str, plan: Plan) -> dict[str, Duration]:
    from selinon_cli.render.text import render_blocks
    from selinon_core.project.case_files import read_durations

    values, wrong = read_durations(text, file, plan)
    if wrong:
        terminal.err.write(render_blocks(wrong, {file: text.splitlines()}, color=terminal.color_err))
        raise CommandExit(EXIT_USAGE)
    return {task: Duration(value.kind, value.values) for task, value in values.items()}


def _deployed(terminal: Terminal, given: str, paths: Sequence[str]) -> Plan:
    """The plan of a project at a path, or of this one at a git revision."""
    if not os.path.exists(given):
        try:
            plan = plan_at_revision(terminal, given, paths)
        except CommandExit:
            raise CommandExit(EXIT_USAGE) from None
    else:
        from selinon_cli.project import load_whole_project

        plan, _ = load_whole_project(terminal, (given,))
    if not plan.flows:
        raise UsageError(f"--deploy: {given} has no flow")
    return plan


def invariants_of(terminal: Terminal, path: str | None) -> tuple[Invariant, ...]:
    """The invariants of a file. Raises ``CommandExit`` after printing its mistakes."""
    if path is None:
        return ()
    from selinon_cli.render.text import SourceLines, render_blocks
    from selinon_core.project.case_files import read_invariants

    invariants, wrong = read_invariants(path)
    if wrong:
        terminal.err.write(render_blocks(wrong, SourceLines({}), color=terminal.color_err))
        raise CommandExit(EXIT_USAGE)
    return invariants
