"""Let the original `selinon` 1.4.0 write migrations for pairs of configurations; see README.md beside this file.

Reads the pairs of `generate.py` from stdin and writes them to stdout, each with `migration`: what is in the file
the original wrote, or null where it said that none is needed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

from selinon.migrations import Migrator, TaintedFlowStrategy

from selinon.errors import MigrationNotNeeded


def migration_of(pair: dict[str, Any]) -> dict[str, Any] | None:
    with tempfile.TemporaryDirectory() as directory:
        files = {}
        for side in ("old", "new"):
            nodes = {**pair["nodes"], "flows": [flow["name"] for flow in pair[side]]}
            for name, content in (("nodes", nodes), ("flows", {"flow-definitions": pair[side]})):
                files[side, name] = os.path.join(directory, f"{side}-{name}.yaml")
                with open(files[side, name], "w") as file:
                    json.dump(content, file)
        migrator = Migrator(os.path.join(directory, "migrations"))
        try:
            path = migrator.create_migration_file(
                files["old", "nodes"],
                [files["old", "flows"]],
                files["new", "nodes"],
                [files["new", "flows"]],
                TaintedFlowStrategy.RETRY,
                add_meta=False,
            )
        except MigrationNotNeeded:
            return None
        with open(path) as file:
            return json.load(file)


if __name__ == "__main__":
    for line in sys.stdin:
        given = json.loads(line)
        print(json.dumps({**given, "migration": migration_of(given)}, sort_keys=True))
