"""Configurations that the original accepts and runs have no errors here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from selinon_core.diagnostics import Severity
from selinon_core.project import compile_text
from tests.conformance.generator import PROFILES, make_case

RECORDED = sorted((Path(__file__).parents[1] / "conformance" / "golden").glob("*.jsonl"))


def errors(nodes: object, flows: object) -> list[str]:
    texts = {"nodes.yaml": yaml.safe_dump(nodes), "flows.yaml": yaml.safe_dump({"flow-definitions": flows})}
    found = compile_text(texts, lint=True).diagnostics
    return [f"{d.span.place} {d.code} {d.message}" for d in found if d.severity is Severity.ERROR]


@pytest.mark.parametrize("path", RECORDED, ids=[path.stem for path in RECORDED])
def test_recorded_cases(path: Path) -> None:
    cases = [json.loads(line) for line in path.read_text().splitlines()]
    assert cases
    assert {
        case["name"]: found for case in cases if (found := errors(case["nodes"], case["flow_definitions"]))
    } == {}


@pytest.mark.parametrize("profile", PROFILES)
def test_generated_cases(profile: str) -> None:
    for seed in range(10_000, 10_040):
        case = make_case(profile, seed)
        assert errors(case["nodes"], case["flow_definitions"]) == [], seed


def test_nodes_that_are_said_never_to_run_never_ran() -> None:
    claims = 0
    for path in RECORDED:
        for line in path.read_text().splitlines():
            case = json.loads(line)
            texts = {
                flow["name"]: yaml.safe_dump({"flow-definitions": [flow]}) for flow in case["flow_definitions"]
            }
            texts["nodes.yaml"] = yaml.safe_dump(case["nodes"])
            found = [d for d in compile_text(texts, lint=True).diagnostics if d.code == "SEL314"]
            claims += len(found)
            for diagnostic in found:
                never = f"{diagnostic.span.file}.{diagnostic.message.split(chr(34))[1]}"
                assert repr(never) not in str(case["outcome"])
    assert claims
