"""Random JSON Schemas, and values that often fit them. All comes from a seed."""

from __future__ import annotations

from random import Random
from typing import Any

from jsonschema import Draft202012Validator

KEYS = ("a", "b", "c")
SCALARS: tuple[Any, ...] = (None, True, False, 0, 1, -1, 1.0, 2.5, 7, "", "a", "b", "x y")
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
REFERENCES = ("#", "#/$defs/a", "#/$defs/b", "other.json", "other.json#/$defs/c%20d", "deep/down.json", "#/none")
_FITTING: dict[str, tuple[Any, ...]] = {
    "null": (None,),
    "boolean": (True, False),
    "integer": (0, 1, 2.0, -3),
    "number": (0, -1, 2.5, 1.0),
    "string": ("", "a", "b", "x y"),
}


class RandomSchemas:
    """Makes schemas of draft 2020-12, and values. With ``refers`` some have references, also to nothing."""

    def __init__(self, random: Random, refers: bool = False) -> None:
        self.random = random
        self.refers = refers

    def schema(self, depth: int = 3) -> Any:
        """A schema: often one as people write it, sometimes with whatever keywords there are."""
        pick = self.random.random()
        if not depth or pick < 0.3:
            return self._leaf()
        if pick < 0.55:
            return self.object(depth)
        if pick < 0.7:
            more = {**self._maybe("prefixItems", depth, 0.2), **self._maybe("maxItems", depth, 0.2)}
            return {"type": "array", "items": self.schema(depth - 1), **more}
        if pick < 0.8:
            return {"anyOf": [self.schema(depth - 1) for _ in range(2)]}
        return self._anything(depth)

    def object(self, depth: int = 3, closed: float = 0.4) -> dict[str, Any]:
        """A schema of objects."""
        keys = self._keys()
        made = {
            "type": "object",
            "properties": {key: self.schema(depth - 1) for key in keys},
            "required": [key for key in keys if self.random.random() < 0.6],
        }
        if self.random.random() < closed:
            made["additionalProperties"] = False
        elif self.random.random() < 0.3:
            made["additionalProperties"] = self.schema(depth - 1)
        return made

    def _keys(self) -> list[str]:
        return [key for key in KEYS if self.random.random() < 0.7]

    def _leaf(self) -> Any:
        pick = self.random.random()
        if pick < 0.05:
            return self.random.random() < 0.8
        if pick < 0.5:
            return {"type": self.random.choice(TYPES)}
        if pick < 0.7:
            return {"type": self.random.sample(TYPES, 2)}
        if pick < 0.75 and self.refers:
            return {"$ref": self.random.choice(REFERENCES)}
        return {"enum": self.random.sample(SCALARS, self.random.randint(1, 3))}

    def _maybe(self, key: str, depth: int, chance: float) -> dict[str, Any]:
        return {key: self._keyword(key, depth)} if self.random.random() < chance else {}

    def _anything(self, depth: int) -> dict[str, Any]:
        keys = self.random.sample(_KEYWORDS, self.random.randint(0, 4))
        return {key: self._keyword(key, depth) for key in keys if key != "$ref" or self.refers}

    def _keyword(self, key: str, depth: int) -> Any:
        if key in _OTHERS:
            return self.random.choice(_OTHERS[key])
        if key == "$ref":
            return self.random.choice(REFERENCES)
        if key == "type":
            return self.random.choice(TYPES) if self.random.random() < 0.5 else self.random.sample(TYPES, 3)
        if key == "properties":
            return {name: self.schema(depth - 1) for name in self._keys()}
        if key == "required":
            return self._keys()
        if key == "enum":
            return [self.value(2) for _ in range(self.random.randint(1, 4))]
        if key in ("const", "default"):
            return self.value(2)
        if key in ("prefixItems", "anyOf", "oneOf", "allOf"):
            return [self.schema(depth - 1) for _ in range(self.random.randint(1, 2))]
        if key == "patternProperties":
            return {"^b": self.schema(depth - 1)}
        if key == "dependentSchemas":
            return {"a": self.schema(depth - 1)}
        return self.schema(depth - 1)

    def value(self, depth: int = 3) -> Any:
        """Any value."""
        pick = self.random.random()
        if not depth or pick < 0.6:
            return self.random.choice(SCALARS)
        if pick < 0.8:
            return [self.value(depth - 1) for _ in range(self.random.randint(0, 3))]
        return {key: self.value(depth - 1) for key in self._keys()}

    def instance(self, schema: Any, depth: int = 5) -> Any:
        """A value that often fits a schema."""
        if not isinstance(schema, dict) or not depth or self.random.random() < 0.05:
            return self.value()
        for key in ("anyOf", "oneOf", "allOf"):
            if key in schema and self.random.random() < 0.6:
                return self.instance(self.random.choice(schema[key]), depth - 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        types = schema.get("type", ["object"] if "properties" in schema or "required" in schema else TYPES)
        return self._of_type(types if isinstance(types, str) else self.random.choice(types), schema, depth)

    def _of_type(self, name: str, schema: dict[str, Any], depth: int) -> Any:
        if name == "array":
            first = [self.instance(part, depth - 1) for part in schema.get("prefixItems", ())]
            items = schema.get("items", True)
            return first + [self.instance(items, depth - 1) for _ in range(self.random.randint(0, 3))]
        if name != "object":
            return self.random.choice(_FITTING[name])
        properties, required = schema.get("properties", {}), schema.get("required", ())
        others = schema.get("additionalProperties", True)
        made: dict[str, Any] = {}
        for key in KEYS:
            if key in properties and (key in required or self.random.random() < 0.5):
                made[key] = self.instance(properties[key], depth - 1)
            elif key not in properties and (
                key in required or (others is not False and self.random.random() < 0.2)
            ):
                made[key] = self.instance(others, depth - 1)
        return made


#: Keywords with simple values; types do not read them, but for ``maxItems``.
_OTHERS: dict[str, tuple[Any, ...]] = {
    "minimum": (-1, 0, 1),
    "maxLength": (0, 1, 2),
    "minItems": (0, 1, 2),
    "maxItems": (0, 1, 2),
    "pattern": ("a",),
    "title": ("t",),
    "uniqueItems": (True,),
    "minProperties": (0, 1, 2),
}
_KEYWORDS = (
    *("type", "type", "properties", "properties", "required", "additionalProperties", "items", "prefixItems"),
    *("enum", "const", "anyOf", "oneOf", "allOf", "default", "$ref", "patternProperties", "contains"),
    *("dependentSchemas", "if", "then", "else", "not", *_OTHERS),
)


def fits(schema: Any, value: Any) -> bool:
    """Whether the validator says that a value fits."""
    return bool(Draft202012Validator(schema).is_valid(value))
