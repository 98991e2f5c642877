"""The drawings that are kept as goldens, and how to compare with them.

``SELINON_UPDATE_GOLDEN=1 pytest tests/graph`` writes them anew: look at the difference before committing it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.graph import plans as graph_plans

GOLDEN = Path(__file__).parent / "golden"


def report() -> dict[str, Any]:
    """A run of ``release`` that used a fallback nowhere and failed in a sub-flow."""
    runs = [
        ("Checkout", "release", "success", 1, 0, 1.5),
        ("Build", "release", "success", 3, 1.5, 61.5),
        ("Lint", "release", "reused", 0, 1.5, 1.5),
        ("Test", "release", "success", 1, 61.5, 70),
        ("publish", "release", "success", 1, 70, 75.5),
        ("publish", "release", "failure", 1, 70, 73),
        ("Upload", "publish", "success", 1, 70, 71),
        ("audit", "release", "failure", 1, 70, 72),
    ]
    counts = [(1, 1), (1, 1), (1, 1), (1, 1), (1, 0), (1, 0), (0, 0), (0, 0), (1, 1)]
    edges = graph_plans.everything().flows["release"].edges
    return {
        "version": 1,
        "flow": "release",
        "status": "failure",
        "virtual_seconds": 75.5,
        "nodes": [
            {
                "name": name,
                "flow": flow,
                "kind": "task",
                "status": status,
                "attempts": attempts,
                "started_at": start,
                "finished_at": end,
                "error": {"type": "ValueError", "message": 'no <b>"such"</b> thing\nsecond line'}
                if status == "failure"
                else None,
            }
            for name, flow, status, attempts, start, end in runs
        ],
        "edges": [
            {
                "flow": "release",
                "index": edge.index,
                "from": list(edge.sources),
                "to": list(edge.destinations),
                "considered": considered,
                "fired": fired,
            }
            for edge, (considered, fired) in zip(edges, counts, strict=True)
        ],
    }


#: name -> arguments of ``draw``, the format aside
DRAWINGS: dict[str, dict[str, Any]] = {
    "prepare": {"plan": graph_plans.dinner(), "flow": "prepare"},
    "prepare-without-storages": {"plan": graph_plans.dinner(), "flow": "prepare", "storages": False},
    "dinner-expanded": {"plan": graph_plans.dinner(), "flow": "dinner", "expand": True},
    "everything": {"plan": graph_plans.everything(), "flow": "release"},
    "everything-run": {"plan": graph_plans.everything(), "flow": "release", "report": report()},
    "everything-changed": {
        "plan": graph_plans.everything_later(),
        "flow": "release",
        "other": graph_plans.everything(),
    },
}


def check(name: str, content: bytes) -> None:
    """Compare with a golden file, or write it when asked to."""
    file = GOLDEN / name
    if os.environ.get("SELINON_UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_bytes(content)
    assert content.decode() == file.read_text(encoding="utf-8"), f"{name} differs from its golden file"
