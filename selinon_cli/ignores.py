"""Ignore comments by name (``# selinon: ignore[cover-foreach-none] why``), for the commands that own the names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.diagnostics.location import Place
    from selinon_core.project import Project


def silenced(
    terminal: Terminal,
    project: Project,
    command: str,
    kind: str,
    names: Iterable[str],
    found: Callable[[], Iterable[tuple[str, str, Place]]],
    *,
    is_whole: bool = True,
) -> dict[str, str]:
    """What comments silence of the findings of a command: the reason by the finding's id.

    ``names`` are those the command knows, without ``command-`` in front, ``kind`` is what they name. ``found``
    gives (id, full name, place) of each finding, and is called when there is a comment. Warns of comments with
    other names, and of comments that silence nothing where the whole project was looked at (``is_whole``).
    """
    comments = [ignore for ignore in project.named_ignores if ignore.name.startswith(f"{command}-")]
    if not comments:
        return {}
    from selinon_core.diagnostics.wording import hint
    from selinon_core.lint.suppressions import silenced_places

    reasons, unused = silenced_places(comments, found())
    known: Sequence[str] = [f"{command}-{name}" for name in names]
    for ignore in unused:
        if ignore.name not in known:
            terminal.warn(f"{ignore.span.place}: no {kind} is named {ignore.name}{hint(ignore.name, known)}")
        elif is_whole:
            terminal.warn(f"{ignore.span.place}: there is no {ignore.name} here to ignore")
    return reasons
