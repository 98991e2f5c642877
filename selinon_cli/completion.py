"""What the shell offers for options that take names: read from the project, silently."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from typing import Any

import typer

from selinon_cli.options import Command


def completer(what: str, command: Command | None) -> Callable[..., list[str]]:
    """Make Typer's completion callback for names of one sort; in a broken project it offers what is left."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        # The last name of a comma separated list is the one that is being typed.
        before, comma, typed = incomplete.rpartition(",")
        with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(Exception):
            return [before + comma + name for name in _names(what, ctx.params) if name.startswith(typed)]
        return []

    return complete


def _names(what: str, values: dict[str, Any]) -> list[str]:
    if what == "rule":
        from selinon_cli.rules import rule_codes

        return list(rule_codes())
    from selinon_cli.project import declared_names

    nodes, flows = values.get("nodes_definition"), values.get("flow_definitions") or ()
    return declared_names([*([nodes] if nodes else []), *flows, *_paths_typed()], what)


def _paths_typed() -> list[str]:
    """The paths on the command line so far: the parser drops them when the last option lacks its value."""
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or ""
    return [
        word
        for word in line.split()
        if os.path.isdir(word) or (word.endswith((".yaml", ".yml")) and os.path.isfile(word))
    ]
