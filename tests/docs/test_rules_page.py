"""The rules reference says what the rules say."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from selinon_core.lint.registry import every_rule

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generator() -> dict[str, Any]:
    return runpy.run_path(str(DOCS / "generate_rules.py"))


def test_page_is_current(generator: dict[str, Any]) -> None:
    page = (DOCS / "reference" / "rules.md").read_text(encoding="utf-8")
    assert page == generator["rules_page"](), "run: python docs/generate_rules.py"


def test_every_rule_has_a_section(generator: dict[str, Any]) -> None:
    page = generator["rules_page"]()
    assert [rule.code for rule in every_rule() if f"\n### {rule.code}\n" not in page] == []
