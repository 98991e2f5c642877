"""``selinon resume``: flow runs that were paused go on, by their ids or by a query."""

from __future__ import annotations

from selinon_cli.commands.pause import PauseOptions, steer
from selinon_cli.options import Command
from selinon_cli.terminal import Terminal


def resume(terminal: Terminal, options: PauseOptions) -> int:
    """Let paused runs go on, by their ids or by a query; 1 when one of them was refused."""
    return steer(terminal, options, "resume", ("paused",))


COMMAND = Command(
    "resume",
    "Let flow runs that were paused go on.",
    resume,
    options=PauseOptions,
    examples=(
        "selinon resume 3f2a                         # the beginning of the id is enough",
        "selinon resume --flow order --rate 10/s --yes",
        "selinon resume --starts --flow order",
    ),
)
