"""Finishing touches to an engine's SVG: dark scheme, fonts, real tooltips, nothing that only an engine needs."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from selinon_core.graph.build.tooltips import brief
from selinon_core.graph.model import Drawing
from selinon_core.graph.palette import DARK
from selinon_core.graph.writers.dot_attributes import FONT
from selinon_core.graph.writers.identifiers import slugs

#: Boxes are as wide as Arial is: behind it come those of the same measures, then what is nearest to them.
_FONTS = f"{FONT}, Helvetica, Liberation Sans, Arimo, Nimbus Sans, FreeSans, DejaVu Sans Condensed, sans-serif"
_TITLE = re.compile(r'(<g id="([^"]*)" class="(?:node|cluster)[^"]*">\s*)<title>[^<]*</title>')
_EDGE_TITLE = re.compile(r'(<g id="[^"]*" class="edge[^"]*">\s*)<title>([^<]*)</title>')
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE[^>]*>\n?")


def finish_svg(svg: bytes, drawing: Drawing) -> bytes:
    """Return the picture as a self-contained SVG that follows the viewer's light or dark scheme."""
    text = svg.decode()
    text = _DOCTYPE.sub("", _COMMENT.sub("", text))
    text = text.replace(f'font-family="{FONT}"', f'font-family="{_FONTS}"')
    tips = _tips(drawing)
    text = _TITLE.sub(lambda m: f"{m[1]}<title>{tips.get(m[2], '')}</title>", text)
    text = _EDGE_TITLE.sub(lambda m: f"{m[1]}<title>{tips.get(html.unescape(m[2]), '')}</title>", text)
    text = text.replace("<title>flow</title>", f"<title>{html.escape(drawing.title)}</title>", 1)
    head, opening, rest = text.partition("<svg ")
    if opening:
        attributes, _, body = rest.partition(">")
        text = f'{head}<svg class="selinon-graph" {attributes}>\n{_dark_scheme()}{body}'
    return text.encode()


def _tips(drawing: Drawing) -> Mapping[str, str]:
    """Escaped tooltips by the ids the engine saw; of several arrows between the same ends, the first one's."""
    names = slugs([*(n.id for n in drawing.nodes), *(f"cluster/{c.id}" for c in drawing.clusters)])
    tips = {names[node.id]: node.facts for node in drawing.nodes}
    tips.update({names[f"cluster/{cluster.id}"]: cluster.facts for cluster in drawing.clusters})
    for edge in drawing.edges:
        tips.setdefault(f"{names[edge.source]}->{names[edge.target]}", edge.facts)
    return {ident: html.escape("\n".join(brief(facts))) for ident, facts in tips.items()}


def _dark_scheme() -> str:
    rules = "".join(
        f'.selinon-graph [fill="{light}"]{{fill:{dark}}}.selinon-graph [stroke="{light}"]{{stroke:{dark}}}'
        for light, dark in DARK.items()
    )
    return f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
