"""The fast parser and the Typer application are built from one definition and have to agree."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from selinon_cli.app import build_app
from selinon_cli.options import Command, Option
from selinon_cli.parse import parse
from selinon_cli.registry import SELINON, SELINON_CLI, Program, load_command

Call = tuple[str, dict[str, Any], dict[str, Any]]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for program in (SELINON, SELINON_CLI):
        for name in program.commands:
            command = load_command(program, name)
            for option in command.parameters():
                for variable in command.variables(option):
                    monkeypatch.delenv(variable, raising=False)


class TyperParser:
    """What the Typer application makes of a command line; None when it refuses or answers by itself."""

    def __init__(self, program: Program) -> None:
        self._calls: list[Call] = []

        def note(command: Command, values: dict[str, Any], root: Mapping[str, Any]) -> int:
            self._calls.append((command.name, values, dict(root)))
            return 0

        self._command = get_command(build_app(program, note))

    def parse(self, words: list[str]) -> Call | None:
        self._calls.clear()
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            try:
                self._command.main(args=list(words), prog_name="program", standalone_mode=False)
            except (Exception, SystemExit):
                return None
        return self._calls[0] if self._calls else None


TYPER = {program.name: TyperParser(program) for program in (SELINON, SELINON_CLI)}


def fast(program: Program, words: list[str], environment: Mapping[str, str] | None = None) -> Call | None:
    found = parse(program, words, environment or {})
    if found is None:
        return None
    values = {name: value for name, value in found.values.items() if name != "version"}
    root = {name: value for name, value in found.root.items() if name != "version"}
    return found.command.name, values, root


def _value(option: Option) -> st.SearchStrategy[str]:
    sensible: dict[str, st.SearchStrategy[str]] = {
        "choice": st.sampled_from([*option.choices, "nonsense"]),
        "int": st.sampled_from(["0", "1", "7", "007", "-1", "+1", "1_0", "1.0", "x", "", " 1", "٣"]),
        "float": st.sampled_from(["0", "1.5", ".5", "5.", "1e3", "nan", "-1", "inf", "0.0", "x"]),
    }
    odd = st.sampled_from(["", "-", "--", "-x", "=", "a=b", "größe", "two words", "-n", "--format", "lint"])
    return sensible.get(option.kind, odd | st.text(max_size=5))


def _words(command: Command, option: Option) -> st.SearchStrategy[list[str]]:
    if not option.flags:
        return _value(option).map(lambda value: [value])
    flag = st.sampled_from(option.flags)
    if option.kind in ("flag", "count", "version"):
        clusters = st.sampled_from([["-vv"], ["-qv"], ["-vn", "x"], ["-vnx"], [option.flags[-1] + "=x"]])
        return flag.map(lambda name: [name]) | clusters
    separate = st.tuples(flag, _value(option)).map(list)
    attached = st.tuples(flag, _value(option)).map(
        lambda both: [both[0] + ("=" if both[0].startswith("--") else "") + both[1]]
    )
    return separate | attached | flag.map(lambda name: [name])


def command_lines(program: Program) -> st.SearchStrategy[list[str]]:
    def line(name: str) -> st.SearchStrategy[list[str]]:
        command = load_command(program, name)
        parts = st.one_of([_words(command, option) for option in command.parameters()])
        odd = st.sampled_from([["--"], ["-"], ["--nonsense"], ["-z"], ["--no-strict"], ["--form", "text"]])
        before = st.lists(st.sampled_from(["-v", "-q", "-vv", "--no-color", "-x", "--", "--help"]), max_size=1)
        required = [[option.flags[0], "x"] for option in command.parameters() if option.required and option.flags]
        return st.tuples(before, st.lists(parts | parts | parts | odd, max_size=5)).map(
            lambda both: [
                *both[0],
                *name.split(),
                *[word for words in required for word in words],
                *[word for words in both[1] for word in words],
            ]
        )

    return st.sampled_from(sorted(program.commands)).flatmap(line)


@given(command_lines(SELINON) | st.lists(st.text(max_size=4), max_size=3))
def test_the_parsers_agree_wherever_the_fast_one_answers(words: list[str]) -> None:
    found = fast(SELINON, words)
    if found is not None:
        assert found == TYPER["selinon"].parse(words)


@given(command_lines(SELINON_CLI))
def test_the_parsers_agree_on_the_commands_of_the_original(words: list[str]) -> None:
    found = fast(SELINON_CLI, words)
    if found is not None:
        assert found == TYPER["selinon-cli"].parse(words)


@pytest.mark.parametrize(
    "words",
    [
        ["lint"],
        ["lint", "a.yaml", "flows/"],
        ["lint", "--format", "json", "--strict", "-n", "n.yaml", "-f", "a", "-fb"],
        ["lint", "--select=SEL3", "--ignore", "SEL301,SEL4", "-qv", "--", "-odd"],
        ["-v", "--no-color", "lint", "-"],
        ["run", "--local", "-a", "x=1", "--seed", "3", "--concurrency=2"],
        ["inspect", "--list-task-queues"],
        ["schema"],
    ],
)
def test_ordinary_command_lines_need_no_typer(words: list[str]) -> None:
    found = fast(SELINON, words)
    assert found is not None
    assert found == TYPER["selinon"].parse(words)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--help"],
        ["lint", "-h"],
        ["lint", "--version"],
        ["lnt"],
        ["lint", "--formt", "json"],
        ["lint", "--format", "xml"],
        ["lint", "--format"],
        ["lint", "--strict=yes"],
        ["run", "--concurrency", "0"],
        ["schema", "--task"],
        ["lint", "\udcff"],
    ],
)
def test_everything_else_is_left_to_typer(words: list[str]) -> None:
    assert fast(SELINON, words) is None


def test_values_from_the_environment_are_left_to_typer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELINON_LINT_FORMAT", "json")
    monkeypatch.setenv("SELINON_FLOW_DEFINITIONS", "a:b c")
    monkeypatch.setenv("SELINON_LINT_STRICT", "1")
    monkeypatch.setenv("SELINON_LINT_VERBOSE", "2")
    import os

    assert fast(SELINON, ["lint"], os.environ) is None
    found = TyperParser(SELINON).parse(["lint"])
    assert found is not None
    values = found[1]
    assert values["format"] == "json"
    assert values["flow_definitions"] == ("a", "b c")
    assert values["strict"] is True
    assert values["verbose"] == 2


def test_every_option_has_its_variable() -> None:
    for program in (SELINON, SELINON_CLI):
        for name in program.commands:
            command = load_command(program, name)
            for option in command.parameters():
                if option.flags and option.kind != "version":
                    long = next(flag[2:] for flag in option.flags if flag.startswith("--"))
                    variable = f"SELINON_{name} {long}".upper().replace("-", "_").replace(" ", "_")
                    assert variable in command.variables(option)


def test_definitions_are_sound() -> None:
    for program in (SELINON, SELINON_CLI):
        for name in program.commands:
            parameters = load_command(program, name).parameters()
            flags = [flag for option in parameters for flag in option.flags]
            assert len(flags) == len(set(flags)), name
            assert len({option.name for option in parameters}) == len(parameters), name
            assert all(option.help.endswith(".") for option in parameters), name
            assert all(option.choices for option in parameters if option.kind == "choice"), name
