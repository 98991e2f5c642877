"""Arguments against their JSON Schemas (``input_schema``): defaults are filled in, then the value is checked.

A message says where in the value something is wrong, which type is there and what the schema wants. It never has
the value itself: arguments may be large, or secret.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from selinon_core.errors import ArgumentError, ConfigurationError
from selinon_core.schemas.check import ResultSchema
from selinon_core.schemas.misfit import described_misfit

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

    from selinon_core.plan.model import Schema

#: Defaults that one value may get: a schema whose default leads to itself has no last one.
MOST_DEFAULTS = 10_000

_SCALARS = frozenset({str, int, float, bool, type(None)})


class ArgumentSchema:
    """The ``input_schema`` of a flow or a task."""

    def __init__(self, schema: ResultSchema) -> None:
        self._schema = schema

    @classmethod
    def written(cls, schema: Schema, file: str, directory: str) -> ArgumentSchema:
        """The schema that a YAML file has: a path, or the schema in place; see ``ResultSchema.written``."""
        return cls(ResultSchema.written(schema, file, directory, "input_schema"))

    def filled(self, value: Any) -> Any:
        """The value with the defaults of the schema, and with ``{}`` for null where only an object can fit.

        The value itself is not changed. Defaults below ``anyOf``, ``oneOf`` and ``if`` are not looked at: which of
        the schemas there holds is not known before the check. Raises ``ConfigurationError`` for a schema that
        cannot be used.
        """
        try:
            filled = self._with_defaults(value)
            if value is None and filled is None and not self._schema.takes_null:
                other = self._with_defaults({})
                return other if self._schema.fits(other) else None
        except ConfigurationError:
            raise
        except Exception as error:  # whatever the library raises for a reference that leads nowhere
            text = f"{self._schema.key} '{self._schema.name}' cannot be used: {error}"
            raise ConfigurationError(text) from error
        return filled

    def _with_defaults(self, value: Any) -> Any:
        return _Defaults(self._schema).fill(value) if self._schema.may_have_defaults else value

    def check(self, value: Any) -> None:
        """Raise ``ArgumentError`` with path and types unless the value fits; ``ConfigurationError`` as above."""
        misfits = self._schema.misfits(value)
        if misfits:
            from jsonschema.exceptions import best_match

            error = self._missing() if value is None else None
            error = best_match(misfits) if error is None else error
            assert error is not None
            raise ArgumentError(described_misfit(error))

    def _missing(self) -> ValidationError | None:
        """What is wrong where nothing was given: keys, where the schema is of an object that needs some."""
        from jsonschema.exceptions import best_match

        error = best_match(self._schema.misfits(self._with_defaults({})))
        return error if error is not None and error.validator == "required" and not error.absolute_path else None


class _Defaults:
    """Fills in the defaults of one value; only what changes is copied."""

    def __init__(self, schema: ResultSchema) -> None:
        self._schema = schema
        self._added = 0

    def fill(self, value: Any) -> Any:
        return self._filled(self._schema.schema, value, None, ())

    def _looked_up(self, reference: str, resolver: Any) -> Any:
        """Where a reference leads; ``resolver`` None: that of the schema, which few need and imports much."""
        return (self._schema.resolver if resolver is None else resolver).lookup(reference)

    def _filled(self, schema: Any, value: Any, resolver: Any, taken: tuple[str, ...]) -> Any:
        if not isinstance(schema, dict):
            return value
        if value.__class__ in _SCALARS and "$ref" not in schema and "allOf" not in schema:
            return value  # most values: nothing is filled in below them, and no reference can lead nowhere
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference not in taken:
            found = self._looked_up(reference, resolver)
            value = self._filled(found.contents, value, found.resolver, (*taken, reference))
        for part in schema.get("allOf", ()):
            value = self._filled(part, value, resolver, taken)
        if isinstance(value, dict):
            return self._of_object(schema, value, resolver)
        if isinstance(value, list):
            return self._of_list(schema, value, resolver)
        return value

    def _of_object(self, schema: dict[str, Any], value: dict[str, Any], resolver: Any) -> dict[str, Any]:
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties")
        new: dict[str, Any] = {}
        for key, part in properties.items():
            if key in value:
                new[key] = self._filled(part, value[key], resolver, ())
            else:
                is_given, default = self._default(part, resolver, ())
                if is_given:
                    self._count()
                    new[key] = self._filled(part, json.loads(json.dumps(default)), resolver, ())
        if isinstance(others, dict) and "patternProperties" not in schema:
            for key in value.keys() - properties.keys():
                new[key] = self._filled(others, value[key], resolver, ())
        changed = {key: part for key, part in new.items() if key not in value or part is not value[key]}
        return {**value, **changed} if changed else value

    def _of_list(self, schema: dict[str, Any], value: list[Any], resolver: Any) -> list[Any]:
        first, rest = schema.get("prefixItems", ()), schema.get("items")
        if isinstance(rest, list):  # drafts before 2020-12
            first, rest = rest, schema.get("additionalItems")
        if not first and not isinstance(rest, dict):
            return value
        new = [
            self._filled(first[number] if number < len(first) else rest, item, resolver, ())
            for number, item in enumerate(value)
        ]
        return new if any(one is not other for one, other in zip(new, value, strict=True)) else value

    def _default(self, schema: Any, resolver: Any, taken: tuple[str, ...]) -> tuple[bool, Any]:
        """Whether a schema has a default, perhaps behind its reference, and which."""
        if not isinstance(schema, dict):
            return False, None
        if "default" in schema:
            return True, schema["default"]
        reference = schema.get("$ref")
        if not isinstance(reference, str) or reference in taken:
            return False, None
        found = self._looked_up(reference, resolver)
        return self._default(found.contents, found.resolver, (*taken, reference))

    def _count(self) -> None:
        self._added += 1
        if self._added > MOST_DEFAULTS:
            raise ConfigurationError(f"an input_schema gives more than {MOST_DEFAULTS} defaults: do they end?")
