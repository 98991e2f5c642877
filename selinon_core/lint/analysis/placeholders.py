"""``{NAME}`` in configuration: which environment variables a project refers to, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

from selinon_core.config.model import NameRef, ProjectModel, StorageDef
from selinon_core.config.read_context import KeyLocations
from selinon_core.diagnostics.location import SourceLocation

#: The same grammar as where placeholders are replaced: literal braces, a plain name (perhaps behind a dollar sign
#: that does not belong there), something else in braces, or a brace without its partner. Compiled for the first
#: text that has braces: most projects have none.
_PARTS = (
    r"(?P<literal>\{\{|\}\})|(?P<dollar>\$?)\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}"
    r"|(?P<other>\{[^{}]*\})|(?P<lone>[{}])"
)


class Odd(Enum):
    """What is odd about braces."""

    #: ``${NAME}``: the variable is put in, and the dollar sign stays.
    DOLLAR = "dollar"
    #: Something else than a plain name is between them.
    CONTENT = "content"
    #: There is only one of them.
    LONE = "lone"


class Placeholder:
    """Braces in a text; ``name`` is the variable they stand for, None where they do not stand for one."""

    __slots__ = ("location", "name", "odd", "text", "where")

    def __init__(self, name: str | None, text: str, location: SourceLocation, where: str, odd: Odd | None) -> None:
        self.name = name
        self.text = text
        self.location = location
        self.where = where
        self.odd = odd


def placeholders(model: ProjectModel) -> Iterator[Placeholder]:
    """Yield the placeholders in queue names, ``migration_dir``, Sentry dsns, webhooks, links and storages."""
    settings = model.settings
    refs: list[tuple[NameRef | None, str]] = [(task.queue, "a queue name") for task in model.tasks]
    refs += [(flow.queue, "a queue name") for flow in model.flows]
    refs += [(settings.default_task_queue, "a queue name"), (settings.default_dispatcher_queue, "a queue name")]
    refs += [(settings.migration_dir, "migration_dir")]
    refs += [(trace.dsn, "a Sentry dsn") for trace in settings.trace]
    for notify in settings.notify or ():
        refs += [(notify.webhook, "a webhook"), (notify.secret, "the secret of a webhook")]
    for ref, where in refs:
        if ref is not None:
            yield from _in_text(ref.name, ref.location, where)
    for name, ref in (settings.links or {}).items():
        found = _in_text(ref.name, ref.location, f'the link "{name}"')
        # lower case is a value of a run
        yield from (each for each in found if each.name is None or each.name != each.name.lower())
    for storage in model.storages:
        where = f'the configuration of storage "{storage.name.name}"'
        for text, location in _texts(storage):
            yield from _in_text(text, location, where)


def _in_text(text: str, location: SourceLocation, where: str) -> Iterator[Placeholder]:
    if "{" not in text and "}" not in text:
        return
    for match in re.finditer(_PARTS, text):
        if match["name"]:
            yield Placeholder(match["name"], match[0], location, where, Odd.DOLLAR if match["dollar"] else None)
        elif not match["literal"]:
            yield Placeholder(None, match[0], location, where, Odd.CONTENT if match["other"] else Odd.LONE)


def _texts(storage: StorageDef) -> Iterator[tuple[str, SourceLocation]]:
    """The strings of a configuration, each with its place or that of the entry it belongs to."""
    whole = storage.value_location("configuration")
    todo: list[tuple[Any, SourceLocation]] = [(storage.configuration, whole)]
    if isinstance(storage.configuration, dict) and isinstance(storage.keys, KeyLocations):
        spots = storage.keys.below("configuration")
        todo = [(v, spots[k][1] if k in spots else whole) for k, v in reversed(storage.configuration.items())]
    while todo:
        current, location = todo.pop()
        if isinstance(current, str):
            yield current, location
        elif isinstance(current, dict):
            todo.extend((value, location) for value in reversed(current.values()))
        elif isinstance(current, list):
            todo.extend((value, location) for value in reversed(current))
