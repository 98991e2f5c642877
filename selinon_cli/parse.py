"""The fast parser: reads ordinary command lines, and gives up on all others.

It exists because Typer takes longer to start than linting a project does. Whatever needs more than a look at
the words — help, the version, a mistake of any kind, a value from the environment, shell completion — is left
to the Typer application (``None`` is returned), so that there is one behaviour. Where it does answer, it
answers as Typer would; tests/cli/test_parsers.py compares the two on random command lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from selinon_cli.options import ROOT_OPTIONS, Command, Option, default_of
from selinon_cli.registry import Program, load_command


class Invocation(NamedTuple):
    """A command with a value for each of its parameters, and the values of the options before it."""

    command: Command
    values: dict[str, Any]
    root: dict[str, Any]


class _NotOrdinary(Exception):
    """Raised when the command line is one for the Typer application."""


def parse(program: Program, words: Sequence[str], environment: Mapping[str, str]) -> Invocation | None:
    """Read the words behind the program's name; None when they are not ordinary."""
    try:
        root, position = _root_options(words)
        name, position = _command_name(program, words, position)
        command = load_command(program, name)
        return Invocation(command, _values(command, words[position:], environment), root)
    except _NotOrdinary:
        return None


def _root_options(words: Sequence[str]) -> tuple[dict[str, Any], int]:
    """Read what stands before the command; returns the values and where the command's name is."""
    position = 0
    while position < len(words) and words[position].startswith("-"):
        if words[position] == "--":
            raise _NotOrdinary
        position += 1
    return _collect(ROOT_OPTIONS, words[:position]), position


def _command_name(program: Program, words: Sequence[str], position: int) -> tuple[str, int]:
    """Find the command: two words win over one."""
    for length in (2, 1):
        name = " ".join(words[position : position + length])
        if name in program.commands and len(words) >= position + length:
            return name, position + length
    raise _NotOrdinary


def _values(command: Command, words: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    parameters = command.parameters()
    for option in parameters:
        if any(environment.get(variable) for variable in command.variables(option)):
            raise _NotOrdinary
    return _collect(parameters, words)


def _collect(parameters: tuple[Option, ...], words: Sequence[str]) -> dict[str, Any]:
    """Assign words to parameters as getopt does: clusters, attached values, ``--``, mixed order."""
    flags = {flag: option for option in parameters for flag in option.flags}
    given: dict[str, Any] = {}
    loose: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word == "--":
            loose.extend(words[position:])
            break
        if len(word) < 2 or word[0] != "-":
            loose.append(word)
            continue
        for option, attached in _options_in(word, flags):
            if option.kind in ("flag", "count", "version"):
                _store(given, option, None)
            elif attached is not None:
                _store(given, option, attached)
            elif position < len(words):
                _store(given, option, words[position])
                position += 1
            else:
                raise _NotOrdinary
    _assign_positionals(parameters, loose, given)
    for option in parameters:
        if option.name not in given:
            if option.required:
                raise _NotOrdinary
            given[option.name] = default_of(option)
        elif option.many:
            given[option.name] = tuple(given[option.name])
    return given


def _options_in(word: str, flags: Mapping[str, Option]) -> list[tuple[Option, str | None]]:
    """Split one word into options, the last of which may have its value attached."""
    if word.startswith("--"):
        flag, separator, value = word.partition("=")
        option = flags.get(flag)
        if option is None or (separator and option.kind in ("flag", "count", "version")):
            raise _NotOrdinary
        return [(option, value if separator else None)]
    found: list[tuple[Option, str | None]] = []
    for index in range(1, len(word)):
        option = flags.get("-" + word[index])
        if option is None:
            raise _NotOrdinary
        if option.kind in ("flag", "count", "version"):
            found.append((option, None))
        else:
            found.append((option, word[index + 1 :] or None))
            break
    return found


def _store(given: dict[str, Any], option: Option, value: str | None) -> None:
    if option.kind == "version":
        raise _NotOrdinary
    if option.kind == "flag":
        given[option.name] = True
    elif option.kind == "count":
        given[option.name] = given.get(option.name, 0) + 1
    elif option.many:
        given.setdefault(option.name, []).append(_converted(option, value or ""))
    else:
        given[option.name] = _converted(option, value or "")


def _converted(option: Option, value: str) -> Any:
    if option.kind == "path" and "\0" in value:
        raise _NotOrdinary
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _NotOrdinary from None
    if option.kind == "choice" and value not in option.choices:
        raise _NotOrdinary
    if option.kind in ("int", "float"):
        digits = value.replace(".", "", 1) if option.kind == "float" else value
        if not (
            digits.isascii() and digits.isdigit() and value[0] != "." and value[-1] != "." and len(value) < 16
        ):
            raise _NotOrdinary
        number = float(value) if option.kind == "float" else int(value)
        if option.minimum is not None and number < option.minimum:
            raise _NotOrdinary
        return number
    return value


def _assign_positionals(parameters: tuple[Option, ...], loose: list[str], given: dict[str, Any]) -> None:
    places = [option for option in parameters if not option.flags]
    for index, option in enumerate(places):
        if option.many:
            if index != len(places) - 1:
                raise _NotOrdinary
            if loose:
                given[option.name] = [_converted(option, word) for word in loose]
            loose = []
        elif loose:
            given[option.name] = _converted(option, loose.pop(0))
    if loose:
        raise _NotOrdinary
