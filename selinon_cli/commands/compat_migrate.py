"""``selinon-cli migrate``: the original's way to call ``selinon migrate``."""

from __future__ import annotations

import os

from selinon_cli.commands.migrate import MigrateOptions
from selinon_cli.commands.migrate import migrate as write
from selinon_cli.compat_files import with_hidden_directories
from selinon_cli.exits import EXIT_FINDINGS, UsageError
from selinon_cli.options import Command, ProjectOptions, group
from selinon_cli.terminal import Terminal


class CompatMigrateOptions(ProjectOptions):
    """What ``selinon-cli migrate`` takes."""

    kept = group(MigrateOptions, without=("rev", "dry_run", "graph", "flow", "force"))


def migrate(terminal: Terminal, options: CompatMigrateOptions) -> int:
    """Write a migration, compared with old files or with what was last committed; 1 when none is needed."""
    kept = options.kept
    if bool(kept.old_nodes_definition) != bool(kept.old_flow_definitions):
        raise UsageError("name both old files, by -N and -F, or use --git")
    if kept.migration_dir is not None and not os.path.isdir(kept.migration_dir):
        raise UsageError(f"--migration-dir: there is no directory {kept.migration_dir}")
    changed = {
        "paths": options.paths,
        "old_flow_definitions": with_hidden_directories(kept.old_flow_definitions),
        "force": True,  # the original counted on its callers, and scripts may
    }
    # As a shell reads it: `... migrate ... && git add ...`
    return write(terminal, MigrateOptions(**{**kept.values(), **changed}), code_of_nothing=EXIT_FINDINGS)


COMMAND = Command(
    "migrate",
    "Perform migrations on old and new YAML configuration files.",
    migrate,
    options=CompatMigrateOptions,
    positional=False,
)
