"""The colours of drawings, each with the colour that takes its place on a dark background."""

from __future__ import annotations

BACKGROUND = "#ffffff"
TEXT = "#1f2328"
MUTED = "#59636e"
LINE = "#6e7781"
FAINT = "#afb8c1"
FAINT_TEXT = "#76808a"
FAINT_FILL = "#f6f8fa"
FRAME = "#d0d7de"
FRAME_FILL = "#fafbfc"

TASK_FILL, TASK = "#e6f4ee", "#2f8a66"
FLOW_FILL, FLOW = "#e2edfa", "#3572b0"
CONDITION_FILL, CONDITION = "#fdf5dc", "#ac8524"
FOREACH_FILL, FOREACH = "#f2eafd", "#8250df"
STORAGE_FILL, STORAGE = "#f3eee8", "#9a7b5a"
FAILURE_FILL, FAILURE = "#ffebe9", "#cf222e"
HANDLED_FILL, HANDLED = "#e3f7e6", "#2da44e"

SUCCESS_FILL, SUCCESS = "#d2f4da", "#1a7f37"
FAILED_FILL, FAILED = "#ffd8d3", "#c11c28"
MIXED_FILL, MIXED = "#ffe6c4", "#bc4c00"
REUSED_FILL, REUSED = "#d8efff", "#0969da"

ADDED_FILL, ADDED = "#d9f8df", "#1b8038"
REMOVED_FILL, REMOVED = "#ffe4e1", "#d1242f"
CHANGED_FILL, CHANGED = "#fff0bd", "#9a6700"

#: light -> dark; every colour above once. Text keeps a contrast of at least 4.5 to what it stands on.
DARK: dict[str, str] = {
    BACKGROUND: "#0d1117",
    TEXT: "#e6edf3",
    MUTED: "#9aa4af",
    LINE: "#8b949e",
    FAINT: "#545d68",
    FAINT_TEXT: "#8b959f",
    FAINT_FILL: "#161b22",
    FRAME: "#3d444d",
    FRAME_FILL: "#131920",
    TASK_FILL: "#11332a",
    TASK: "#3fb98a",
    FLOW_FILL: "#11294a",
    FLOW: "#58a6ff",
    CONDITION_FILL: "#362b10",
    CONDITION: "#d4a72c",
    FOREACH_FILL: "#2b1d49",
    FOREACH: "#a98bf5",
    STORAGE_FILL: "#2f271e",
    STORAGE: "#b9966f",
    FAILURE_FILL: "#3c1519",
    FAILURE: "#f85149",
    HANDLED_FILL: "#13301d",
    HANDLED: "#46b863",
    SUCCESS_FILL: "#12391f",
    SUCCESS: "#3fb950",
    FAILED_FILL: "#4a1a1d",
    FAILED: "#ff6a62",
    MIXED_FILL: "#43290d",
    MIXED: "#e3893a",
    REUSED_FILL: "#0c2d4d",
    REUSED: "#4ba3ff",
    ADDED_FILL: "#113a20",
    ADDED: "#45c25b",
    REMOVED_FILL: "#451719",
    REMOVED: "#ff5a52",
    CHANGED_FILL: "#3b2e0a",
    CHANGED: "#d9a425",
}

#: fill and line of what a run or a comparison made of a node
STATE_COLOURS: dict[str, tuple[str, str]] = {
    "success": (SUCCESS_FILL, SUCCESS),
    "failure": (FAILED_FILL, FAILED),
    "mixed": (MIXED_FILL, MIXED),
    "reused": (REUSED_FILL, REUSED),
    "unreached": (BACKGROUND, FAINT),
}
#: fill and line of what tests made of a node; a fallback that was never used has the colours of a failure
COVERAGE_COLOURS: dict[str, tuple[str, str]] = {
    "covered": (SUCCESS_FILL, SUCCESS),
    "partly": (MIXED_FILL, MIXED),
    "never": (BACKGROUND, FAINT),
    "unused": (FAILED_FILL, FAILED),
}
CHANGE_COLOURS: dict[str, tuple[str, str]] = {
    "": (FAINT_FILL, LINE),
    "added": (ADDED_FILL, ADDED),
    "removed": (REMOVED_FILL, REMOVED),
    "changed": (CHANGED_FILL, CHANGED),
}
KIND_COLOURS: dict[str, tuple[str, str]] = {
    "start": (LINE, LINE),
    "end": (LINE, LINE),
    "join": (LINE, LINE),
    "task": (TASK_FILL, TASK),
    "flow": (FLOW_FILL, FLOW),
    "condition": (CONDITION_FILL, CONDITION),
    "foreach": (FOREACH_FILL, FOREACH),
    "failure": (FAILURE_FILL, FAILURE),
    "handled": (HANDLED_FILL, HANDLED),
    "storage": (STORAGE_FILL, STORAGE),
}


def readable_on(fill: str) -> str:
    """Return black or white, whichever is readable on ``fill``; a fill that is not ``#rrggbb`` counts as light.

    Neither is a colour of the palette: text on a colour of the user's choice must not follow the dark scheme.
    """
    if len(fill) >= 7 and fill[0] == "#":
        try:
            red, green, blue = (int(fill[i : i + 2], 16) for i in (1, 3, 5))
        except ValueError:
            return "#111111"
        if 0.299 * red + 0.587 * green + 0.114 * blue < 128:
            return "#fefefe"
    return "#111111"
