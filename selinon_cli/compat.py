"""The console script ``selinon-cli``: the original's commands, mapped onto the present ones."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from selinon_cli.main import run_program
from selinon_cli.registry import SELINON_CLI


def main(words: Sequence[str] | None = None) -> int:
    """Run ``selinon-cli`` with the words behind its name (default: the process's); returns the exit code."""
    return run_program(SELINON_CLI, sys.argv[1:] if words is None else words)


if __name__ == "__main__":
    sys.exit(main())
