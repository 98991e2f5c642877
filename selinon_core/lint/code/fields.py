"""The fields of classes that carry data, read from the text: dataclasses, ``TypedDict``, ``NamedTuple``, models of
pydantic, structs of msgspec; and the values of enumerations.

A class of another kind, or one that is written in a way that cannot be followed, has no shape here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from selinon_core.lint.code.parsed import Binding, ParsedModule, dotted
from selinon_core.lint.code.symbols import Kind, Symbol


class Texts(Protocol):
    """What is asked of an index of code; see ``CodeIndex``."""

    def lookup(self, module: str, name: str) -> Symbol | None: ...

    def method(self, cls: Symbol, name: str) -> Symbol | None: ...

    def text_of(self, symbol: Symbol) -> tuple[ParsedModule, Binding] | None: ...


_DATACLASS = frozenset({("dataclasses", "dataclass"), ("pydantic.dataclasses", "dataclass")})
_ENUMS = frozenset({("enum", "Enum"), ("enum", "StrEnum"), ("enum", "IntEnum")})
#: Base classes that make a class one with fields, and what it is then.
_BASES = {
    ("typing", "TypedDict"): "typed_dict",
    ("typing_extensions", "TypedDict"): "typed_dict",
    ("typing", "NamedTuple"): "named_tuple",
    ("pydantic", "BaseModel"): "model",
    ("msgspec", "Struct"): "struct",
}
#: How often base classes are followed.
_DEEPEST = 20


class Field(NamedTuple):
    """A field or a parameter. ``is_given``: it is among the arguments that make an object.

    ``module`` is where its annotation stands, None for the module at hand. ``not_required``: it may be missing in
    a value, as keys of a ``TypedDict`` may.
    """

    name: str
    annotation: ast.expr | None
    has_default: bool
    not_required: bool = False
    is_given: bool = True
    module: ParsedModule | None = None


class Shape(NamedTuple):
    """What values of a class are in JSON: one of ``values``, an array of the fields, or an object of them.

    ``is_open``: an object may have other keys too.
    """

    module: ParsedModule
    fields: tuple[Field, ...] = ()
    values: tuple[str | int, ...] | None = None
    is_array: bool = False
    is_open: bool = False


def shape_of(index: Texts, symbol: Symbol) -> Shape | None:
    """The shape of a class; None where it has none."""
    module, definition = index.text_of(symbol) or (None, None)
    if module is None or not isinstance(definition, ast.ClassDef):
        return None
    if any(module.imported_as(path) in _ENUMS for path in _base_paths(definition)):
        values = _enum_values(definition)
        return None if values is None else Shape(module, values=values)
    kind = _kind(index, module, definition, 0)
    if kind is None:
        return None
    fields = _fields(index, module, definition, kind, 0)
    if fields is None:
        return None
    return Shape(
        module, tuple(fields.values()), is_array=kind == "named_tuple", is_open=kind in ("typed_dict", "model")
    )


def _base_paths(definition: ast.ClassDef) -> Iterator[str]:
    for base in definition.bases:
        path = dotted(base)
        if path is not None:
            yield path


def _kind(index: Texts, module: ParsedModule, definition: ast.ClassDef, depth: int) -> str | None:
    """What sort of a class with fields it is; None for any other, and for one with settings of its own."""
    decorators = [each.func if isinstance(each, ast.Call) else each for each in definition.decorator_list]
    paths = [dotted(each) for each in decorators]
    if paths:
        only = len(paths) == 1 and paths[0] is not None and module.imported_as(paths[0]) in _DATACLASS
        return "dataclass" if only else None
    keywords = {each.arg for each in definition.keywords}
    if keywords - {"total", "frozen", "kw_only", "forbid_unknown_fields", "omit_defaults", "eq", "order", "gc"}:
        return None  # msgspec: rename, tag, array_like
    for path in _base_paths(definition):
        imported = module.imported_as(path)
        if imported is not None and imported in _BASES:
            return _BASES[imported]
        base = _base(index, module, path)
        if base is not None and depth < _DEEPEST:
            kind = _kind(index, *base, depth + 1)
            if kind not in (None, "dataclass"):
                return kind
    return None


def _base(index: Texts, module: ParsedModule, path: str) -> tuple[ParsedModule, ast.ClassDef] | None:
    symbol = index.lookup(module.name, path)
    found = index.text_of(symbol) if symbol is not None and symbol.kind is Kind.CLASS else None
    return (found[0], found[1]) if found is not None and isinstance(found[1], ast.ClassDef) else None


def _fields(
    index: Texts, module: ParsedModule, definition: ast.ClassDef, kind: str, depth: int
) -> dict[str, Field] | None:
    """The fields by name, those of base classes first; None where a base class is not known."""
    fields: dict[str, Field] = {}
    for path in reversed(list(_base_paths(definition))):
        imported = module.imported_as(path)
        if path == "object" or imported in _BASES or imported == ("abc", "ABC"):
            continue
        base = _base(index, module, path)
        inherited = None if base is None or depth >= _DEEPEST else _fields(index, *base, kind, depth + 1)
        if inherited is None:
            return None
        fields |= inherited
    total = not any(
        each.arg == "total" and isinstance(each.value, ast.Constant) and each.value.value is False
        for each in definition.keywords
    )
    for statement in definition.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found = _field(module, statement, kind, total)
            if found is not None:
                fields[found.name] = found
        elif kind == "model" and isinstance(statement, ast.Assign) and "alias" in ast.unparse(statement):
            return None  # model_config with a generator of aliases
    return None if any(_is_renamed(each) for each in definition.body) else fields


def _is_renamed(statement: ast.stmt) -> bool:
    """Whether a field has another name in JSON: ``Field(alias="x")``, ``field(name="x")``."""
    value = statement.value if isinstance(statement, ast.AnnAssign) else None
    if not isinstance(value, ast.Call):
        return False
    return any(each.arg in ("alias", "validation_alias", "serialization_alias", "name") for each in value.keywords)


def _field(module: ParsedModule, statement: ast.AnnAssign, kind: str, total: bool) -> Field | None:
    name = statement.target.id  # type: ignore[union-attr]
    annotation, value = statement.annotation, statement.value
    outer = dotted(annotation) if isinstance(annotation, ast.Name | ast.Attribute | ast.Subscript) else None
    imported = None if outer is None else module.imported_as(outer)
    word = imported[1] if imported is not None else outer
    if word in ("ClassVar", "KW_ONLY", "InitVar") or (kind == "model" and name.startswith("_")):
        return None
    if kind == "typed_dict":
        required = word == "Required" or (total and word != "NotRequired")
        return Field(name, annotation, False, not_required=not required, module=module)
    has_default, is_given = value is not None, True
    if isinstance(value, ast.Call):
        called = (dotted(value.func) or "").rpartition(".")[2] if not isinstance(value.func, ast.Call) else ""
        keywords = {each.arg: each.value for each in value.keywords}
        if called in ("field", "Field"):
            first = value.args[0] if value.args and called == "Field" else None
            is_open = isinstance(first, ast.Constant) and first.value is Ellipsis
            has_default = (first is not None and not is_open) or bool(
                {"default", "default_factory"} & keywords.keys()
            )
            init = keywords.get("init")
            is_given = not (isinstance(init, ast.Constant) and init.value is False)
    elif isinstance(value, ast.Constant) and value.value is Ellipsis:
        has_default = False
    return Field(name, annotation, has_default, is_given=is_given, module=module)


def _enum_values(definition: ast.ClassDef) -> tuple[str | int, ...] | None:
    """The values of an enumeration; None where one of them is worked out."""
    values: list[str | int] = []
    for statement in definition.body:
        if isinstance(statement, ast.Assign):
            value = statement.value
            if not isinstance(value, ast.Constant) or not isinstance(value.value, str | int):
                return None
            values.append(value.value)
    return tuple(values) or None
