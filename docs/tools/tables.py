"""Parts of pages that are made from the code: ``<!-- generated: KIND NAME -->`` ... ``<!-- end -->``."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from docs.tools.mistakes import mistakes
from selinon_cli.options import OUTPUT_OPTIONS, PROJECT_OPTIONS, Option
from selinon_cli.registry import SELINON, SELINON_CLI, load_command
from selinon_core.celery.settings import AdapterSettings
from selinon_core.config.schema import json_schema
from selinon_core.config.schema.common import Function, Throttling
from selinon_core.config.schema.condition import Condition
from selinon_core.config.schema.flows import ForeachValue
from selinon_core.config.schema.global_section import Trace
from selinon_core.config.schema.mapping import Key, ListOf, MappingType
from selinon_core.config.schema.sections import SECTIONS
from selinon_core.config.schema.types import ValueType
from selinon_core.covering.goals import KINDS
from selinon_core.explaining.reason import REASON_KINDS
from selinon_core.expressions import parser, values
from selinon_core.expressions.functions import FUNCTIONS
from selinon_core.mutating.operators import MISTAKES
from selinon_core.plan import shipped
from selinon_core.runtime.trace.events import EVENT_KINDS, EventKind

_PART = re.compile(r"(<!-- generated: (?P<what>[^>]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_generated_parts(page: str) -> str:
    """The page with its generated parts as the code has them now; ``KeyError`` for an unknown kind or name."""

    def part(match: re.Match[str]) -> str:
        kind, *names = match["what"].split(maxsplit=1)
        return f"{match[1]}\n{_PARTS[kind](*names)}\n{match[3]}"

    return _PART.sub(part, page)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


# --- the language ----------------------------------------------------------------------------------------------

_BY_TITLE = {table.title: table for table in json_schema.TABLES}


def _sections() -> str:
    return _table(["section", "holds"], ([f"`{name}`", text] for name, (_, text) in SECTIONS.items()))


def _keys(title: str) -> str:
    keys = _BY_TITLE[title].keys.values()
    rows = ([f"`{key.name}`", _value_of(key.shape), _default_of(key), key.text] for key in keys)
    return _table(["key", "value", "default", "meaning"], rows)


def _default_of(key: Key) -> str:
    if key.required:
        return "required"
    if isinstance(key.default, bool):
        return f"`{str(key.default).lower()}`"
    if isinstance(key.default, int | float):
        return f"`{key.default}`"
    return ""


def _value_of(shape: ValueType) -> str:
    if isinstance(shape, ListOf):
        return f"a list, each item {_link(shape.item)}"
    if isinstance(shape, MappingType):
        return _link(shape)
    if isinstance(shape, Function):
        return _link(shape.table)
    if isinstance(shape, Condition):
        return "a [condition](#conditions)"
    if isinstance(shape, ForeachValue):
        return "an [expression](#expressions) or [foreach](#foreach)"
    if isinstance(shape, Throttling):
        return "[throttling](#throttling)"
    if isinstance(shape, Trace):
        return "[trace](#trace)"
    return shape.expected


def _link(table: MappingType) -> str:
    return f"[{table.title}](#{table.title.replace(' ', '-')})"


# --- the command line ------------------------------------------------------------------------------------------


def _options(words: str) -> str:
    program = SELINON_CLI if words.startswith("selinon-cli ") else SELINON
    command = load_command(program, words.removeprefix("selinon-cli "))
    return _option_table(command.options.declared)


def _common_options() -> str:
    return _option_table((*PROJECT_OPTIONS, *OUTPUT_OPTIONS))


def _option_table(options: Iterable[Option]) -> str:
    return _table(
        ["option", "meaning"], ([_option(option), option.help] for option in options if not option.hidden)
    )


def _option(option: Option) -> str:
    if not option.flags:
        return f"`{option.metavar or option.name.upper()}{'...' if option.many else ''}`"
    value = "|".join(option.choices) if option.kind == "choice" else option.metavar
    value = value.replace("|", "\\|")  # a column would end there
    flags = ", ".join(f"`{flag}`" for flag in option.flags)
    return f"{flags} `{value}`" if value and option.kind not in ("flag", "count", "version") else flags


def _commands(program: str) -> str:
    found = {"selinon": SELINON, "selinon-cli": SELINON_CLI}[program]
    return _table(["command", "does"], ([f"`{name}`", load_command(found, name).help] for name in found.commands))


# --- settings --------------------------------------------------------------------------------------------------

_FIELD = re.compile(r"(?P<text>(?:    #:.*\n)+)    (?P<name>selinon_\w+):")


def _settings() -> str:
    defaults = AdapterSettings._field_defaults
    rows = []
    for field in _FIELD.finditer(inspect.getsource(AdapterSettings)):
        text = " ".join(line.strip().removeprefix("#:").strip() for line in field["text"].splitlines())
        meaning, _, change = (part.strip() for part in text.partition("|"))
        default = defaults[field["name"]]
        shown = "" if default is None else f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
        rows.append([f"`{field['name']}`", shown, meaning, change])
    assert [row[0].strip("`") for row in rows] == list(defaults), "every setting has a comment"
    return _table(["setting", "default", "what it is", "change it when"], rows)


# --- the code --------------------------------------------------------------------------------------------------


def _modules(package: str) -> str:
    """Every module below a package with its first sentence: a map that cannot be out of date."""
    root = Path(__file__).parents[2]
    rows = []
    for path in sorted((root / package.replace(".", "/")).rglob("*.py")):
        name = path.relative_to(root / package.replace(".", "/")).as_posix()
        if path.stat().st_size:
            rows.append([f"`{name.removesuffix('__init__.py') or '__init__.py'}`", _says(path)])
    return _table(["module", "what it is"], rows)


def _rooms() -> str:
    """The rooms of the library with the first sentence of each."""
    library = Path(__file__).parents[2] / "selinon_core"
    found = {path: path / "__init__.py" for path in library.iterdir() if (path / "__init__.py").exists()}
    found |= {path: path for path in library.glob("*.py") if path.name != "__init__.py"}
    rows = [[f"`{path.name}{'/' if path.is_dir() else ''}`", _says(text)] for path, text in sorted(found.items())]
    return _table(["room", "what it is"], rows)


def _says(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")


# --- what ships ------------------------------------------------------------------------------------------------


def _predicates(about: str) -> str:
    module = import_module("selinon_core.predicates")
    rows = []
    for name, signature in shipped.PREDICATES.items():
        if _is_about(about, signature):
            arguments = ", ".join(f"`{argument}`" for argument in signature.args)
            rows.append([f"`{name}`", arguments, _first_sentence(getattr(module, name))])
    return _table(["predicate", "arguments", "true when"], rows)


def _is_about(about: str, signature: shipped.PredicateSignature) -> bool:
    found = "message" if signature.takes_message else "node_args" if signature.takes_node_args else "environment"
    return found == about


def _strategies() -> str:
    module = import_module("selinon_core.strategies")
    rows = [
        [f"`{name}`", ", ".join(f"`{argument}`" for argument in arguments), _first_sentence(getattr(module, name))]
        for name, arguments in shipped.STRATEGIES.items()
    ]
    return _table(["strategy", "arguments", "seconds"], rows)


def _caches() -> str:
    module = import_module("selinon_core.caches")
    rows = [
        [f"`{name}`", ", ".join(f"`{argument}`" for argument in signature.optional), _first_sentence(cls)]
        for name, signature in shipped.CACHES.items()
        for cls in [getattr(module, name)]
    ]
    return _table(["cache", "arguments", "what makes room"], rows)


def _storage(path: str) -> str:
    module, _, name = path.rpartition(".")
    cls = getattr(import_module(module), name)
    lines = [f"`import: {module}`, `classname: {name}`", "", inspect.cleandoc(cls.__doc__).replace("``", "`"), ""]
    parameters = list(inspect.signature(cls).parameters.values())
    rows = [[f"`{p.name}`", f"`{_cell(str(p.annotation))}`", _default_of_parameter(p)] for p in parameters]
    return "\n".join(lines) + "\n" + _table(["configuration", "type", "default"], rows)


def _default_of_parameter(parameter: inspect.Parameter) -> str:
    return "required" if parameter.default is parameter.empty else f"`{parameter.default!r}`"


def _first_sentence(documented: Callable[..., Any]) -> str:
    text = " ".join(inspect.cleandoc(documented.__doc__ or "").split("\n\n")[0].split()).replace("``", "`")
    return _cell(text.removeprefix("Return whether "))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


# --- expressions ----------------------------------------------------------------------------------------------


def _expression_functions() -> str:
    return _table(["function", "gives"], ([f"`{_call(name)}`", one.gives] for name, one in FUNCTIONS.items()))


def _call(name: str) -> str:
    """How a function is called: ``split(text: text, [separator: text])``."""
    function = FUNCTIONS[name]
    parameters = [
        parameter if types in ("any", "path") or parameter == types else f"{parameter}: {types}"
        for parameter, types in function.parameters.items()
    ]
    optional = [f"[{parameter}]" for parameter in parameters[function.needed :]]
    return f"{name}({', '.join([*parameters[: function.needed], *optional])}{', ...' if function.repeats else ''})"


def _expression_limits() -> str:
    rows = (
        ["characters of an expression", parser.MAX_CHARACTERS],
        ["levels of its tree, and parentheses around each other", parser.MAX_DEPTH],
        ["steps of an evaluation", values.MAX_STEPS],
        ["characters of all texts that an evaluation makes", values.MAX_TEXT],
    )
    number = ["a number that is made, without its sign", f"less than 2**{values.NUMBERS_BELOW.bit_length() - 1}"]
    return _table(["what", "at most"], [*([what, f"{most:,}"] for what, most in rows), number])


# --- events ----------------------------------------------------------------------------------------------------


def _events() -> str:
    rows = ([f"`{name}`", _meaning(kind), _fields(kind)] for name, kind in EVENT_KINDS.items())
    return _table(["event", "meaning", "fields"], rows)


def _meaning(kind: EventKind) -> str:
    return f"*Warning.* {kind.meaning}" if kind.warning else kind.meaning


#: Fields that belong together are named as one; their meaning stands above the table.
_GROUPS = (
    ("the edge", ("edge", "nodes_from", "nodes_to", "where")),
    ("the task", ("task_name", "task_id", "queue", "parent", "node_args")),
    ("the sub-flow", ("child_flow_name", "child_dispatcher_id", "queue", "parent", "node_args")),
    ("the node", ("node_name", "node_id")),
    ("the result", ("task_name", "task_id", "storage_name", "storage_task_name")),
)


def _fields(kind: EventKind) -> str:
    left = [field for field in kind.fields if field not in ("flow_name", "dispatcher_id")]
    shown = []
    for name, group in _GROUPS:
        if {*group} <= {*left}:
            shown.append(name)
            left = [field for field in left if field not in group]
    return ", ".join([*shown, *(f"`{field}`" for field in left)])


# --- coverage --------------------------------------------------------------------------------------------------


def _reasons() -> str:
    return _table(["reason", "says"], ([f"`{kind}`", text] for kind, (text, _) in REASON_KINDS.items()))


def _coverage_goals() -> str:
    rows = (
        [f"`{name}`" + (f" (`--{kind.needs}`)" if kind.needs else ""), kind.meaning]
        for name, kind in KINDS.items()
    )
    return _table(["kind", "is covered when"], rows)


# --- mutants ---------------------------------------------------------------------------------------------------


def _mutation_operators() -> str:
    return _table(["name", "mistake"], ([f"`{name}`", text] for name, text in MISTAKES.items()))


_PARTS: dict[str, Callable[..., str]] = {
    "sections": _sections,
    "keys": _keys,
    "options": _options,
    "common-options": _common_options,
    "commands": _commands,
    "predicates": _predicates,
    "strategies": _strategies,
    "caches": _caches,
    "storage": _storage,
    "events": _events,
    "reasons": _reasons,
    "expression-functions": _expression_functions,
    "expression-limits": _expression_limits,
    "settings": _settings,
    "coverage-goals": _coverage_goals,
    "mutation-operators": _mutation_operators,
    "modules": _modules,
    "rooms": _rooms,
    "mistakes": mistakes,
}
