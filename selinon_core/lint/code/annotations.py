"""Types as JSON Schemas: the annotations of ``run``, and the classes that they name, read from the text.

What is not understood is ``{}``: anything. A dataclass has one schema for arguments and another for results: a
field with a default may be missing in arguments, and is always there in results. Like ``parsed``, this file is
imported only when there is a module to read.
"""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from selinon_core.lint.code.fields import Field, Shape, Texts, shape_of
from selinon_core.lint.code.parsed import FunctionNode, ParsedModule, dotted, is_decorated, members
from selinon_core.lint.code.symbols import Kind, Symbol

JsonSchema = dict[str, Any]

#: Annotations nested deeper than this are not understood.
_DEEPEST = 20

_PLAIN: dict[str, JsonSchema] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "list": {"type": "array"},
    "tuple": {"type": "array"},
    "dict": {"type": "object"},
}
#: Names of other modules that mean what builtins mean.
_GENERIC = {
    **dict.fromkeys(("List", "Sequence", "MutableSequence", "Iterable", "Collection", "Set", "FrozenSet"), "list"),
    **dict.fromkeys(("Dict", "Mapping", "MutableMapping"), "dict"),
    **dict.fromkeys(("set", "frozenset"), "list"),
    "Tuple": "tuple",
}
_TYPING = ("typing", "typing_extensions", "collections.abc")


class RunSchemas(NamedTuple):
    """JSON Schemas of what ``run`` takes and of what it returns; ``{}`` where nothing is known.

    ``arguments`` is that of the object whose keys a ``run`` with keyword-only parameters gets, and that of the one
    value that any other gets (``is_by_name`` tells them apart).
    """

    arguments: JsonSchema
    result: JsonSchema
    is_by_name: bool = False


def schemas_of_run(index: Texts, cls: Symbol) -> RunSchemas | None:
    """What ``run`` of a task class takes and returns by its annotations; None where its text is not known."""
    try:
        found = _run_function(index, cls)
        return None if found is None else _schemas(index, *found)
    except RecursionError:  # an annotation that is nested too deep
        return None


def _schemas(index: Texts, module: ParsedModule, function: FunctionNode) -> RunSchemas:
    parameters = function.args
    positional = [*parameters.posonlyargs, *parameters.args][1:]
    taking, giving = _Reader(index, for_results=False), _Reader(index, for_results=True)
    is_by_name = not positional and parameters.vararg is None
    if not is_by_name:
        arguments = taking.whole(positional[0].annotation, module) if positional else {}
    else:
        fields = [
            Field(each.arg, each.annotation, default is not None)
            for each, default in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)
        ]
        arguments = taking.closed(taking.of_fields(fields, module, open=parameters.kwarg is not None))
    return RunSchemas(arguments, giving.whole(function.returns, module), is_by_name)


def _run_function(index: Texts, cls: Symbol) -> tuple[ParsedModule, FunctionNode] | None:
    """The text of ``run`` of a class, which a base class may have; None where it is not certain."""
    run = index.method(cls, "run")
    if run is None or run.signature is None:
        return None
    found = index.text_of(Symbol(Kind.CLASS, run.home, run.name.rpartition(".")[0]))
    if found is None or not isinstance(found[1], ast.ClassDef):
        return None
    function = members(found[1]).get("run")
    plain = isinstance(function, FunctionNode) and not is_decorated(function, bound=False)
    return (found[0], function) if plain and function is not None else None


