"""A drawing as JSON, for other programs that draw."""

from __future__ import annotations

import json
from typing import Any

from selinon_core.graph.build.tooltips import brief
from selinon_core.graph.model import Drawing


def to_json(drawing: Drawing) -> str:
    """Return the drawing as a JSON object: ``version``, ``flow``, ``nodes``, ``edges``, ``clusters``, ...

    Places are ``{file, line, column}``, classes and functions ``{module, name}``. Empty values are left out.
    """
    content = {
        "version": 1,
        "flow": drawing.flow,
        "title": drawing.title,
        "notes": list(drawing.notes),
        "state": drawing.state,
        "change": drawing.change,
        "differs": drawing.differs if drawing.compared else None,
        "nodes": [_plain(each) for each in drawing.nodes],
        "edges": [_plain(each) for each in drawing.edges],
        "clusters": [_plain(each) for each in drawing.clusters],
    }
    optional = {"state", "change", "differs"}
    kept = {key: value for key, value in content.items() if key not in optional or value not in ("", None)}
    return json.dumps(kept, indent=2, ensure_ascii=False) + "\n"


def _plain(value: Any) -> dict[str, Any]:
    """Turn a node, edge or frame into a mapping, leaving out what is empty and what only wraps lines."""
    result: dict[str, Any] = {}
    for key, each in zip(value._fields, value, strict=True):
        # 0 is a finding: an edge that is known never to have fired
        if key == "lines" or each is None or each is False or each in ("", ()):
            continue
        if key == "facts":
            each = brief(each)
        if hasattr(each, "_asdict"):
            each = each._asdict()
        result[key] = list(each) if isinstance(each, tuple) else each
    if result.get("arrow") is True:
        del result["arrow"]
    elif "arrow" in value._fields:
        result["arrow"] = False
    return result
