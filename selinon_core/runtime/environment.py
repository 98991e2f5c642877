"""``{NAME}`` in configuration strings stands for an environment variable; ``{{`` and ``}}`` are literal braces."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from selinon_core.errors import ConfigurationError

_PART = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


def expand(value: Any, environment: Mapping[str, str] | None = None, *, keep_missing: bool = False) -> Any:
    """Replace references in a string, or in all strings of a JSON value.

    A missing variable raises ``ConfigurationError``; with ``keep_missing`` its placeholder stays.
    """
    known = os.environ if environment is None else environment
    if isinstance(value, str):
        return _expand_text(value, known, keep_missing)
    if isinstance(value, dict):
        return {key: expand(item, known, keep_missing=keep_missing) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, known, keep_missing=keep_missing) for item in value]
    return value


def missing_variables(text: str, environment: Mapping[str, str] | None = None) -> list[str]:
    """The variables that a string refers to and that are not set, each once."""
    known = os.environ if environment is None else environment
    names = dict.fromkeys(match.group(1) for match in _PART.finditer(text) if match.group(1) is not None)
    return [name for name in names if name not in known]


def _expand_text(text: str, known: Mapping[str, str], keep_missing: bool) -> str:
    def part(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return match.group(0)[0]
        if name in known:
            return known[name]
        if keep_missing:
            return match.group(0)
        raise ConfigurationError(f'the environment variable {name} is not set (needed for "{text}")')

    return _PART.sub(part, text) if "{" in text or "}" in text else text
