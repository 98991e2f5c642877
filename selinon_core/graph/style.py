"""Style files: Graphviz attributes for the kinds of things in a drawing, under the original's keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selinon_core.diagnostics.wording import suggestion
from selinon_core.errors import ConfigurationError, RequestError

#: What can be styled; values are mappings of Graphviz attributes.
STYLE_KEYS = (
    "task",
    "flow",
    "condition",
    "condition_foreach",
    "storage",
    "edge",
    "store_edge",
    "data_edge",
    "fallback_edge",
    "fallback_true",
    "graph",
)

Style = Mapping[str, Mapping[str, str]]


def load_style(path: str | Path) -> Style:
    """Read a style file: YAML (or JSON) with the keys at the top or under ``style``.

    Raises ``RequestError`` when it cannot be read or holds something else.
    """
    from selinon_core.config.plain_files import read_plain_file

    try:
        content = read_plain_file(str(path))
    except OSError as error:
        raise RequestError(f"cannot read the style file {path}: {error.strerror or error}") from error
    except ConfigurationError as error:
        place, _, message = str(error).partition(": ")
        raise RequestError(f"{place}: the style file is not valid YAML: {message}") from error
    if isinstance(content, Mapping) and isinstance(content.get("style"), Mapping):
        content = content["style"]
    return check_style({} if content is None else content, str(path))


def check_style(content: Any, origin: str = "style") -> Style:
    """Return a style with all values as text; ``RequestError`` names what is wrong with it."""
    if not isinstance(content, Mapping):
        raise RequestError(f"{origin}: expected a mapping of {', '.join(STYLE_KEYS)}")
    style: dict[str, dict[str, str]] = {}
    for key, attributes in content.items():
        if key not in STYLE_KEYS:
            hint = suggestion(str(key), STYLE_KEYS) or f"known are {', '.join(STYLE_KEYS)}"
            raise RequestError(f"{origin}: unknown style {key!r}; {hint}")
        if attributes is None:
            continue
        if not isinstance(attributes, Mapping):
            raise RequestError(f"{origin}: {key} must be a mapping of Graphviz attributes")
        style[key] = {}
        for name, value in attributes.items():
            if not isinstance(name, str) or not name.isidentifier() or isinstance(value, Mapping | list):
                raise RequestError(f"{origin}: {key}: {name!r} is not a Graphviz attribute with a plain value")
            style[key][name] = str(value).lower() if isinstance(value, bool) else str(value)
    return style
