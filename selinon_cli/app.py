"""The Typer application, built from the same definitions as the fast parser.

Answers what the fast parser leaves: ``--help``, ``--version``, mistakes, values from the environment, shell
completion. Imported only then.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from selinon_cli.completion import completer, words_or_files
from selinon_cli.exits import EXIT_USAGE
from selinon_cli.invoke import invoke
from selinon_cli.options import ROOT_OPTIONS, Command, Option, default_of
from selinon_cli.registry import Program, load_command
from selinon_cli.terminal import standard_terminal


def run_app(program: Program, words: Sequence[str]) -> int:
    """Let Typer read the command line; returns the exit code."""

    def call(command: Command, values: dict[str, Any], root: dict[str, Any]) -> int:
        return invoke(command, values, root, words)

    named = " ".join(program.command_of(words)) if words else None
    application = get_command(build_app(program, call, named))
    try:
        code = application.main(args=list(words), prog_name=program.name, standalone_mode=False)
    except typer.Exit as end:
        code = end.exit_code
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        _report_usage_error(program, words, error)
        return EXIT_USAGE
    except SystemExit as end:
        # Shell completion ends this way.
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    return code or 0


def _report_usage_error(program: Program, words: Sequence[str], error: Any) -> None:
    """Print a mistake on the command line in the form that commands use for theirs."""
    message, hint = error.format_message().replace("Value error, ", ""), ""
    if getattr(error, "possibilities", None):
        message = f"No such option: {error.option_name}"
        hint = f"did you mean {' or '.join(sorted(error.possibilities))}?"
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else " ".join((program.name, *program.command_of(words)))
    standard_terminal().error(message, hint or f"{path} --help says what it takes")


Invoke = Callable[[Command, dict[str, Any], dict[str, Any]], int]


def build_app(program: Program, invoke_command: Invoke, named: str | None = None) -> typer.Typer:
    """Build the application; ``invoke_command`` gets a command, its values and those given before it.

    ``named`` is the command that the command line names, the empty text when it names none. Others are built only
    as far as help and mistakes need them, since the parameters of all take a quarter of a second. None builds all.
    """
    app = typer.Typer(
        name=program.name,
        help=program.help,
        cls=_group_class(program),
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    root: dict[str, Any] = {}
    app.callback()(_function("root", program.help, _parameters(ROOT_OPTIONS, None, program), root.update))

    for name in program.commands:
        if named and name != named:
            app.command(name)(_function(name, "", [], root.update))
            continue
        command = load_command(program, name)

        def called(values: dict[str, Any], command: Command = command) -> None:
            raise typer.Exit(invoke_command(command, values, root))

        parameters = [] if named == "" else _parameters(command.parameters(), command, program)
        app.command(name, cls=_command_class(command), help=command.help, epilog=command.epilog or None)(
            _function(name, command.help, parameters, called)
        )
    return app


class _PlainHelp:
    """Help without the names of Python types, and with command lines to copy at its end."""

    examples: tuple[str, ...] = ()

    def get_params(self, ctx: Any) -> Any:
        """The parameters; those without a value, and arguments, show no type."""
        params = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if not param.opts[0].startswith("-"):
                param.display_type = lambda ctx: ""
            elif param.metavar is None and (getattr(param, "is_flag", False) or getattr(param, "count", False)):
                param.metavar = ""
        return params

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, then the examples."""
        super().format_help(ctx, formatter)  # type: ignore[misc]
        if self.examples:
            typer.echo("".join(("Examples:\n", *(f"  {line}\n" for line in self.examples))), nl=False)


def _command_class(command: Command) -> type[TyperCommand]:
    class WithExamples(_PlainHelp, TyperCommand):
        examples = command.examples

    return WithExamples


def _group_class(program: Program) -> type[TyperGroup]:
    class Words(_PlainHelp, TyperGroup):
        """A group that knows commands of two words (``migrate check``)."""

        examples = program.examples

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            words = " ".join(args[:2])
            if len(args) > 1 and words in self.commands:
                return words, self.commands[words], args[2:]
            return super().resolve_command(ctx, args)

        def shell_complete(self, ctx: Any, incomplete: str) -> Any:
            """Commands of one word; the second word of others is completed behind the first."""
            return [found for found in super().shell_complete(ctx, incomplete) if " " not in found.value]

    return Words


def _function(
    name: str, help: str, parameters: list[inspect.Parameter], receive: Callable[[dict[str, Any]], None]
) -> Callable[..., None]:
    """Make the function with the signature that Typer reads a command's parameters from."""

    def function(**given: Any) -> None:
        receive({name: _plain(value) for name, value in given.items() if name != "version"})

    function.__name__ = name.replace(" ", "_")
    function.__doc__ = help
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return function


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _parameters(options: Sequence[Option], command: Command | None, program: Program) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            option.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_declaration(option, command, program),
            annotation=_annotation(option),
        )
        for option in options
    ]


def _annotation(option: Option) -> Any:
    kinds: dict[str, Any] = {
        "flag": bool,
        "version": bool,
        "count": int,
        "int": int,
        "float": float,
        "text": str,
        # Not Path: it would change what was typed, and commands say themselves what is wrong with a file.
        "path": str,
        "choice": Literal[option.choices] if option.choices else str,
    }
    single = kinds[option.kind]
    if option.many:
        return list.__class_getitem__(single)
    if option.kind in ("flag", "version", "count") or option.required:
        return single
    return single | None


def _declaration(option: Option, command: Command | None, program: Program) -> Any:
    default: Any = ... if option.required else default_of(option)
    settings: dict[str, Any] = {"help": option.help, "hidden": option.hidden}
    if option.many and not option.required:
        default = []
    if option.metavar or option.kind in ("flag", "version", "count"):
        settings["metavar"] = option.metavar
    if option.complete:
        settings["autocompletion"] = completer(option.complete)
    elif command is not None and option.name == "paths" and program.second_words(command.name):
        settings["autocompletion"] = words_or_files(program.second_words(command.name))
    if option.minimum is not None:
        settings["min"] = option.minimum
    settings["show_default"] = (
        not option.many and option.kind not in ("flag", "version", "count") and bool(default)
    )
    if not option.flags:
        return typer.Argument(default, **settings)
    if command is not None and command.variables(option):
        variables = command.variables(option)
        if option.many and option.kind == "path":
            # Typer would split at spaces.
            text = next((os.environ[name] for name in variables if os.environ.get(name)), "")
            default = text.split(os.pathsep) if text else default
        else:
            settings["envvar"] = list(variables)
    if option.kind == "count":
        settings["count"] = True
    if option.kind == "version":
        settings.update(is_eager=True, callback=_printing(program.version))
    if option.panel:
        settings["rich_help_panel"] = option.panel
    settings["show_envvar"] = False
    return typer.Option(default, *option.flags, **settings)


def _printing(version: str) -> Callable[[bool], None]:
    def print_version(value: bool) -> None:
        if value:
            typer.echo(version)
            raise typer.Exit

    return print_version
