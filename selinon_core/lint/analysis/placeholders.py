"""``{NAME}`` in configuration: which environment variables a project refers to, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from selinon_core.config.model import NameRef, ProjectModel, StorageDef
from selinon_core.config.read_context import KeyLocations
from selinon_core.diagnostics.location import SourceLocation

#: The same grammar as where placeholders are replaced: literal braces, a plain name, or something else in braces.
_PARTS = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|(\{[^{}]*\})")


class Placeholder:
    """``name`` is the variable; None where the braces hold something else, which is ``text``."""

    __slots__ = ("location", "name", "text", "where")

    def __init__(self, name: str | None, text: str, location: SourceLocation, where: str) -> None:
        self.name = name
        self.text = text
        self.location = location
        self.where = where


def placeholders(model: ProjectModel) -> Iterator[Placeholder]:
    """Yield the placeholders in queue names, ``migration_dir``, Sentry dsns and storage configurations."""
    settings = model.settings
    refs: list[tuple[NameRef | None, str]] = [(task.queue, "a queue name") for task in model.tasks]
    refs += [(flow.queue, "a queue name") for flow in model.flows]
    refs += [(settings.default_task_queue, "a queue name"), (settings.default_dispatcher_queue, "a queue name")]
    refs += [(settings.migration_dir, "migration_dir")]
    refs += [(trace.dsn, "a Sentry dsn") for trace in settings.trace]
    for ref, where in refs:
        if ref is not None and "{" in ref.name:
            yield from _in_text(ref.name, ref.location, where)
    for storage in model.storages:
        where = f'the configuration of storage "{storage.name.name}"'
        for text, location in _texts(storage):
            if "{" in text:
                yield from _in_text(text, location, where)


def _in_text(text: str, location: SourceLocation, where: str) -> Iterator[Placeholder]:
    for match in _PARTS.finditer(text):
        if match.group(1) or match.group(2):
            yield Placeholder(match.group(1), match.group(0), location, where)


def _texts(storage: StorageDef) -> Iterator[tuple[str, SourceLocation]]:
    """The strings of a configuration, each with its place or that of the entry it belongs to."""
    whole = storage.value_location("configuration")
    todo: list[tuple[Any, SourceLocation]] = [(storage.configuration, whole)]
    if isinstance(storage.configuration, dict) and isinstance(storage.keys, KeyLocations):
        locations = storage.keys.below("configuration")
        todo = [
            (v, locations[k][1] if k in locations else whole) for k, v in reversed(storage.configuration.items())
        ]
    while todo:
        current, location = todo.pop()
        if isinstance(current, str):
            yield current, location
        elif isinstance(current, dict):
            todo.extend((value, location) for value in reversed(current.values()))
        elif isinstance(current, list):
            todo.extend((value, location) for value in reversed(current))
