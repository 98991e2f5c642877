"""Examples in the documentation: a comment with what must hold, and the YAML block behind it.

``<!-- example: {...} -->`` holds JSON: ``flow`` to run, optionally ``node_args``, ``mocks`` (as in a mocks file),
``functions``, and what to expect: ``status``, ``runs`` (node -> number of runs), ``unreached``,
``virtual_seconds``. Nodes that no flow is named after become tasks with a storage.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

DOCS = Path(__file__).parents[2] / "docs"

_EXAMPLE = re.compile(r"<!-- example: (?P<meta>\{.*?\}) -->\n```yaml\n(?P<text>.*?)```", re.DOTALL)


class Example(NamedTuple):
    """One block of YAML and what is said about it."""

    page: str
    number: int
    expected: dict[str, Any]
    text: str

    @property
    def id(self) -> str:
        """A name for the test's report."""
        return f"{self.page}-{self.number}-{self.expected['flow']}"


def examples() -> Iterator[Example]:
    """All examples of all pages."""
    for page in sorted(DOCS.rglob("*.md")):
        for number, match in enumerate(_EXAMPLE.finditer(page.read_text(encoding="utf-8")), 1):
            yield Example(page.stem, number, json.loads(match["meta"]), match["text"])


def with_tasks(text: str) -> dict[str, Any]:
    """The example as a whole project: every node that is not a flow becomes a task with a storage."""
    import yaml

    project: dict[str, Any] = yaml.safe_load(text)
    flows = {flow["name"] for flow in project["flow-definitions"]}
    names: dict[str, None] = {}
    for flow in project["flow-definitions"]:
        for group in [*(edge["to"] for edge in flow["edges"]), *(f["fallback"] for f in flow.get("failures", []))]:
            for name in [group] if isinstance(group, str) else group or []:
                if name not in flows:
                    names[name] = None
    storage = {"name": "Memory", "import": "selinon.storages.memory", "classname": "InMemoryStorage"}
    tasks = [{"name": name, "import": "project", "storage": "Memory"} for name in names]
    return {"tasks": tasks, "storages": [storage], **project}
