"""What a command line may hold, declared once: both parsers, the help and a command's values are made from it.

An option is a class attribute of ``Options``, and its value an attribute of the instance that a command gets::

    class DrawOptions(ProjectOptions):
        expand = flag("--expand", help="Draw sub-flows with what is in them.")
        engine = text("--engine", help="The program that draws.", metavar="PROGRAM")
        mocking = group(MockOptions)

    def draw(terminal: Terminal, options: DrawOptions) -> int:
        if options.expand and not options.mocking.mock_tasks: ...

Commands share options through ``group``. Imported on every start, so this module imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar, cast, overload

if TYPE_CHECKING:
    from typing import TypedDict, Unpack

    class _Details(TypedDict, total=False):
        """Fields of ``Option`` that all sorts of options have."""

        help: str
        metavar: str
        complete: str
        panel: str
        environment: tuple[str, ...]


class Option(NamedTuple):
    """An option, or without ``flags`` a positional argument.

    ``name`` is the attribute that holds its value. ``kind`` is one of

    - ``flag`` (bool, default false) and ``count`` (how often it is given, an int),
    - ``text``, ``path`` (both ``str``; the second is completed as a file), ``choice`` (one of ``choices``),
    - ``int``, ``float`` (with ``minimum``),
    - ``version``: print the version and exit; never reaches the command.

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


def default_of(option: Option) -> Any:
    """The value of an option that is not given."""
    if option.many:
        return ()
    return {"flag": False, "count": 0, "version": False}.get(option.kind, option.default)


# --- declarations: each returns an Option, and is typed as the value that the attribute has later ---------------

_Text = TypeVar("_Text", bound=str)


def flag(*flags: str, **details: Unpack[_Details]) -> bool:
    """Declare an option without a value."""
    return cast(bool, _option(flags, kind="flag", **details))


@overload
def text(*flags: str, default: str, kind: Literal["text", "path"] = ..., **details: Unpack[_Details]) -> str: ...
@overload
def text(
    *flags: str, required: Literal[True], kind: Literal["text", "path"] = ..., **details: Unpack[_Details]
) -> str: ...
@overload
def text(*flags: str, kind: Literal["text", "path"] = ..., **details: Unpack[_Details]) -> str | None: ...
def text(*flags: str, **fields: Any) -> Any:
    """Declare an option with a text, or with the name of a file (``kind="path"``)."""
    return _option(flags, **fields)


def texts(
    *flags: str, kind: Literal["text", "path"] = "text", required: bool = False, **details: Unpack[_Details]
) -> Sequence[str]:
    """Declare an option that may be repeated."""
    return cast(Sequence[str], _option(flags, kind=kind, many=True, required=required, **details))


@overload
def choice(*flags: str, choices: tuple[_Text, ...], default: _Text, **details: Unpack[_Details]) -> _Text: ...
@overload
def choice(*flags: str, choices: tuple[_Text, ...], **details: Unpack[_Details]) -> _Text | None: ...
def choice(*flags: str, **fields: Any) -> Any:
    """Declare an option with one of some texts."""
    return _option(flags, kind="choice", **fields)


@overload
def integer(*flags: str, minimum: int, default: int, **details: Unpack[_Details]) -> int: ...
@overload
def integer(*flags: str, minimum: int, **details: Unpack[_Details]) -> int | None: ...
def integer(*flags: str, **fields: Any) -> Any:
    """Declare an option with a whole number."""
    return _option(flags, kind="int", **fields)


@overload
def number(*flags: str, minimum: float, default: float, **details: Unpack[_Details]) -> float: ...
@overload
def number(*flags: str, minimum: float, **details: Unpack[_Details]) -> float | None: ...
def number(*flags: str, **fields: Any) -> Any:
    """Declare an option with a number."""
    return _option(flags, kind="float", **fields)


def _option(flags: tuple[str, ...], **fields: Any) -> Option:
    return Option("", flags, **fields)  # the name is that of the attribute


# --- values ------------------------------------------------------------------------------------------------------


