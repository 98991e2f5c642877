"""Which commands there are, and the modules that define them as ``COMMAND``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from selinon_cli.options import Command
from selinon_core.version import __version__


class Program(NamedTuple):
    """A console script: its name, one line of help, its commands (name -> module), what ``--version`` prints."""

    name: str
    help: str
    commands: Mapping[str, str]
    version: str


SELINON = Program(
    "selinon",
    "Define, check, test and run dynamic task flows written in YAML.",
    {
        "lint": "selinon_cli.commands.lint",
        "run": "selinon_cli.commands.run",
        "worker": "selinon_cli.commands.worker",
        "status": "selinon_cli.commands.status",
        "cancel": "selinon_cli.commands.cancel",
        "graph": "selinon_cli.commands.graph",
        "inspect": "selinon_cli.commands.inspect",
        "migrate": "selinon_cli.commands.migrate",
        "migrate check": "selinon_cli.commands.migrate_check",
        "schema": "selinon_cli.commands.schema",
        "watch": "selinon_cli.commands.watch",
        "new": "selinon_cli.commands.new",
    },
    f"selinon {__version__}",
)

SELINON_CLI = Program(
    "selinon-cli",
    "The commands and options of Selinon 1.x; see `selinon` for the present ones.",
    {
        "execute": "selinon_cli.commands.compat_execute",
        "inspect": "selinon_cli.commands.compat_inspect",
        "migrate": "selinon_cli.commands.compat_migrate",
        "plot": "selinon_cli.commands.compat_plot",
        "version": "selinon_cli.commands.compat_version",
    },
    __version__,  # alone, as scripts compare it
)


def load_command(program: Program, name: str) -> Command:
    """Import the module of a command and return its definition; ``KeyError`` for an unknown name."""
    from importlib import import_module

    command = import_module(program.commands[name]).COMMAND
    assert isinstance(command, Command)
    assert command.name == name
    return command
