"""``{NAME}`` in configuration: which environment variables a project refers to, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from selinon_core.config.model import ProjectModel, Ref, StorageDef
from selinon_core.config.read_context import KeySpots
from selinon_core.diagnostics.spots import Spot

#: The same grammar as where placeholders are replaced: literal braces, a plain name, or something else in braces.
_PARTS = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|(\{[^{}]*\})")


class Placeholder:
    """``name`` is the variable; None where the braces hold something else, which is ``text``."""

    __slots__ = ("name", "spot", "text", "where")

    def __init__(self, name: str | None, text: str, spot: Spot, where: str) -> None:
        self.name = name
        self.text = text
        self.spot = spot
        self.where = where


def placeholders(model: ProjectModel) -> Iterator[Placeholder]:
    """Yield the placeholders in queue names, ``migration_dir``, Sentry dsns and storage configurations."""
    settings = model.settings
    refs: list[tuple[Ref | None, str]] = [(task.queue, "a queue name") for task in model.tasks]
    refs += [(flow.queue, "a queue name") for flow in model.flows]
    refs += [(settings.default_task_queue, "a queue name"), (settings.default_dispatcher_queue, "a queue name")]
    refs += [(settings.migration_dir, "migration_dir")]
    refs += [(trace.dsn, "a Sentry dsn") for trace in settings.trace]
    for ref, where in refs:
        if ref is not None and "{" in ref.name:
            yield from _in_text(ref.name, ref.spot, where)
    for storage in model.storages:
        where = f'the configuration of storage "{storage.name.name}"'
        for text, spot in _texts(storage):
            if "{" in text:
                yield from _in_text(text, spot, where)


def _in_text(text: str, spot: Spot, where: str) -> Iterator[Placeholder]:
    for match in _PARTS.finditer(text):
        if match.group(1) or match.group(2):
            yield Placeholder(match.group(1), match.group(0), spot, where)


def _texts(storage: StorageDef) -> Iterator[tuple[str, Spot]]:
    """The strings of a configuration, each with its place or that of the entry it belongs to."""
    whole = storage.value_spot("configuration")
    todo: list[tuple[Any, Spot]] = [(storage.configuration, whole)]
    if isinstance(storage.configuration, dict) and isinstance(storage.keys, KeySpots):
        spots = storage.keys.below("configuration")
        todo = [(v, spots[k][1] if k in spots else whole) for k, v in reversed(storage.configuration.items())]
    while todo:
        current, spot = todo.pop()
        if isinstance(current, str):
            yield current, spot
        elif isinstance(current, dict):
            todo.extend((value, spot) for value in reversed(current.values()))
        elif isinstance(current, list):
            todo.extend((value, spot) for value in reversed(current))
