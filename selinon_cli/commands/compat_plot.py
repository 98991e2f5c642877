"""``selinon-cli plot``: the original's way to call ``selinon graph``."""

from __future__ import annotations

from collections.abc import Sequence

from selinon_cli.exits import UsageError
from selinon_cli.options import Command, Option
from selinon_cli.terminal import Terminal


def plot(
    terminal: Terminal,
    *,
    paths: Sequence[str] = (),
    config: str | None = None,
    output_dir: str = ".",
    image_format: str = "svg",
) -> int:
    """Draw every flow into a directory."""
    from selinon_cli.commands.graph import FORMATS, graph

    if image_format not in FORMATS:
        raise UsageError(f"cannot draw as {image_format!r}", f"known formats are {', '.join(FORMATS)}")
    return graph(terminal, paths=paths, format=image_format, output=output_dir.rstrip("/") + "/", style=config)


COMMAND = Command(
    "plot",
    "Plot graphs of flows based on YAML configuration.",
    plot,
    options=(
        Option(
            "config",
            ("-c", "--config"),
            "Path to a configuration file with graph styles.",
            kind="path",
            metavar="CONFIG.yml",
        ),
        Option(
            "output_dir",
            ("-o", "--output-dir"),
            "Directory to write the graphs to.",
            kind="path",
            metavar="DIR",
            default=".",
        ),
        Option("image_format", ("--format",), "Format of the images.", metavar="FORMAT", default="svg"),
    ),
    positional=False,
)
