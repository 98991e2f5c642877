"""``selinon-cli plot``: the original's way to call ``selinon graph``."""

from __future__ import annotations

from selinon_cli.exits import UsageError
from selinon_cli.options import Command, ProjectOptions, text
from selinon_cli.terminal import Terminal


class PlotOptions(ProjectOptions):
    """What ``selinon-cli plot`` takes."""

    config = text(
        "-c", "--config", help="Path to a configuration file with graph styles.", kind="path", metavar="CONFIG.yml"
    )
    output_dir = text(
        "-o", "--output-dir", help="Directory to write the graphs to.", kind="path", metavar="DIR", default="."
    )
    image_format = text("--format", help="Format of the images.", metavar="FORMAT", default="svg")


def plot(terminal: Terminal, options: PlotOptions) -> int:
    """Draw every flow into a directory."""
    from selinon_cli.commands.graph import FORMATS, GraphOptions, graph

    if options.image_format not in FORMATS:
        raise UsageError(f"cannot draw as {options.image_format!r}", f"known formats are {', '.join(FORMATS)}")
    wanted = GraphOptions(
        paths=options.paths,
        format=options.image_format,
        output=options.output_dir.rstrip("/") + "/",
        style=options.config,
    )
    return graph(terminal, wanted)


COMMAND = Command(
    "plot",
    "Plot graphs of flows based on YAML configuration.",
    plot,
    options=PlotOptions,
    positional=False,
)
