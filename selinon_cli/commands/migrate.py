"""``selinon migrate``: write a migration for what changed in the graphs of flows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import Command, ProjectOptions, choice, flag, text, texts
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.migrations.compare import Comparison
    from selinon_core.migrations.repository import Migrations
    from selinon_core.plan import Plan

STRATEGIES = ("IGNORE", "RETRY", "FAIL")


MIGRATION_DIR = text(
    "-m",
    "--migration-dir",
    help="Where migration files are; default: global.migration_dir.",
    kind="path",
    metavar="DIR",
)


class MigrateOptions(ProjectOptions):
    """What ``selinon migrate`` takes."""

    old_nodes_definition = text(
        "-N", "--old-nodes-definition", help="The old file with tasks and storages.", kind="path", metavar="FILE"
    )
    old_flow_definitions = texts(
        "-F",
        "--old-flow-definitions",
        help="An old file or directory with flows; may be repeated.",
        kind="path",
        metavar="PATH",
    )
    git = flag("-g", "--git", help="Compare with what git has (see --rev).")
    rev = text("--rev", help="The git revision to compare with; default: HEAD.", metavar="REV")
    migration_dir = MIGRATION_DIR
    tainted_flows = choice(
        "-t",
        "--tainted-flows",
        help="What becomes of runs that the change taints.",
        choices=STRATEGIES,
        default="IGNORE",
    )
    no_meta = flag("--no-meta", help="Do not write who made the migration, and when.")
    no_check = flag("--no-check", help="Accepted for compatibility: files with errors cannot be compared.")
    dry_run = flag("--dry-run", help="Print what would be written, and write nothing.")
    graph = text(
        "--graph",
        help="Draw the change, with what taints runs; the ending says how (.svg, .png, .mmd, ...).",
        kind="path",
        metavar="FILE.svg",
    )
    flow = texts("--flow", help="Draw only this flow; may be repeated.", metavar="NAME", complete="flow")
    force = flag(
        "--force", help="Write it even where a migration that is not deployed yet is about the same change."
    )

    @property
    def old_files(self) -> tuple[str, ...]:
        """The files and directories of the old project; empty when git has it."""
        nodes = self.old_nodes_definition
        return (*((nodes,) if nodes else ()), *self.old_flow_definitions)


def migrate(terminal: Terminal, options: MigrateOptions, code_of_nothing: int = EXIT_OK) -> int:
    """Compare two versions of a project and write the next migration file.

    Returns ``code_of_nothing`` when no migration is needed. Raises ``UsageError`` for a change that a migration
    which is not deployed yet is about, unless ``--force`` is given.
    """
    from selinon_cli.project import known_name, load_project, plan_at_revision
    from selinon_core.migrations.compare import compare_plans
    from selinon_core.migrations.describe import describe

    _check(options)
    plan, _ = load_project(terminal, options.paths)
    if options.old_files:
        old = load_project(terminal, options.old_files)[0]
    else:
        old = plan_at_revision(terminal, options.rev or "HEAD", options.paths)
    comparison = compare_plans(old, plan)
    for name in options.flow:
        known_name("flow", name, comparison.changes)
    for line in describe(comparison, options.tainted_flows):
        terminal.data(line + "\n") if options.dry_run else terminal.note(line)
    if options.graph is not None:
        draw_change(terminal, comparison, options.graph, options.flow)
    if not comparison:
        terminal.note("no flow changed in a way that needs a migration")
        return code_of_nothing
    _write(terminal, options, plan, comparison)
    return EXIT_OK


def _check(options: MigrateOptions) -> None:
    """Raise ``UsageError`` for paths that do not exist, and unless it is clear what to compare with."""
    from selinon_core.diagnostics.wording import did_you_mean

    for path in options.paths:
        if not os.path.exists(path):
            near = did_you_mean(path, ["check"])
            raise UsageError(
                f"no such file or directory: {path}", f"did you mean: selinon migrate {near}" if near else ""
            )
    from_git = options.git or options.rev
    if options.old_files and from_git:
        raise UsageError("--git and old files are two ways to say what to compare with", "use one of them")
    if not options.old_files and not from_git:
        raise UsageError(
            "there is nothing to compare with",
            "say --git (and --rev REV), or name the old files by -N and -F",
        )


def _write(terminal: Terminal, options: MigrateOptions, plan: Plan, comparison: Comparison) -> None:
    """Write the migration, or print it with ``--dry-run``."""
    from selinon_core.migrations.files import metadata, migration_text
    from selinon_core.migrations.repository import Migrations, write_migration

    text = migration_text(comparison, options.tainted_flows, None if options.no_meta else metadata())
    migrations = Migrations.load(directory_of(plan, options.migration_dir, needed=not options.dry_run))
    problem = doubled(migrations, comparison, None if options.old_files else options.rev or "HEAD")
    if problem is not None and not (options.force or options.dry_run):
        raise UsageError(problem, "delete that file to write one for the whole change, or --force writes both")
    if problem is not None:
        terminal.warn(problem)
    if options.dry_run:
        terminal.data(f"{migrations.path(migrations.latest + 1)} would be:\n{text}\n")
    else:
        terminal.note(f"wrote {write_migration(migrations, text)}")


def doubled(migrations: Migrations, comparison: Comparison, revision: str | None) -> str | None:
    """Why runs would be migrated twice with a migration for this change; None: they would not.

    ``revision`` is what the change was computed against, None for files.
    """
    from selinon_core.errors import RequestError
    from selinon_core.migrations.coverage import deployed_at
    from selinon_core.migrations.repository import same_as_newest
    from selinon_core.project.git_revision import names_at

    if revision is not None and migrations.directory is not None:
        try:
            since = deployed_at(revision, names_at(revision, migrations.directory), migrations)
        except RequestError:  # a directory that git does not know
            since = migrations.latest
        if since < migrations.latest:
            file = migrations.path(migrations.latest)
            return f"{file} was written since {revision}: runs would be migrated by both"
    if same_as_newest(migrations, comparison.changes):
        return f"{migrations.path(migrations.latest)} says the same already: runs would be migrated twice"
    return None


def directory_of(plan: Plan, given: str | None, *, needed: bool = True) -> str | None:
    """Where migrations are: as given, else as ``global.migration_dir`` says; ``UsageError`` when neither does."""
    from selinon_core.runtime.environment import expand

    if given is not None:
        return given
    configured = plan.settings.migration_dir
    if configured is None:
        if needed:
            raise UsageError("there is no directory for migrations", "set global.migration_dir, or give -m DIR")
        return None
    directory: str = expand(configured)
    return directory


def draw_change(terminal: Terminal, comparison: Comparison, target: str, flows: Sequence[str]) -> None:
    """Draw the changed flows, with what taints runs marked; one flow into a file, several into a directory."""
    from selinon_cli.output import graph_format, names_directory, write_bytes
    from selinon_core.graph import FORMATS, write
    from selinon_core.migrations.drawing import change_drawing

    names = [name for name in comparison.changes if not flows or name in flows]
    is_directory = names_directory(target)
    form = "svg" if is_directory else graph_format(target)
    several = len(names) != 1
    if several and target.endswith(FORMATS[form]):
        if not names:
            return
        target, ending = target[: -len(FORMATS[form])], FORMATS[form]
        files = {name: f"{target}-{name}{ending}" for name in names}
    else:
        into_directory = several or is_directory
        files = {n: os.path.join(target, n + FORMATS[form]) if into_directory else target for n in names}
        if into_directory and names:
            os.makedirs(target, exist_ok=True)
    for name, file in files.items():
        write_bytes(terminal, file, write(change_drawing(comparison, name), form))
        terminal.note(f"wrote {file}")


COMMAND = Command(
    "migrate",
    "Write a migration: what becomes of runs in flight when the edges of flows change.",
    migrate,
    options=MigrateOptions,
    epilog="Conditions, foreach and failures do not belong to the graph: changing them needs no migration.",
    examples=(
        "selinon migrate --git --dry-run             # what does my change do to runs?",
        "selinon migrate --git -t RETRY              # write the migration",
        "selinon migrate --rev v1.4 --graph change.svg",
        "selinon migrate check                       # is a migration missing?",
    ),
)
