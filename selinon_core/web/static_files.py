"""The style sheets and scripts that pages of selinon share; reading them needs the standard library only."""

from __future__ import annotations

from importlib.resources import files

from selinon_core.graph.palette import DARK, STATE_COLOURS

_CSS = "text/css; charset=utf-8"
_SCRIPT = "text/javascript; charset=utf-8"

#: Every file that is served, with its content type.
STATIC_FILES = {
    "base.css": _CSS,
    "graph.css": _CSS,
    "web.css": _CSS,
    "actions.js": _SCRIPT,
    "common.js": _SCRIPT,
    "dialog.js": _SCRIPT,
    "graph.js": _SCRIPT,
    "live.js": _SCRIPT,
    "node_groups.js": _SCRIPT,
    "parked.js": _SCRIPT,
    "pauses.js": _SCRIPT,
    "review.js": _SCRIPT,
    "run.js": _SCRIPT,
    "runs.js": _SCRIPT,
    "why.js": _SCRIPT,
    "icon.svg": "image/svg+xml",
}


def read_static(name: str) -> tuple[bytes, str]:
    """Content and content type of a file; raises ``KeyError`` for a name that is not served."""
    kind = STATIC_FILES[name]
    if name == "graph.css":
        return _graph_css().encode(), kind
    return (files(__package__) / "static" / name).read_bytes(), kind


def _graph_css() -> str:
    """The colours of drawings on a page: of the dark scheme, and of states that change while the page is shown.

    A drawing has rules for the dark scheme in itself, which a page must not take over: its policy is to apply no
    style that came with data.
    """
    dark = "".join(
        f'.selinon-graph [fill="{light}"]{{fill:{colour}}}.selinon-graph [stroke="{light}"]{{stroke:{colour}}}\n'
        for light, colour in DARK.items()
    )
    shapes = ":is(path,polygon,ellipse)"
    states = "".join(
        f".selinon-graph .state-{state} {shapes}{{fill:{fill};stroke:{line}}}\n"
        for state, (fill, line) in STATE_COLOURS.items()
    )
    states_dark = "".join(
        f".selinon-graph .state-{state} {shapes}{{fill:{DARK[fill]};stroke:{DARK[line]}}}\n"
        for state, (fill, line) in STATE_COLOURS.items()
    )
    return f"{states}@media (prefers-color-scheme: dark) {{\n{dark}{states_dark}}}\n"
