"""``selinon migrate check``: is there a migration for everything that changed? For CI and pre-commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from selinon_cli.commands.migrate import MIGRATION_DIR, directory_of
from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK
from selinon_cli.options import Command, ProjectOptions, choice, text, texts
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.migrations.coverage import Uncovered
    from selinon_core.migrations.history_check import ReplayResult
    from selinon_core.plan import Plan


class CheckOptions(ProjectOptions):
    """What ``selinon migrate check`` takes."""

    rev = text("--rev", help="The git revision that is deployed.", metavar="REV", default="HEAD")
    migration_dir = MIGRATION_DIR
    histories = texts(
        "--histories",
        help="Traces of runs (selinon run --trace, selinon status --history), or directories of them, to replay.",
        kind="path",
        metavar="DIR",
    )
    format = choice("--format", help="What to print.", choices=("text", "json"), default="text")


def check(terminal: Terminal, options: CheckOptions) -> int:
    """1 when a graph changed since the revision and no migration accounts for it, or a history diverges."""
    from selinon_cli.project import load_project, plan_at_revision
    from selinon_core.migrations.coverage import deployed_at, uncovered
    from selinon_core.migrations.repository import Migrations
    from selinon_core.project.git_revision import names_at

    plan, _ = load_project(terminal, options.paths)
    directory = directory_of(plan, options.migration_dir, needed=False)
    old = plan_at_revision(terminal, options.rev, options.paths)
    migrations = Migrations.load(directory)
    since = 0 if directory is None else deployed_at(options.rev, names_at(options.rev, directory), migrations)
    found = uncovered(old, plan, migrations, since)
    verdicts: Sequence[ReplayResult] = ()
    if options.histories:
        from selinon_core.migrations.history_check import judge_histories

        verdicts = judge_histories(options.histories, old, plan, migrations, since)
    if options.format == "json":
        _as_json(terminal, found, verdicts)
    else:
        _as_text(terminal, plan, found, verdicts, options.rev, directory)
    return EXIT_FINDINGS if found or any(verdict.kind == "diverging" for verdict in verdicts) else EXIT_OK


def _as_text(
    terminal: Terminal,
    plan: Plan,
    found: Sequence[Uncovered],
    verdicts: Sequence[ReplayResult],
    rev: str,
    directory: str | None,
) -> None:
    for each in found:
        place = plan.flows[each.flow].place
        since = f"; {', '.join(f'{v}.json' for v in each.versions)} do not account for it" if each.versions else ""
        terminal.data(f"{place}: the graph of flow {each.flow} changed since {rev} without a migration{since}\n")
    if found:
        also = "" if directory is not None else " (and set global.migration_dir)"
        terminal.note(f"write one with: selinon migrate --git --rev {rev} -t IGNORE|RETRY|FAIL{also}")
    else:
        terminal.note(f"every change since {rev} has its migration")
    for verdict in verdicts:
        terminal.data(f"{verdict.file}: flow {verdict.flow} {verdict.id}: {verdict.kind}")
        terminal.data(f": {verdict.why}\n" if verdict.why else "\n")
        if verdict.event:
            terminal.data(f"    line {verdict.line}: {verdict.event}\n")
        for where in verdict.places:
            terminal.data(f"    at {where}\n")


def _as_json(terminal: Terminal, found: Sequence[Uncovered], verdicts: Sequence[ReplayResult]) -> None:
    import json

    value = {
        "uncovered": [{"flow": each.flow, "migrations": list(each.versions)} for each in found],
        "histories": [verdict._asdict() | {"places": list(verdict.places)} for verdict in verdicts],
    }
    terminal.data(json.dumps(value, indent=2) + "\n")


COMMAND = Command(
    "migrate check",
    "Check that every change of a graph has its migration, and what recorded runs would do.",
    check,
    options=CheckOptions,
    epilog="Exit code 1: a change without a migration, or a history that the new configuration cannot continue.",
    examples=(
        "selinon migrate check",
        "selinon migrate check --rev v1.4 --histories recorded/",
    ),
)
