"""What a command line may hold, as data: the one definition that both parsers are built from.

Imported on every start, so it imports nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Option(NamedTuple):
    """An option, or without ``flags`` a positional argument.

    ``name`` is the keyword the command's function gets. ``kind`` is one of

    - ``flag`` (bool, default false) and ``count`` (how often it is given, an int),
    - ``text``, ``path`` (both ``str``; the second is completed as a file), ``choice`` (one of ``choices``),
    - ``int``, ``float`` (with ``minimum``),
    - ``version``: print the version and exit; never reaches the function.

    ``many`` collects every occurrence in a tuple. ``complete`` names what the shell offers: ``flow``, ``task``,
    ``node``, ``storage``, ``rule``, ``run`` (ids of flow runs) or ``mock`` (a task and ``=``). ``environment``
    holds variables beside ``SELINON_<COMMAND>_<OPTION>``.
    """

    name: str
    flags: tuple[str, ...]
    help: str
    kind: str = "text"
    metavar: str = ""
    default: Any = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    many: bool = False
    required: bool = False
    complete: str = ""
    environment: tuple[str, ...] = ()
    hidden: bool = False
    panel: str = ""


class Command(NamedTuple):
    """A command: ``run(terminal, **values)`` returns its exit code.

    With ``project`` it takes ``PATH...``, ``-n`` and ``-f``, and ``run`` gets them as one tuple ``paths``. Without
    ``positional`` it takes no ``PATH...``, and both options are required. ``examples`` are command lines for the
    help, with a comment where they need one.
    """

    name: str
    help: str
    run: Callable[..., int]
    options: tuple[Option, ...] = ()
    project: bool = True
    epilog: str = ""
    positional: bool = True
    examples: tuple[str, ...] = ()

    def parameters(self) -> tuple[Option, ...]:
        """Everything this command takes, the common options included."""
        if self.project:
            project = PROJECT_OPTIONS if self.positional else NAMED_FILES
            return (*project, *self.options, *OUTPUT_OPTIONS)
        return (*self.options, *OUTPUT_OPTIONS)

    def variables(self, option: Option) -> tuple[str, ...]:
        """The environment variables an option is read from, the first that is set and not empty counts."""
        if not option.flags or option.kind == "version":
            return ()
        long = next((flag[2:] for flag in option.flags if flag.startswith("--")), option.name)
        names = (long,) if long.replace("-", "_") == option.name else (long, option.name)
        own = (f"SELINON_{self.name}_{name}".upper().replace("-", "_").replace(" ", "_") for name in names)
        return (*own, *option.environment)


_COMMON = "Common options"

PROJECT_OPTIONS = (
    Option(
        "paths",
        (),
        "YAML files and directories; by default what pyproject.toml names, else the current directory.",
        kind="path",
        metavar="PATH",
        many=True,
    ),
    Option(
        "nodes_definition",
        ("-n", "--nodes-definition"),
        "A file with tasks and storages; another way to name a PATH.",
        kind="path",
        metavar="FILE",
        environment=("SELINON_NODES_DEFINITION",),
        panel=_COMMON,
    ),
    Option(
        "flow_definitions",
        ("-f", "--flow-definitions"),
        "A file or directory with flows; another way to name a PATH.",
        kind="path",
        metavar="PATH",
        many=True,
        environment=("SELINON_FLOW_DEFINITIONS",),
        panel=_COMMON,
    ),
)

NAMED_FILES = (
    PROJECT_OPTIONS[1]._replace(help="The file with tasks and storages.", required=True),
    PROJECT_OPTIONS[2]._replace(help="A file or directory with flows; may be repeated.", required=True),
)

OUTPUT_OPTIONS = (
    Option("verbose", ("-v", "--verbose"), "Say more; may be repeated.", kind="count", panel=_COMMON),
    Option("quiet", ("-q", "--quiet"), "Say only what was asked for.", kind="flag", panel=_COMMON),
    Option("no_color", ("--no-color",), "No colours; NO_COLOR does the same.", kind="flag", panel=_COMMON),
    Option("version", ("--version", "-V"), "Print the version and exit.", kind="version", panel=_COMMON),
)

#: What may stand before the command.
ROOT_OPTIONS = OUTPUT_OPTIONS
