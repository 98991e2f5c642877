"""What the documentation says about its examples is true."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from selinon_core import compile_text
from selinon_core.local import LocalExecutor, LocalOptions, Mocks
from tests.docs.examples import Example, examples, with_tasks

ALL = list(examples())


def test_there_are_examples() -> None:
    assert len(ALL) >= 6


@pytest.mark.parametrize("example", ALL, ids=[example.id for example in ALL])
def test_example_does_what_the_page_says(example: Example) -> None:
    project = compile_text({"example.yaml": json.dumps(with_tasks(example.text))})
    assert project.plan is not None, project.diagnostics
    expected = example.expected
    mocks = Mocks.from_mapping({**expected.get("mocks", {}), "functions": expected.get("functions", {})})
    executor = LocalExecutor(project.plan, LocalOptions(mocks=mocks, mock_all=True))

    run = executor.run(expected["flow"], expected.get("node_args"))

    assert run.status == expected["status"], run.error
    runs = Counter(node["name"] for node in run.nodes)
    assert {name: runs[name] for name in expected["runs"]} == expected["runs"]
    assert sum(runs.values()) == sum(expected["runs"].values()), "the page leaves out a node that runs"
    if "unreached" in expected:
        assert run.unreached_nodes == expected["unreached"]
    if "virtual_seconds" in expected:
        assert run.virtual_seconds == expected["virtual_seconds"]
