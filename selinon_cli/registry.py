"""Which commands there are, and the modules that define them as ``COMMAND``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from selinon_cli.options import Command
from selinon_core.version import __version__


class Program(NamedTuple):
    """A console script.

    ``help`` is one line, ``commands`` maps names to modules, ``version`` is what ``--version`` prints, and
    ``examples`` are command lines for the help.
    """

    name: str
    help: str
    commands: Mapping[str, str]
    version: str
    examples: tuple[str, ...] = ()

    def command_of(self, words: Sequence[str]) -> Sequence[str]:
        """The words of a command line that name its command; empty when there is none."""
        for begin, word in enumerate(words):
            if not word.startswith("-"):
                for length in (2, 1):
                    if " ".join(words[begin : begin + length]) in self.commands:
                        return words[begin : begin + length]
                break
        return ()

    def second_words(self, name: str) -> tuple[str, ...]:
        """What may follow a command's name to make another command: ``check`` for ``migrate``."""
        return tuple(other[len(name) + 1 :] for other in self.commands if other.startswith(name + " "))

    def spelled_out(self, words: Sequence[str]) -> Sequence[str]:
        """The command line that ``help [COMMAND]`` and ``version`` stand for; others as they are."""
        if words and words[0] not in self.commands:
            if words[0] == "help":
                return [*words[1:], "--help"]
            if words[0] == "version" and len(words) == 1:
                return ["--version"]
        return words


SELINON = Program(
    "selinon",
    "Define, check, test and run dynamic task flows written in YAML.",
    {
        "lint": "selinon_cli.commands.lint",
        "check": "selinon_cli.commands.check",
        "run": "selinon_cli.commands.run",
        "worker": "selinon_cli.commands.worker",
        "web": "selinon_cli.commands.web",
        "runs": "selinon_cli.commands.runs",
        "status": "selinon_cli.commands.status",
        "explain": "selinon_cli.commands.explain",
        "cancel": "selinon_cli.commands.cancel",
        "retry": "selinon_cli.commands.retry",
        "rerun": "selinon_cli.commands.rerun",
        "prune": "selinon_cli.commands.prune",
        "signal": "selinon_cli.commands.signal",
        "export": "selinon_cli.commands.export",
        "doctor": "selinon_cli.commands.doctor",
        "logs": "selinon_cli.commands.logs",
        "parked": "selinon_cli.commands.parked",
        "parked requeue": "selinon_cli.commands.parked_requeue",
        "parked drop": "selinon_cli.commands.parked_drop",
        "audit": "selinon_cli.commands.audit",
        "pause": "selinon_cli.commands.pause",
        "resume": "selinon_cli.commands.resume",
        "schedules": "selinon_cli.commands.schedules",
        "schedules pause": "selinon_cli.commands.schedules_pause",
        "schedules resume": "selinon_cli.commands.schedules_resume",
        "graph": "selinon_cli.commands.graph",
        "test": "selinon_cli.commands.test",
        "cover": "selinon_cli.commands.cover",
        "mutate": "selinon_cli.commands.mutate",
        "simulate": "selinon_cli.commands.simulate",
        "record": "selinon_cli.commands.record",
        "inspect": "selinon_cli.commands.inspect",
        "eval": "selinon_cli.commands.evaluate",
        "migrate": "selinon_cli.commands.migrate",
        "migrate check": "selinon_cli.commands.migrate_check",
        "schema": "selinon_cli.commands.schema",
        "watch": "selinon_cli.commands.watch",
        "new": "selinon_cli.commands.new",
    },
    f"selinon {__version__}",
    (
        "selinon new shop                # a small project to begin with",
        "selinon lint                    # is everything right?",
        "selinon test                    # does the flow do what its test cases say?",
        "selinon run --local             # run the flow here, without services",
        "selinon watch --run --serve     # all of this on every change, on a page",
        "selinon help run                # what a command takes, with examples",
    ),
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
