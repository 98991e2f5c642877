"""Configurations that the original accepts and runs have no errors here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.project import compile_text
from tests.conformance.generator import PROFILES, make_case
from tests.example_counts import some

RECORDED = sorted((Path(__file__).parents[1] / "conformance" / "golden").glob("*.jsonl"))


def compiled(nodes: object, flows: list[dict[str, Any]]) -> Sequence[Diagnostic]:
    """What is found in a project with one file for each flow."""
    texts = {flow["name"]: yaml.safe_dump({"flow-definitions": [flow]}) for flow in flows}
    return compile_text({"nodes.yaml": yaml.safe_dump(nodes), **texts}, lint=True).diagnostics


def errors(found: Sequence[Diagnostic]) -> list[str]:
    return [f"{d.span.place} {d.code} {d.message}" for d in found if d.severity is Severity.ERROR]


def never_run(found: Sequence[Diagnostic]) -> list[str]:
    """The nodes of which lint says that they never run, as ``flow.node``."""
    return [f"{d.span.file}.{d.message.split(chr(34))[1]}" for d in found if d.code == "SEL314"]


def recorded(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("path", RECORDED, ids=[path.stem for path in RECORDED])
def test_recorded_cases_have_no_errors_and_what_is_said_never_to_run_never_ran(path: Path) -> None:
    cases = some(recorded(path))
    assert cases
    for case in cases:
        found = compiled(case["nodes"], case["flow_definitions"])
        assert errors(found) == [], case["name"]
        for never in never_run(found):
            assert repr(never) not in str(case["outcome"]), case["name"]


def test_of_some_nodes_of_recorded_cases_lint_says_that_they_never_run() -> None:
    cases = (case for path in RECORDED for case in recorded(path))
    assert any(never_run(compiled(case["nodes"], case["flow_definitions"])) for case in cases)


@pytest.mark.parametrize("profile", PROFILES)
def test_generated_cases(profile: str) -> None:
    for seed in some(range(10_000, 10_040)):
        case = make_case(profile, seed)
        assert errors(compiled(case["nodes"], case["flow_definitions"])) == [], seed
