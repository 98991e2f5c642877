"""``selinon-cli migrate``: the original's way to call ``selinon migrate``."""

from __future__ import annotations

from collections.abc import Sequence

from selinon_cli.commands.migrate import COMPAT_OPTIONS
from selinon_cli.commands.migrate import migrate as write
from selinon_cli.exits import UsageError
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
    """Write a migration, compared with old files or with what was last committed."""
    if bool(old_nodes_definition) != bool(old_flow_definitions):
        raise UsageError("name both old files, by -N and -F, or use --git")
    return write(
        terminal,
        paths=paths,
        old_nodes_definition=old_nodes_definition,
        old_flow_definitions=old_flow_definitions,
        git=git,
        migration_dir=migration_dir,
        tainted_flows=tainted_flows,
        no_meta=no_meta,
        no_check=no_check,
    )


COMMAND = Command(
    "migrate",
    "Perform migrations on old and new YAML configuration files.",
    migrate,
    options=COMPAT_OPTIONS,
)
