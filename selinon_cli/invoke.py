"""From parsed values to a command's exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selinon_cli.exits import UsageError, run_guarded
from selinon_cli.options import OUTPUT_OPTIONS, Command
from selinon_cli.terminal import Terminal, standard_terminal


def invoke(command: Command, values: Mapping[str, Any], root: Mapping[str, Any], words: Sequence[str]) -> int:
    """Call the command with its terminal and its own parameters; returns the exit code.

    ``root`` holds what was given before the command: both places count. ``words`` is the command line, for
    the log of a bug.
    """
    own = {name: value for name, value in values.items() if name not in _OUTPUT_NAMES}
    if command.project:
        nodes, flows = own.pop("nodes_definition"), own.pop("flow_definitions")
        if not command.positional:
            from selinon_cli.compat_files import with_hidden_directories

            flows = with_hidden_directories(flows)
        own["paths"] = (*((nodes,) if nodes else ()), *flows, *own.pop("paths", ()))
    quiet = values["quiet"] or root.get("quiet")
    terminal = standard_terminal(
        verbosity=-1 if quiet else values["verbose"] + root.get("verbose", 0),
        no_color=bool(values["no_color"] or root.get("no_color")),
    )
    try:
        return run_guarded(terminal, words, lambda: _run(command, terminal, own))
    finally:
        terminal.close()


def _run(command: Command, terminal: Terminal, own: Mapping[str, Any]) -> int:
    """Run the command. Where a path does not exist, say how a flow is named: some take the path for its name."""
    try:
        return command.run(terminal, command.options(**own))
    except Exception as error:
        from selinon_core.config.yaml.files import MissingPathError

        names_flows = any("--flow" in option.flags for option in command.options.declared)
        if names_flows and isinstance(error, MissingPathError) and error.path.isidentifier():
            raise UsageError(str(error), f"if that is the name of a flow: --flow {error.path}") from None
        raise


_OUTPUT_NAMES = frozenset(option.name for option in OUTPUT_OPTIONS)
