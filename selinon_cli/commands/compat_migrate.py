"""``selinon-cli migrate``: the original's way to call ``selinon migrate``."""

from __future__ import annotations

import os
from collections.abc import Sequence

from selinon_cli.commands.migrate import COMPAT_OPTIONS
from selinon_cli.commands.migrate import migrate as write
from selinon_cli.compat_files import with_hidden_directories
from selinon_cli.exits import EXIT_FINDINGS, UsageError
from selinon_cli.options import Command
from selinon_cli.terminal import Terminal


def migrate(
    terminal: Terminal,
    *,
    paths: Sequence[str] = (),
    old_nodes_definition: str | None = None,
    old_flow_definitions: Sequence[str] = (),
    git: bool = False,
    migration_dir: str | None = None,
    tainted_flows: str = "IGNORE",
    no_meta: bool = False,
    no_check: bool = False,
) -> int:
    """Write a migration, compared with old files or with what was last committed; 1 when none is needed."""
    if bool(old_nodes_definition) != bool(old_flow_definitions):
        raise UsageError("name both old files, by -N and -F, or use --git")
    if migration_dir is not None and not os.path.isdir(migration_dir):
        raise UsageError(f"--migration-dir: there is no directory {migration_dir}")
    return write(
        terminal,
        paths=paths,
        old_nodes_definition=old_nodes_definition,
        old_flow_definitions=with_hidden_directories(old_flow_definitions),
        git=git,
        migration_dir=migration_dir,
        tainted_flows=tainted_flows,
        no_meta=no_meta,
        no_check=no_check,
        code_of_nothing=EXIT_FINDINGS,  # as a shell reads it: `... migrate ... && git add ...`
        force=True,  # the original counted on its callers, and scripts may
    )


COMMAND = Command(
    "migrate",
    "Perform migrations on old and new YAML configuration files.",
    migrate,
    options=COMPAT_OPTIONS,
    positional=False,
)
