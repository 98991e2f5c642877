"""``selinon schema``: the JSON Schema of the YAML files, for editors."""

from __future__ import annotations

from selinon_cli.exits import EXIT_OK
from selinon_cli.options import Command, Options
from selinon_cli.terminal import Terminal


def schema(terminal: Terminal, options: Options) -> int:
    """Print the schema."""
    import json

    from selinon_core.config.schema.json_schema import json_schema

    terminal.data(json.dumps(json_schema(), indent=2) + "\n")
    return EXIT_OK


COMMAND = Command(
    "schema",
    "Print the JSON Schema of the YAML files, for editors.",
    schema,
    examples=("selinon schema > selinon.schema.json",),
    epilog="In a YAML file: # yaml-language-server: $schema=selinon.schema.json",
)
