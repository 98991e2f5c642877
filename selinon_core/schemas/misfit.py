"""What does not fit a JSON Schema, in words: where in the value, what is there, and what the schema wants."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from selinon_core.expressions.values import described

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

#: How much of a schema's own values a message shows, in characters.
_LONGEST_WANTED = 200
#: How much of a value that is text.
_LONGEST_SHOWN = 60

_TYPES = {
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def described_misfit(error: ValidationError, shows: bool = False) -> str:
    """Say where, what is there, and what was wanted; with ``shows`` also the value, if it is text or a number."""
    where = "" if error.json_path == "$" and not shows else f"at {error.json_path}: "
    value, rule = error.instance, str(error.validator)
    found = described(value)
    if shows and isinstance(value, str | int | float) and not isinstance(value, bool):
        found += f" ({_short(value, _LONGEST_SHOWN)})"
    wanted: Any = error.validator_value
    names = _types_of(rule, wanted)
    if names:
        return f"{where}is {found}, not {' or '.join(_TYPES.get(name, str(name)) for name in names)}"
    if rule == "required" and isinstance(value, dict):
        return f"{where}has no {_quoted(key for key in wanted if key not in value)}"
    if rule in ("additionalProperties", "unevaluatedProperties") and isinstance(value, dict):
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        unknown = _quoted(key for key in value if key not in known)
        return f"{where}has {unknown}, which the schema does not have (it has {_quoted(known) or 'no keys'})"
    if rule == "enum":
        return f"{where}is {found} that is none of {_short(wanted)}"
    return f"{where}is {found} that does not fit {rule}: {_short(wanted)}"


def _types_of(rule: str, wanted: Any) -> list[str]:
    """The names of the types of which one was wanted; none where a rule wants something else."""
    if rule == "type":
        return [wanted] if isinstance(wanted, str) else list(wanted)
    if rule in ("anyOf", "oneOf") and all(isinstance(each, dict) and each.keys() == {"type"} for each in wanted):
        return [name for each in wanted for name in _types_of("type", each["type"])]
    return []


def _quoted(keys: Any) -> str:
    return ", ".join(f'"{str(key)[:60]}"' for key in list(keys)[:10])


def _short(value: Any, longest: int = _LONGEST_WANTED) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= longest else f"{text[:longest]}..."
