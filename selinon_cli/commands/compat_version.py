"""``selinon-cli version``."""

from __future__ import annotations

from selinon_cli.exits import EXIT_OK
from selinon_cli.options import Command, Options, flag
from selinon_cli.terminal import Terminal
from selinon_core.version import CODENAME, __version__


class VersionOptions(Options):
    """What ``selinon-cli version`` takes."""

    codename = flag("--codename", help="Get release codename.")


def version(terminal: Terminal, options: VersionOptions) -> int:
    """Print the versions of selinon and, where it is installed, Celery."""
    if options.codename:
        terminal.data(CODENAME + "\n")
        return EXIT_OK
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        celery = installed("celery")
    except PackageNotFoundError:
        celery = "Not Installed"
    terminal.data(f"Selinon version: {__version__}\nCelery version: {celery}\n")
    return EXIT_OK


COMMAND = Command(
    "version",
    "Get version information.",
    version,
    options=VersionOptions,
)
