"""Drawings of flows: plan (and perhaps a run report, and perhaps an older plan) in, picture or text out.

Nothing here imports user code, and the same input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from selinon_core.errors import RequestError, UnknownFlowError
from selinon_core.graph.build.links import DEFAULT_LINK, Locate, check_link, locator
from selinon_core.graph.layout.engine import ENGINE_FORMATS, ENGINE_VARIABLE, find_engine
from selinon_core.graph.model import Drawing
from selinon_core.plan import Plan

if TYPE_CHECKING:
    from selinon_core.graph.style import Style

__all__ = [
    "DEFAULT_LINK",
    "ENGINE_FORMATS",
    "ENGINE_VARIABLE",
    "FORMATS",
    "Drawing",
    "draw",
    "draw_run",
    "drawing_of",
    "find_engine",
    "flows_of",
    "load_style",
    "locator",
    "write",
]

#: Every format, with the ending of its files.
FORMATS: dict[str, str] = {
    "svg": ".svg",
    "png": ".png",
    "pdf": ".pdf",
    "dot": ".dot",
    "mermaid": ".mmd",
    "json": ".json",
    "ascii": ".txt",
}


def draw(
    plan: Plan,
    flow: str,
    *,
    format: str,  # the name the command line and its users know
    report: Mapping[str, Any] | None = None,
    other: Plan | None = None,
    expand: bool = False,
    storages: bool = True,
    style: Style | None = None,
    engine: str | None = None,
    legend: bool = True,
    link: str = DEFAULT_LINK,
    locate: Locate | None = None,
) -> bytes:
    """Draw one flow.

    ``report``: a run report (version 1) to lay over it. ``other``: an older plan to compare with; the flow may
    then be in either. ``expand``: sub-flows as frames. ``engine``: the program for svg, png and pdf.
    ``link``: template of addresses in svg, pdf and dot (``{file}``, ``{path}``, ``{line}``, ``{column}``);
    ``locate`` finds classes for them (see ``locator``).

    Raises ``UnknownFlowError``, ``RequestError`` (format, style, failing engine) and ``MissingExtraError`` (no
    engine for the format).
    """
    drawing = drawing_of(plan, flow, report=report, other=other, expand=expand, storages=storages)
    return write(drawing, format, style=style, engine=engine, legend=legend, link=link, locate=locate)


def draw_run(plan: Plan, flow: str, report: Mapping[str, Any], format: str) -> bytes:
    """Draw one flow with what a run made of it."""
    return draw(plan, flow, format=format, report=report)


def drawing_of(
    plan: Plan,
    flow: str,
    *,
    report: Mapping[str, Any] | None = None,
    other: Plan | None = None,
    expand: bool = False,
    storages: bool = True,
    data: bool = False,
) -> Drawing:
    """Return the drawing of a flow as a value; its ``differs`` is whether a comparison found anything.

    ``data``: with arrows from the nodes whose results expressions read.
    """
    from selinon_core.graph.build.drawing import build

    if flow not in plan.flows and not (other is not None and flow in other.flows):
        raise UnknownFlowError(f"no flow is called {flow!r}")
    return build(plan, flow, report=report, other=other, expand=expand, storages=storages, data=data)


def write(
    drawing: Drawing,
    format: str,
    *,
    style: Style | None = None,
    engine: str | None = None,
    legend: bool = True,
    link: str = DEFAULT_LINK,
    locate: Locate | None = None,
) -> bytes:
    """Write a drawing in one of ``FORMATS``; see ``draw`` for the rest."""
    check_link(link)
    if format == "mermaid":
        from selinon_core.graph.writers.mermaid import to_mermaid

        return to_mermaid(drawing).encode()
    if format == "json":
        from selinon_core.graph.writers.json_form import to_json

        return to_json(drawing).encode()
    if format == "ascii":
        from selinon_core.graph.writers.ascii import to_ascii

        return to_ascii(drawing).encode()
    if format not in FORMATS:
        raise RequestError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")
    if format in ENGINE_FORMATS:
        find_engine(format, engine)  # before the work, so that the hint comes at once
    from selinon_core.graph.writers.dot import to_dot

    source = to_dot(drawing, style=style, with_legend=legend, link=link, locate=locate, image_format=format)
    if format == "dot":
        return source.encode()
    from selinon_core.graph.layout.engine import render

    picture = render(source, format, engine)
    if format == "svg":
        from selinon_core.graph.writers.svg import finish_svg

        return finish_svg(picture, drawing)
    return picture


def flows_of(plan: Plan, other: Plan | None = None) -> tuple[str, ...]:
    """Return the flows to draw: those of the plan, then those only the older plan has."""
    return tuple(dict.fromkeys((*plan.flows, *(other.flows if other else ()))))


def load_style(path: str) -> Style:
    """Read a style file; see ``selinon_core.graph.style``."""
    from selinon_core.graph.style import load_style as load

    return load(path)
