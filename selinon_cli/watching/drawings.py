"""Drawings of all flows for the page. Drawing takes the longest, so a drawing that is known is not made again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selinon_core.project import Project


def draw_flows(
    project: Project, report: Mapping[str, Any] | None, known: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Draw every flow, with the run on it when it took part in one.

    Returns flow -> ``digest`` of the drawing, ``svg`` (None when the digest is among the ``known`` ones) and
    ``nodes``: id in the drawing -> name of the task or flow. Raises ``MissingExtraError`` without an engine.
    """
    from selinon_core.graph import drawing_of, write
    from selinon_core.graph.writers.identifiers import slugs

    plan = project.plan
    assert plan is not None
    ran = {report["flow"], *(node["flow"] for node in report["nodes"])} if report else set()
    found = {}
    for flow in plan.flows:
        drawing = drawing_of(plan, flow, report=report if flow in ran else None)
        ids = slugs([*(n.id for n in drawing.nodes), *(f"cluster/{c.id}" for c in drawing.clusters)])
        digest = hashlib.sha256(write(drawing, "dot", link="")).hexdigest()
        found[flow] = {
            "digest": digest,
            "svg": None if digest in known else write(drawing, "svg", link="").decode(),
            "nodes": {ids[n.id]: [n.kind, n.name] for n in drawing.nodes if n.kind in ("task", "flow")},
        }
    return found