class Options:
    """The values of options. A subclass declares them; an instance is made from values by the options' names.

    ``declared`` has the options in their order, those of groups included. An option that is not given has its
    default. Raises ``TypeError`` for a value without an option.
    """

    declared: ClassVar[tuple[Option, ...]] = ()
    _groups: ClassVar[Mapping[str, _Group]] = {}

    def __init_subclass__(cls) -> None:
        declared, groups = list(cls.declared), dict(cls._groups)
        for name, value in tuple(vars(cls).items()):
            if isinstance(value, Option):
                declared.append(Option(name, *value[1:]))
                setattr(cls, name, default_of(value))
            elif isinstance(value, _Group):
                declared += value.taken
                groups[name] = value
        cls.declared, cls._groups = tuple(declared), groups

    def __init__(self, **values: Any) -> None:
        own = vars(self)
        for name, group in self._groups.items():
            names = [option.name for option in group.taken if option.name in values]
            own[name] = group.options(**{each: values.pop(each) for each in names})
        for name in values:
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no option {name}")
        own.update(values)

    def values(self) -> dict[str, Any]:
        """The value of each option by the option's name."""
        found: dict[str, Any] = {}
        for name, group in self._groups.items():
            inner = getattr(self, name).values()
            found.update((option.name, inner[option.name]) for option in group.taken)
        return {
            option.name: found[option.name] if option.name in found else getattr(self, option.name)
            for option in self.declared
        }


class _Group:
    """The options ``taken`` over from another class."""

    __slots__ = ("options", "taken")

    def __init__(self, options: type[Options], taken: tuple[Option, ...]) -> None:
        self.options = options
        self.taken = taken


_Grouped = TypeVar("_Grouped", bound=Options)


def group(options: type[_Grouped], *, without: Collection[str] = (), panel: str = "") -> _Grouped:
    """Declare the options of another class; the attribute holds an instance of it.

    Options named in ``without`` are left out and keep their defaults. ``panel`` is where the help
    shows the others.
    """
    taken = [
        option._replace(panel=panel) if panel else option
        for option in options.declared
        if option.name not in without
    ]
    return cast(_Grouped, _Group(options, tuple(taken)))


class ProjectOptions(Options):
    """Options of a command about a project; ``paths`` has what ``PATH...``, ``-n`` and ``-f`` name together."""

    paths: Sequence[str] = ()


class Command(NamedTuple):
    """A command: ``run(terminal, options)`` returns its exit code.

    ``options`` is the class that declares what it takes. If that is one of ``ProjectOptions``, the command takes
    ``PATH...``, ``-n`` and ``-f`` too; without ``positional`` it takes no ``PATH...``, and both options are
    required. ``examples`` are command lines for the help, with a comment where they need one.
    """

    name: str
    help: str
    run: Callable[..., int]
    options: type[Options] = Options
    epilog: str = ""
    positional: bool = True
    examples: tuple[str, ...] = ()

    @property
    def project(self) -> bool:
        """Whether the command is about a project."""
        return issubclass(self.options, ProjectOptions)

    def parameters(self) -> tuple[Option, ...]:
        """Everything this command takes, the common options included."""
        if self.project:
            project = PROJECT_OPTIONS if self.positional else NAMED_FILES
            return (*project, *self.options.declared, *OUTPUT_OPTIONS)
        return (*self.options.declared, *OUTPUT_OPTIONS)

    def variables(self, option: Option) -> tuple[str, ...]:
        """The environment variables an option is read from, the first that is set and not empty counts."""
        if not option.flags or option.kind == "version":
            return ()
        long = next((flag[2:] for flag in option.flags if flag.startswith("--")), option.name)
        names = (long,) if long.replace("-", "_") == option.name else (long, option.name)
        own = (f"SELINON_{self.name}_{name}".upper().replace("-", "_").replace(" ", "_") for name in names)
        return (*own, *option.environment)


_COMMON = "Common options"
#: What paths of a project are.
PATHS_HELP = "YAML files and directories; by default what pyproject.toml names, else the current directory."
#: For commands whose positional arguments are others.
PROJECT = texts("--project", help=PATHS_HELP, kind="path", metavar="PATH")

PROJECT_OPTIONS = (
    Option(
        "paths",
        (),
        PATHS_HELP,
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
