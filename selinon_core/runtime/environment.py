"""``{NAME}`` in configuration strings stands for an environment variable; ``{{`` and ``}}`` are literal braces.

The runtime expands what a storage is configured with. The shipped storages also expand what the project's own code
passes to them (``by_hand``), so there has to be a way to know which is which: a value that was expanded may have
braces in it, which mean nothing any more.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from selinon_core.errors import ConfigurationError

T = TypeVar("T")

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


#: Texts with braces that come from a configuration, while a storage is built from it.
_expanded: ContextVar[frozenset[str]] = ContextVar("expanded", default=frozenset())


@contextmanager
def built_from(configuration: Any) -> Iterator[None]:
    """Leave the texts of an expanded configuration alone while a storage is built from it."""
    token = _expanded.set(frozenset(_texts_with_braces(configuration)))
    try:
        yield
    finally:
        _expanded.reset(token)


def by_hand(value: T) -> T:
    """Expand an argument of a storage, unless it comes from a configuration; raises as ``expand``."""
    if isinstance(value, str) and value not in _expanded.get():
        return expand(value)  # type: ignore[no-any-return]
    return value


def _texts_with_braces(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if "{" in value or "}" in value:
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts_with_braces(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts_with_braces(item)


def working_directory() -> str:
    """The working directory; one that was removed is as good as the root."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return os.sep


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
