"""``selinon-cli`` takes every command, option and environment variable of the original."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from selinon_cli.options import Option
from selinon_cli.registry import SELINON_CLI, load_command

_FILES = (("-n", "--nodes-definition"), ("-f", "--flow-definitions"))

#: Command -> its options, each with all of its names. Taken from the original's ``--help``.
ORIGINAL: dict[str, tuple[tuple[str, ...], ...]] = {
    "execute": (
        *_FILES,
        ("--flow-name",),
        ("-a", "--node-args"),
        ("--node-args-file",),
        ("-j", "--node-args-json"),
        ("-c", "--concurrency"),
        ("-s", "--sleep-time"),
        ("--config-py",),
        ("--keep-config-py",),
        ("--hide-progressbar",),
        ("--selective-task-names",),
        ("--selective-follow-subflows",),
        ("--selective-run-subsequent",),
    ),
    "inspect": (
        *_FILES,
        ("-d", "--dump"),
        ("--no-check",),
        ("--list-task-queues",),
        ("--list-dispatcher-queues",),
    ),
    "migrate": (
        *_FILES,
        ("-N", "--old-nodes-definition"),
        ("-F", "--old-flow-definitions"),
        ("--no-meta",),
        ("-m", "--migration-dir"),
        ("-g", "--git"),
        ("--no-check",),
        ("-t", "--tainted-flows"),
    ),
    "plot": (*_FILES, ("-c", "--config"), ("-o", "--output-dir"), ("--format",)),
    "version": (("--codename",),),
}
FLAGS = {
    "--config-py": False,
    "--hide-progressbar": True,
    "--keep-config-py": True,
    "--list-dispatcher-queues": True,
    "--list-task-queues": True,
    "--no-check": True,
    "--no-meta": True,
    "--node-args-json": True,
    "--git": True,
    "--codename": True,
    "--selective-follow-subflows": True,
    "--selective-run-subsequent": True,
    "--selective-task-names": False,
}
MANY = ("--flow-definitions", "--old-flow-definitions")
DEFAULTS = {
    ("execute", "--concurrency"): 1,
    ("execute", "--sleep-time"): 0.5,
    ("migrate", "--tainted-flows"): "IGNORE",
    ("plot", "--output-dir"): ".",
    ("plot", "--format"): "svg",
}


def options_of(command: str) -> list[Option]:
    return list(load_command(SELINON_CLI, command).parameters())


@pytest.mark.parametrize("command", sorted(ORIGINAL))
def test_every_option_has_its_names(command: str) -> None:
    ours = [set(option.flags) for option in options_of(command)]
    missing = [names for names in ORIGINAL[command] if not any(set(names) <= flags for flags in ours)]
    assert missing == []


@pytest.mark.parametrize("command", sorted(ORIGINAL))
def test_kinds_and_defaults(command: str) -> None:
    by_name = {flag: option for option in options_of(command) for flag in option.flags}
    for names in ORIGINAL[command]:
        long = names[-1]
        option = by_name[long]
        if long in FLAGS:
            assert (option.kind == "flag") is FLAGS[long], long
        assert option.many is (long in MANY), long
        if (command, long) in DEFAULTS:
            assert option.default == DEFAULTS[command, long]


@pytest.mark.parametrize("command", sorted(ORIGINAL))
def test_environment(command: str) -> None:
    options_of(command)
    definition = load_command(SELINON_CLI, command)
    by_name = {flag: option for option in definition.parameters() for flag in option.flags}
    for names in ORIGINAL[command]:
        long = names[-1]
        variables = definition.variables(by_name[long])
        assert f"SELINON_{command}_{long[2:]}".upper().replace("-", "_") in variables
        if names in _FILES:
            assert f"SELINON_{long[2:]}".upper().replace("-", "_") in variables


def test_every_command_is_there() -> None:
    assert set(SELINON_CLI.commands) == set(ORIGINAL)


def test_as_a_module() -> None:
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run(
        [sys.executable, "-m", "selinon.cli", "version"], cwd=root, capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("Selinon version: ")
