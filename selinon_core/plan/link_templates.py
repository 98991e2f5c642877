"""``global.links``: templates of addresses that lead from flow runs and tasks to other systems, such as logs.

``{task_id}`` and the other names of ``RUN_VALUES`` and ``TASK_VALUES`` are lower case and stand for values of a
run; any other name is an environment variable. ``{{`` and ``}}`` are literal braces. Values are percent-encoded,
and none may be a part of the scheme or the server: whatever a value holds, the server is the one of the template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

#: Values of a flow run, as traces call them. ``root_id`` is the run at the top, ``trace_id`` is that of its spans.
RUN_VALUES = ("flow_name", "dispatcher_id", "root_id", "trace_id")
#: Values of a run of a task. A template with one of them makes links of tasks, other templates links of flow runs.
TASK_VALUES = ("task_name", "task_id")
VALUES = (*RUN_VALUES, *TASK_VALUES)

_PARTS = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")
#: What fills a value to find out where the server of a template ends; it is allowed everywhere in an address.
_FILLER = "x"


def names_in(template: str) -> list[str]:
    """The names in braces, each once, in their order."""
    return list(dict.fromkeys(match[1] for match in _PARTS.finditer(template) if match[1] is not None))


def is_value(name: str) -> bool:
    """Whether a name in braces is meant as a value of a run; others are environment variables."""
    return name == name.lower()


def begins_with_value(template: str) -> bool:
    """Whether the first thing in a template is a value of a run."""
    first = _PARTS.match(template)
    return first is not None and first[1] is not None and is_value(first[1])


def is_of_tasks(template: str) -> bool:
    """Whether a template makes links of tasks."""
    return any(name in TASK_VALUES for name in names_in(template))


def keeps_server(template: str) -> bool:
    """Whether no value of a run is in front of the path. True for what an environment variable begins."""
    if template.startswith("{"):
        return True
    environ = {name: _FILLER for name in names_in(template) if not is_value(name)}
    return _filled(template, dict.fromkeys(VALUES, _FILLER), environ) is not None


def address_of(template: str, values: Mapping[str, str | None], environ: Mapping[str, str]) -> str | None:
    """The address that a template is with these values.

    None: a value or a variable is missing, or it is not the address of a web server then.
    """
    for name in names_in(template):
        if (values.get(name) if is_value(name) else environ.get(name)) is None:
            return None
    return _filled(template, values, environ)


def _filled(template: str, values: Mapping[str, str | None], environ: Mapping[str, str]) -> str | None:
    """An address whose server is the same whatever the values are; None: it is not one."""

    def with_values(of: Any) -> str:
        def part(match: re.Match[str]) -> str:
            name = match[1]
            if name is None:
                return match[0][0]
            return of(name) if is_value(name) else environ[name]

        return _PARTS.sub(part, template)

    filled = with_values(lambda name: quote(str(values[name]), safe="", errors="replace"))
    server = _server(filled)
    fixed = server is not None and server == _server(with_values(lambda _: "")) == _server(
        with_values(lambda _: 2 * _FILLER)
    )
    return filled if fixed else None


def _server(text: str) -> tuple[str, str] | None:
    """Scheme and server of the address of a web server, None for any other text."""
    if not text.isprintable() or any(char in text for char in " \\"):
        return None
    try:
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            return None
    except ValueError:
        return None
    return parts.scheme, parts.netloc
