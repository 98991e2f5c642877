"""What ``--help`` shows: no names of Python types, no default twice, and command lines that can be copied."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from selinon_cli.parse import parse
from selinon_cli.registry import SELINON, SELINON_CLI, Program, load_command
from selinon_core.version import __version__
from tests.cli.conftest import Cli

COMMANDS = [(program, name) for program in (SELINON, SELINON_CLI) for name in program.commands]
EXAMPLES = [
    *SELINON.examples,
    *(line for name in SELINON.commands for line in load_command(SELINON, name).examples),
]


def ids(value: object) -> str:
    return getattr(value, "name", str(value))


@pytest.mark.parametrize(("program", "name"), [(SELINON, ""), (SELINON_CLI, ""), *COMMANDS], ids=ids)
def test_no_python_types(cli: Cli, program: Program, name: str) -> None:
    shown = cli(*name.split(), "--help", program=program.name).out
    assert "Usage: " in shown
    assert re.findall(r"<(?:bool|str|int|float|list)[^>]*>", shown) == []


@pytest.mark.parametrize(("program", "name"), COMMANDS, ids=ids)
def test_every_value_has_a_name_and_a_default_is_said_once(program: Program, name: str) -> None:
    options = load_command(program, name).parameters()
    kinds = ("flag", "count", "version", "choice")
    assert [option for option in options if not option.metavar and option.kind not in kinds] == []
    # A default is shown behind the text.
    assert [option for option in options if option.default and "default" in option.help.lower()] == []


@pytest.mark.parametrize("name", SELINON.commands)
def test_every_command_shows_its_examples(cli: Cli, name: str) -> None:
    examples = load_command(SELINON, name).examples
    assert examples
    shown = cli(*name.split(), "--help").out
    assert shown.rstrip().endswith("Examples:\n" + "\n".join(f"  {line}" for line in examples))


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples_are_command_lines(line: str) -> None:
    program, *words = shlex.split(re.split(r" [>|] ", line)[0], comments=True)
    assert program == "selinon"
    if words[0] == "help":
        assert words[1] in SELINON.commands
    else:
        assert parse(SELINON, words, {}) is not None


@pytest.mark.parametrize("words", [["--version"], ["-V"], ["version"], ["lint", "-V"], ["-vV"]], ids=" ".join)
def test_the_version(cli: Cli, words: list[str]) -> None:
    ran = cli(*words)
    assert (ran.code, ran.out, ran.err) == (0, f"selinon {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["help"], ["--help"]),
        (["help", "run"], ["run", "--help"]),
        (["help", "migrate", "check"], ["migrate", "check", "-h"]),
    ],
)
def test_help_is_a_command_too(cli: Cli, words: list[str], meant: list[str]) -> None:
    ran = cli(*words)
    assert ran.code == 0
    assert ran.out == cli(*meant).out


def test_help_for_what_does_not_exist(cli: Cli) -> None:
    ran = cli("help", "lnt")
    assert ran.code == 2
    assert "No such command 'lnt'" in ran.err


@pytest.mark.parametrize(
    "words", [["run", "--seed"], ["lint", "--explain"], ["migrate", "check", "--rev"]], ids=" ".join
)
def test_a_missing_value_leads_to_the_help_of_its_command(cli: Cli, words: list[str]) -> None:
    name = " ".join(words[:-1])
    assert cli(*words).err == (
        f"error: Option '{words[-1]}' requires an argument.\n  selinon {name} --help says what it takes\n"
    )


@pytest.mark.parametrize("module", ["selinon", "selinon_cli"])
def test_python_dash_m(module: str) -> None:
    ran = subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout == f"selinon {__version__}\n"
