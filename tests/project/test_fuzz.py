"""Reading, every rule and compiling together: whatever the files say, an answer and never an exception."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.config.schema.sections import SECTIONS
from selinon_core.diagnostics import has_errors
from selinon_core.project import compile_text
from tests.config.mutations import ANYTHING, PATHS, replaced
from tests.config.reads import FULL
from tests.example_counts import examples

NAMES = st.sampled_from(["Fetch", "Store", "Mail", "order", "nightly", "Nobody"])
NODES = NAMES | st.lists(NAMES, max_size=3) | st.none() | st.booleans()


@settings(max_examples=examples(50, 150))
@given(st.lists(st.tuples(st.sampled_from(PATHS), ANYTHING | NODES), min_size=1, max_size=4))
def test_every_project_is_judged(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    data: Any = FULL
    for path, new in changes:
        if _exists(data, path):
            data = replaced(data, path, new)
    text = yaml.safe_dump(data, sort_keys=False)
    for lint in (False, True):
        project = compile_text({"nodes.yaml": text}, lint=lint, environ={})
        assert (project.plan is None) == has_errors(d for d in project.diagnostics if d.code < "SEL6")
        assert all(d.message and d.span.file == "nodes.yaml" for d in project.diagnostics)


def _exists(value: Any, path: tuple[Any, ...]) -> bool:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def test_the_base_of_the_changes_has_every_section() -> None:
    assert set(FULL) == set(SECTIONS)
