"""The generated cases: repeatable, and recorded as they are generated today."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conformance.generator import PROFILES, make_case

GOLDEN = Path(__file__).resolve().parent / "golden"


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_recorded_cases_are_the_generated_ones(profile: str) -> None:
    for line in (GOLDEN / f"{profile}.jsonl").read_text().splitlines():
        recorded = json.loads(line)
        del recorded["outcome"]
        assert json.loads(json.dumps(make_case(profile, int(recorded["name"].rpartition("-")[2])))) == recorded
