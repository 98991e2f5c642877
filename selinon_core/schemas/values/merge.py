"""One schema for what fits two, as far as the builder of values understands schemas."""

from __future__ import annotations

import re
from typing import Any


def merged(one: Any, other: Any) -> Any:
    """Return a schema for what fits both; where that is not known, the first one's keyword."""
    if one is True or one == {}:
        return other
    if other is True or other == {}:
        return one
    if one is False or other is False:
        return False
    result = dict(one)
    for key, value in other.items():
        if key not in result or result[key] == value:
            result[key] = value
        elif key == "type":
            kinds = _common_types(result["type"], value)
            if not kinds:
                return False
            result["type"] = kinds
        elif key == "required":
            result[key] = list(dict.fromkeys([*result[key], *value]))
        elif key in ("properties", "patternProperties"):
            result[key] = {**result[key], **value}
            for name in one[key].keys() & value.keys():
                result[key][name] = {"allOf": [one[key][name], value[name]]}
        elif key == "enum":
            result[key] = [
                item for item in result[key] if any(same_json(item, other_item) for other_item in value)
            ]
        elif key in ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"):
            result[key] = max(result[key], value)
        elif key in ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"):
            result[key] = min(result[key], value)
        elif key == "allOf":
            result[key] = [*result[key], *value]
        elif key in ("items", "additionalProperties", "contains", "propertyNames"):
            result[key] = {"allOf": [result[key], value]}
        elif key in ("anyOf", "oneOf"):
            result["allOf"] = [*result.get("allOf", []), {key: value}]
        # else: the first one; the validator looks at both
    for listing, ruling in ((one, other), (other, one)):
        for name, listed in listing.get("properties", {}).items():
            rule = _rule_of_unlisted(name, ruling)
            if rule is not True:
                result["properties"][name] = False if rule is False else {"allOf": [listed, rule]}
    return result


def _rule_of_unlisted(name: str, schema: dict[str, Any]) -> Any:
    """What ``additionalProperties`` of a schema says of a key; True where they are not about it."""
    if name in schema.get("properties", {}) or any(
        re.search(one, name) for one in schema.get("patternProperties", {})
    ):
        return True
    return schema.get("additionalProperties", True)


def _common_types(one: Any, other: Any) -> list[str]:
    ones, others = ([kinds] if isinstance(kinds, str) else kinds for kinds in (one, other))
    common = [kind for kind in ones if kind in others]
    if "integer" in (*ones, *others) and "number" in (*ones, *others) and "integer" not in common:
        common.append("integer")
    return common


def same_json(one: Any, other: Any) -> bool:
    """Return whether two values are equal in JSON, where true is not 1."""
    return bool(one == other) and isinstance(one, bool) is isinstance(other, bool)
