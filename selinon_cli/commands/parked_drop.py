"""``selinon parked drop``: removes messages that were parked for good."""

from __future__ import annotations

from selinon_cli.options import Command
from selinon_cli.parked_options import ParkedIdOptions, each
from selinon_cli.terminal import Terminal


def drop(terminal: Terminal, options: ParkedIdOptions) -> int:
    """Drop what is named."""
    return each(terminal, options, lambda selinon, parked, id: parked.drop(id, options.by), "dropped")


COMMAND = Command(
    "parked drop",
    "Remove starts that were parked for good.",
    drop,
    options=ParkedIdOptions,
    examples=("selinon parked drop 3f2a91c0-5c1e-4e0e-9d0c-6f1f0e8a2b11",),
)
