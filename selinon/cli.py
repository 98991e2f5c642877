"""The command line ``selinon-cli``, for ``python -m selinon.cli``. See ``selinon_cli.compat``."""

from selinon_cli.compat import main as cli

__all__ = ["cli"]

if __name__ == "__main__":
    raise SystemExit(cli())