class _Reader:
    """Reads annotations. The classes that they name become ``$defs``."""

    def __init__(self, index: Texts, *, for_results: bool) -> None:
        self._index = index
        self._for_results = for_results
        self._defs: dict[str, JsonSchema] = {}
        self._names: dict[tuple[str, str], str] = {}

    def whole(self, annotation: ast.expr | None, module: ParsedModule) -> JsonSchema:
        """The schema of an annotation with its ``$defs``."""
        return self.closed({} if annotation is None else self._read(annotation, module, 0))

    def closed(self, schema: JsonSchema) -> JsonSchema:
        """A schema with the definitions that it refers to."""
        return {**schema, "$defs": self._defs} if self._defs else schema

    def of_fields(self, fields: list[Field], module: ParsedModule, *, open: bool) -> JsonSchema:
        """The schema of an object with these keys."""
        schema: JsonSchema = {
            "type": "object",
            "properties": {each.name: self._field(each, module) for each in fields},
        }
        required = [each.name for each in fields if not self._may_be_missing(each)]
        if required:
            schema["required"] = required
        return schema if open else {**schema, "additionalProperties": False}

    def _may_be_missing(self, field: Field) -> bool:
        return field.not_required or (field.has_default and not self._for_results)

    def _field(self, field: Field, module: ParsedModule) -> JsonSchema:
        return {} if field.annotation is None else self._read(field.annotation, field.module or module, 0)

    def _read(self, annotation: ast.expr, module: ParsedModule, depth: int) -> JsonSchema:
        if depth > _DEEPEST:
            return {}
        if isinstance(annotation, ast.Constant):
            return self._constant(annotation.value, module, depth)
        if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
            return self._union([annotation.left, annotation.right], module, depth)
        if isinstance(annotation, ast.Subscript):
            return self._subscript(annotation, module, depth)
        path = dotted(annotation) if isinstance(annotation, ast.Name | ast.Attribute) else None
        if path is None:
            return {}
        name = self._known(path, module)
        if name is not None:
            return dict(_PLAIN.get(name, {}))
        return self._named(path, module)

    def _constant(self, value: object, module: ParsedModule, depth: int) -> JsonSchema:
        if value is None:
            return {"type": "null"}
        if not isinstance(value, str):
            return {}
        try:  # the annotation in quotes
            return self._read(ast.parse(value, mode="eval").body, module, depth + 1)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return {}

    def _known(self, path: str, module: ParsedModule) -> str | None:
        """The builtin, or the word of ``typing``, that a path means; None for anything else."""
        imported = module.imported_as(path)
        if imported is not None:
            return _GENERIC.get(imported[1], imported[1]) if imported[0] in _TYPING else None
        if path in module.bindings:
            return None
        return path if path in _PLAIN else _GENERIC.get(path)

    def _subscript(self, annotation: ast.Subscript, module: ParsedModule, depth: int) -> JsonSchema:
        path = dotted(annotation.value) if isinstance(annotation.value, ast.Name | ast.Attribute) else None
        name = None if path is None else self._known(path, module)
        inside = annotation.slice
        parts = list(inside.elts) if isinstance(inside, ast.Tuple) else [inside]
        if name == "Literal":
            values = [part.value for part in parts if isinstance(part, ast.Constant)]
            is_json = len(values) == len(parts) and all(isinstance(v, str | int | None) for v in values)
            return {"enum": values} if is_json else {}
        if name in ("Annotated", "Required", "NotRequired", "ReadOnly", "Final"):
            return self._read(parts[0], module, depth + 1)
        if name == "Optional":
            return self._union([*parts, ast.Constant(None)], module, depth)
        if name == "Union":
            return self._union(parts, module, depth)
        if name == "list":
            return {"type": "array", "items": self._read(parts[0], module, depth + 1)}
        if name == "dict":
            values_of = self._read(parts[1], module, depth + 1) if len(parts) == 2 else {}
            return {"type": "object", "additionalProperties": values_of}
        return self._tuple(parts, module, depth) if name == "tuple" else {}

    def _tuple(self, parts: list[ast.expr], module: ParsedModule, depth: int) -> JsonSchema:
        if len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is Ellipsis:
            return {"type": "array", "items": self._read(parts[0], module, depth + 1)}
        return _array([self._read(part, module, depth + 1) for part in parts], len(parts))

    def _union(self, parts: list[ast.expr], module: ParsedModule, depth: int) -> JsonSchema:
        choices: list[JsonSchema] = []
        for part in parts:
            schema = self._read(part, module, depth + 1)
            choices += schema["anyOf"] if set(schema) == {"anyOf"} else [schema]
        return {} if {} in choices else {"anyOf": choices}

    # --- classes ---------------------------------------------------------------------------------------------

    def _named(self, path: str, module: ParsedModule) -> JsonSchema:
        symbol = self._index.lookup(module.name, path)
        if symbol is None or symbol.kind is not Kind.CLASS:
            return {}
        key = (symbol.home, symbol.name)
        if key not in self._names:
            shape = shape_of(self._index, symbol)
            if shape is None:
                return {}
            name = symbol.name if symbol.name not in self._defs else f"{symbol.home}.{symbol.name}"
            self._names[key] = name
            self._defs[name] = {}  # a class may have itself in it
            self._defs[name] = self._class(shape)
        return {"$ref": f"#/$defs/{self._names[key]}"}

    def _class(self, shape: Shape) -> JsonSchema:
        if shape.values is not None:
            return {"enum": list(shape.values)}
        fields = [each for each in shape.fields if each.is_given or self._for_results]
        if shape.is_array:
            least = sum(not self._may_be_missing(each) for each in fields)
            return _array([self._field(each, shape.module) for each in fields], least)
        # An object of a class has its fields and no others; what it is made of may have more.
        return self.of_fields(fields, shape.module, open=shape.is_open or not self._for_results)


def _array(items: list[JsonSchema], least: int) -> JsonSchema:
    return {"type": "array", "prefixItems": items, "minItems": least, "maxItems": len(items)}
