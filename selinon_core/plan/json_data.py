"""Parts that every piece of a plan as JSON has: data of users, places, references to functions.

Data that JSON has no form for (keys that are not text, infinite numbers) is wrapped in a mapping with one key
beginning with ``$``; so is a mapping of which a key begins with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isfinite, nan
from typing import Any

from selinon_core.diagnostics.location import Place
from selinon_core.plan.model import ImportRef

_FLOATS = {"inf": inf, "-inf": -inf, "nan": nan}


def wrap(value: Any) -> Any:
    """Data of users as JSON."""
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: wrap(item) for key, item in value.items()}
        return {"$map": [[wrap(key), wrap(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [wrap(item) for item in value]
    if isinstance(value, float) and not isfinite(value):
        return {"$float": str(value)}
    return value


def unwrap(value: Any) -> Any:
    """The inverse of ``wrap``."""
    if isinstance(value, Mapping):
        if "$map" in value:
            return {unwrap(key): unwrap(item) for key, item in value["$map"]}
        if "$float" in value:
            return _FLOATS[value["$float"]]
        return {key: unwrap(item) for key, item in value.items()}
    return [unwrap(item) for item in value] if isinstance(value, list) else value


def fields(part: Any) -> dict[str, Any]:
    """The fields of a named tuple, without those that have their default."""
    defaults = part._field_defaults
    return {
        name: value for name, value in part._asdict().items() if not (name in defaults and defaults[name] == value)
    }


def place_json(place: Place) -> list[Any]:
    """A place as a list."""
    return list(place)


def read_place(data: Any) -> Place:
    """The inverse of ``place_json``."""
    return Place(*data)


def reference_json(ref: ImportRef | None) -> dict[str, str] | None:
    """A function or class by its name."""
    return None if ref is None else {"module": ref.module, "name": ref.name}


def read_reference(data: Any) -> ImportRef:
    """The inverse of ``reference_json``, for one that is there."""
    return ImportRef(data["module"], data["name"])
