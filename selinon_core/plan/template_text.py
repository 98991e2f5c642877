"""Templates as people read them: the expression behind each argument."""

from __future__ import annotations

import json
from typing import Any

from selinon_core.plan.model import Computed, ComputedText, Expression, Template


def sources_of(template: Template) -> dict[str, str] | str:
    """The text behind each key that is computed: ``{"number": "LoadOrder.number"}``.

    A template that is one expression, or one text, gives its text.
    """
    value = template.value
    if isinstance(value, dict):
        return {key: _text(part) for key, part in value.items() if is_computed(part)}
    return _text(value)


def is_computed(part: Any) -> bool:
    """Whether there is an expression in a part of a template."""
    if isinstance(part, Computed | ComputedText):
        return True
    if isinstance(part, dict):
        return any(is_computed(inner) for inner in part.values())
    return isinstance(part, list) and any(is_computed(inner) for inner in part)


def _text(part: Any) -> str:
    """The expression; for a text or a value with expressions in it, that with ``${...}``."""
    if isinstance(part, Computed):
        return part.expression.text
    if isinstance(part, ComputedText):
        return _of_text(part)
    return json.dumps(_written(part))


def _written(part: Any) -> Any:
    if isinstance(part, Computed):
        return f"${{{part.expression.text}}}"
    if isinstance(part, ComputedText):
        return _of_text(part)
    if isinstance(part, dict):
        return {key: _written(inner) for key, inner in part.items()}
    return [_written(inner) for inner in part] if isinstance(part, list) else part


def _of_text(part: ComputedText) -> str:
    return "".join(f"${{{one.text}}}" if isinstance(one, Expression) else one for one in part.parts)
