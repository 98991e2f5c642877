"""Seeded random pairs of configurations: a project, and the same project after its edges were edited."""

from __future__ import annotations

import copy
import random
from typing import Any

from tests.conformance.generator import PROFILES, make_case

Json = dict[str, Any]
EDITED = ("plain", "joins", "cycles", "foreach", "subflows", "nested_parents", "selective", "mixed")
_KEPT = ("from", "to", "condition")


def make_pair(seed: int) -> Json:
    """``{"name", "nodes", "old": [flow definitions], "new": [flow definitions]}``; always the same for a seed."""
    rng = random.Random(f"pair-{seed}")
    profile = EDITED[seed % len(EDITED)]
    assert profile in PROFILES
    case = make_case(profile, seed)
    old = [_plain(flow) for flow in case["flow_definitions"]]
    new = copy.deepcopy(old)
    for flow in new:
        if rng.random() < 0.7:
            for _ in range(rng.choice([1, 1, 2, 3])):
                edit_edges(rng, flow["edges"])
    if rng.random() < 0.2:
        (old if rng.random() < 0.5 else new).append({"name": "extra", "edges": [{"from": None, "to": "Alpha"}]})
    return {"name": f"{profile}-{seed}", "nodes": _nodes(case["nodes"]), "old": old, "new": new}


def edit_edges(rng: random.Random, edges: list[Json]) -> None:
    """One change that an author might make; the flow keeps a starting edge."""
    tasks = sorted({name for edge in edges for name in _names(edge["to"])})
    kind = rng.choice(["add", "add", "join", "start", "remove", "move", "shuffle", "to", "from", "again", "order"])
    edge = rng.choice(edges)
    if kind == "add":
        edges.insert(rng.randint(0, len(edges)), {"from": rng.choice(tasks), "to": rng.choice(tasks)})
    elif kind == "join" and len(tasks) > 1:
        edges.insert(rng.randint(0, len(edges)), {"from": rng.sample(tasks, 2), "to": rng.choice(tasks)})
    elif kind == "start":
        edges.insert(rng.choice([len(edges), rng.randint(0, len(edges))]), {"from": None, "to": rng.choice(tasks)})
    elif kind == "remove" and (edge["from"] or sum(not e["from"] for e in edges) > 1):
        edges.remove(edge)
    elif kind == "move":
        edges.remove(edge)
        edges.insert(rng.randint(0, len(edges)), edge)
    elif kind == "shuffle":
        rng.shuffle(edges)
    elif kind == "to":
        edge["to"] = rng.choice(tasks)
    elif kind == "from" and edge["from"]:
        edge["from"] = rng.choice(tasks)
        edge.pop("condition", None)
    elif kind == "again":
        edges.insert(rng.randint(0, len(edges)), copy.deepcopy(edge))
    elif kind == "order" and isinstance(edge["from"], list):
        edge["from"].reverse()


def _names(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _plain(flow: Json) -> Json:
    """A flow with nothing but what a migration looks at."""
    edges = [{key: value for key, value in edge.items() if key in _KEPT} for edge in flow["edges"]]
    return {"name": flow["name"], "edges": edges}


def _nodes(nodes: Json) -> Json:
    """Every task that an edit may name, with its storage, so that conditions stay meaningful."""
    kept = {key: nodes[key] for key in ("tasks", "storages") if key in nodes}
    known = {task["name"] for task in kept["tasks"]}
    if "Alpha" not in known:
        kept["tasks"] = [*kept["tasks"], {"name": "Alpha", "import": "scripted"}]
    return kept
