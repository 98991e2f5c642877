"""What a node run was given, what it gave and why it failed, as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from textwrap import indent
from typing import Any

from selinon_cli.render.visible import visible

#: Values of at most so many characters stand on one line.
_ONE_LINE = 90


def node_values(node: Mapping[str, Any]) -> str:
    """A row of ``stored_values.node_data`` as lines of text."""
    tried = f", {node['attempts']} attempts" if node["attempts"] > 1 else ""
    lines = [f"{node['name']}  {node['status']}{tried}  {node['id']}"]
    lines += [
        _labelled(label, node[key])
        for label, key in (
            ("arguments", "node_args"),
            ("from", "args_from"),
            ("result", "result"),
            ("output", "output"),
        )
        if key in node and not (key == "args_from" and node[key] is None)
    ]
    if "missing" in node:
        lines.append(f"  result: cannot be read: {node['missing']}")
    if node["error"] is not None:
        error = node["error"]
        lines.append(f"  error: {error['type']}: {error['message']}")
        if error.get("traceback"):
            lines.append(indent(error["traceback"].rstrip(), "    "))
    shown = (visible(line) for text in lines for line in text.split("\n"))
    return "\n".join(shown) + "\n"


def _labelled(label: str, value: Any) -> str:
    short = json.dumps(value, ensure_ascii=False)
    if len(short) <= _ONE_LINE:
        return f"  {label}: {short}"
    return f"  {label}:\n" + indent(json.dumps(value, ensure_ascii=False, indent=2), "    ")
