"""Values of tasks between JSON and the types of annotations (``global.typed_tasks``).

msgspec converts (the extra ``typed``), pydantic its own models. This module is imported when the first task is
called with types.
"""

from __future__ import annotations

import dataclasses
import sys
from functools import cache
from typing import Any, get_args, get_type_hints

from selinon_core.errors import ConfigurationError, MissingExtraError, SchemaMismatchError
from selinon_core.runtime.json_values import copy_json

try:
    import msgspec
except ImportError:
    raise MissingExtraError("typed_tasks needs: pip install 'selinon[typed]'") from None


@cache
def parameter_types(function: Any, task: str) -> dict[str, Any]:
    """The types of the parameters of a function; those without annotation are left out.

    Raises ``ConfigurationError`` for an annotation that names nothing.
    """
    try:
        types = get_type_hints(function, include_extras=True)
    except Exception as error:  # annotations are code of the user
        text = f"an annotation of run of {task} cannot be used: {type(error).__name__}: {error}"
        raise ConfigurationError(text) from error
    types.pop("return", None)
    return {name: type_ for name, type_ in types.items() if type_ is not Any}


def converted(value: Any, type_: Any, what: str) -> Any:
    """A JSON value as a value of a type; ``what`` begins the message ("the argument "n" of T does").

    Raises ``SchemaMismatchError`` with the place in the value, ``ConfigurationError`` for a type that JSON has no
    values of.
    """
    if _has_model(type_):
        return _validated(value, type_, what)
    try:
        made = msgspec.convert(value, type_, str_keys=True, dec_hook=_model_of)
    except msgspec.ValidationError as error:
        raise SchemaMismatchError(f"{what} not fit {_shown(type_)}: {error}") from None
    except (TypeError, NotImplementedError) as error:  # a type that has no conversion
        raise ConfigurationError(f"{what} not convert to {_shown(type_)}: {error}") from error
    _set_defaults(made)
    return made


def _set_defaults(value: Any) -> None:
    """Give dataclasses their defaults: msgspec leaves them to the class, where ``to_builtins`` does not look."""
    todo = [value]
    while todo:
        current = todo.pop()
        if dataclasses.is_dataclass(current):
            attributes = getattr(current, "__dict__", None)
            for each in dataclasses.fields(current):
                inner = getattr(current, each.name, None)
                if attributes is not None and each.name not in attributes and hasattr(current, each.name):
                    attributes[each.name] = inner
                todo.append(inner)
        elif isinstance(current, msgspec.Struct):
            todo += [getattr(current, name) for name in current.__struct_fields__]
        elif isinstance(current, dict):
            todo += current.values()
        elif isinstance(current, list | tuple | set | frozenset):
            todo += current


def _model_of(type_: Any, value: Any) -> Any:
    """A model of pydantic inside of a type that msgspec converts."""
    if not _is_model(type_):
        raise NotImplementedError(f"values of type {_shown(type_)} cannot be made from JSON")
    return _validated(value, type_, "it does")


def to_json(result: Any, task: str) -> Any:
    """A result as JSON: objects as mappings of their fields, dates and the like as text."""
    try:
        return copy_json(msgspec.to_builtins(result, str_keys=True, enc_hook=_dumped))
    except (TypeError, ValueError, NotImplementedError, OverflowError, RecursionError) as error:
        raise SchemaMismatchError(f"the result of {task} is not JSON: {error}") from error


def _dumped(value: Any) -> Any:
    if _is_model(type(value)):
        return value.model_dump(mode="json")
    raise NotImplementedError(f"objects of type {type(value).__name__} are not supported")


def _is_model(type_: Any) -> bool:
    """Whether a type is a model of pydantic, which is imported then."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(type_, type) and issubclass(type_, pydantic.BaseModel)


@cache
def _has_model(type_: Any) -> bool:
    return _is_model(type_) or any(_has_model(part) for part in get_args(type_) if _can_be_asked(part))


def _can_be_asked(part: Any) -> bool:
    return isinstance(part, type) or bool(get_args(part))


@cache
def _adapter(type_: Any) -> Any:
    import pydantic

    return pydantic.TypeAdapter(type_)


def _validated(value: Any, type_: Any, what: str) -> Any:
    import pydantic

    try:
        return _adapter(type_).validate_python(value)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        raise SchemaMismatchError(f"{what} not fit {_shown(type_)}: {first['msg']} - at `${place}`") from None
    except pydantic.errors.PydanticUserError as error:
        raise ConfigurationError(f"{what} not convert to {_shown(type_)}: {error}") from error


def _shown(type_: Any) -> str:
    return type_.__name__ if isinstance(type_, type) and not get_args(type_) else str(type_).replace("typing.", "")
