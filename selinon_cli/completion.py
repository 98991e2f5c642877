"""What the shell offers for options that take names: read from the project, silently."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Sequence
from typing import Any

import typer


def completer(what: str) -> Callable[..., list[str]]:
    """Make Typer's completion callback for names of one sort; in a broken project it offers what is left."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        # The last name of a comma separated list is the one that is being typed.
        before, comma, typed = incomplete.rpartition(",")
        with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(Exception):
            return [before + comma + name for name in _names(what, ctx.params) if name.startswith(typed)]
        return []

    return complete


def words_or_files(words: Sequence[str]) -> Callable[..., list[str]]:
    """Make the callback for a place where one of some words may stand, or a YAML file or directory."""

    def complete(incomplete: str) -> list[str]:
        directory, typed = os.path.split(incomplete)
        found = [word for word in words if word.startswith(incomplete)]
        with contextlib.suppress(OSError):
            for entry in sorted(os.scandir(directory or "."), key=lambda entry: entry.name):
                if entry.name.startswith(typed) and (typed.startswith(".") or not entry.name.startswith(".")):
                    path = os.path.join(directory, entry.name)
                    found += [path + os.sep] if entry.is_dir() else [path] if _is_yaml(path) else []
        return found

    return complete


def _is_yaml(path: str) -> bool:
    return path.endswith((".yaml", ".yml"))


def _names(what: str, values: dict[str, Any]) -> list[str]:
    if what == "rule":
        from selinon_cli.rules import rule_codes

        return list(rule_codes())
    if what == "run":
        return _run_ids(values.get("app"))
    if what == "mock":
        return [f"{name}=" for name in _names("task", values)]
    from selinon_cli.project import declared_names

    nodes, flows = values.get("nodes_definition"), values.get("flow_definitions") or ()
    return declared_names([*([nodes] if nodes else []), *flows, *_paths_typed()], what)


def _run_ids(app: str | None) -> list[str]:
    """Ids of running flow runs, the newest first. No server is started for them."""
    from selinon_cli.celery_app import flows_of
    from selinon_cli.terminal import Terminal
    from selinon_core.celery.reporting.run_status import list_runs

    if app is None and not os.path.exists(os.path.join(".selinon", "server.json")):
        return []
    selinon = flows_of(Terminal(io.StringIO(), io.StringIO()), app, ())
    return [row["id"] for row in list_runs(selinon.store, 100)]


def _paths_typed() -> list[str]:
    """The paths on the command line so far: the parser drops them when the last option lacks its value."""
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or ""
    return [word for word in line.split() if os.path.isdir(word) or (_is_yaml(word) and os.path.isfile(word))]
