"""Where clicking leads: YAML places, and classes found in source files without importing them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from selinon_core.diagnostics.location import NOWHERE, Place
from selinon_core.errors import RequestError
from selinon_core.plan import ImportRef

#: ``{file}`` is the path as the command was given it, ``{path}`` the absolute one, both quoted for URLs.
DEFAULT_LINK = "{file}#L{line}"
_FIELDS = ("{file}", "{path}", "{line}", "{column}")

Locate = Callable[[ImportRef], Place | None]


def check_link(template: str) -> None:
    """Raise ``RequestError`` for a template with braces that nothing is put in for."""
    rest = template
    for field in _FIELDS:
        rest = rest.replace(field, "")
    found = re.search(r"\{[^{}]*\}?|\}", rest)
    if found is not None:
        raise RequestError(f'the link has "{found[0]}"; what is filled in: {", ".join(_FIELDS)}')


def link_to(place: Place | None, template: str = DEFAULT_LINK) -> str:
    """Return the address of a place, "" if it is in no file.

    A quoted path cannot bring a scheme of its own: whatever a file is called, the template decides.
    """
    if place is None or place.file == NOWHERE.file:
        return ""
    url = template
    if "{path}" in url:
        url = url.replace("{path}", quote(Path(place.file).absolute().as_posix()))
    return (
        url.replace("{file}", quote(place.file.replace("\\", "/")))
        .replace("{line}", str(place.line))
        .replace("{column}", str(place.column))
    )


def locator(roots: Sequence[str | Path]) -> Locate:
    """Return a function that finds classes and functions in the Python files below ``roots``.

    It parses, never imports; None when the module is not there or does not define the name. Files below the
    working directory come back relative to it, as those of the YAML files do.
    """
    modules: dict[str, dict[str, Place]] = {}

    def locate(reference: ImportRef) -> Place | None:
        if reference.module not in modules:
            modules[reference.module] = _definitions(reference.module, roots)
        return modules[reference.module].get(reference.name)

    return locate


def _definitions(module: str, roots: Sequence[str | Path]) -> dict[str, Place]:
    parts = module.split(".")
    if not all(part.isidentifier() for part in parts):
        return {}
    for root in roots:
        base = Path(root).joinpath(*parts)
        for file in (base.with_name(base.name + ".py"), base / "__init__.py"):
            try:
                tree = ast.parse(file.read_bytes())
            except (OSError, SyntaxError, ValueError):
                continue
            shown = file.absolute()
            if shown.is_relative_to(Path.cwd()):
                shown = shown.relative_to(Path.cwd())
            return {
                each.name: Place(shown.as_posix(), each.lineno, each.col_offset + 1)
                for each in tree.body
                if isinstance(each, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return {}
