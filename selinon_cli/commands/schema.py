"""``selinon schema``: the JSON Schema of the YAML files or of case files, for editors."""

from __future__ import annotations

from selinon_cli.exits import EXIT_OK
from selinon_cli.options import Command, Options, flag
from selinon_cli.terminal import Terminal


class SchemaOptions(Options):
    """What ``selinon schema`` takes."""

    tests = flag("--tests", help="The schema of case files (*.flowtest.yaml).")


def schema(terminal: Terminal, options: SchemaOptions) -> int:
    """Print the schema."""
    import json

    if options.tests:
        from selinon_core.config.schema.case_json_schema import case_json_schema as made
    else:
        from selinon_core.config.schema.json_schema import json_schema as made

    terminal.data(json.dumps(made(), indent=2) + "\n")
    return EXIT_OK


COMMAND = Command(
    "schema",
    "Print the JSON Schema of the YAML files, for editors.",
    schema,
    options=SchemaOptions,
    examples=("selinon schema > selinon.schema.json", "selinon schema --tests > selinon.flowtest.json"),
    epilog="In a YAML file: # yaml-language-server: $schema=selinon.schema.json",
)
