"""The console script ``selinon``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from selinon_cli.exits import EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE
from selinon_cli.registry import SELINON, Program


def main(words: Sequence[str] | None = None) -> int:
    """Run ``selinon`` with the words behind its name (default: the process's); returns the exit code."""
    return run_program(SELINON, sys.argv[1:] if words is None else words)


def run_program(program: Program, words: Sequence[str]) -> int:
    """Run one of the console scripts; ordinary command lines never import Typer."""
    words = program.spelled_out(words)
    try:
        completing = f"_{program.name}_COMPLETE".replace("-", "_").upper() in os.environ
        if not completing:
            from selinon_cli.invoke import invoke
            from selinon_cli.parse import parse

            invocation = parse(program, words, os.environ)
            if invocation is not None:
                return invoke(invocation.command, invocation.values, invocation.root, words)
            if list(words) == ["--version"]:
                print(program.version)
                return EXIT_OK
        from selinon_cli.app import run_app

        if words or completing:
            return run_app(program, words)
        # Without arguments help is shown, but no command was run.
        return run_app(program, ["--help"]) or EXIT_USAGE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
