"""The glossary and the code agree: what a row names exists, and terms the glossary replaced do not come back."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("| \n").split(" | ")]
    for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith(("| term", "| ---"))
]
#: Private metaphors that terms of the glossary replaced: a whole word in an identifier.
REPLACED = re.compile(
    r"(?<![a-z])(advancer|courier|teller|letter_?writer|caretaker|strangers|bundler|forgiving|patiently)(?![a-z])",
    re.IGNORECASE,
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_a_row_names_exists(row: list[str]) -> None:
    if len(row) < 3 or not row[2].strip("|` "):
        return
    name = row[2].strip("` ")
    module, attribute = f"selinon_core.{name}", None
    if name.rpartition(".")[2][:1].isupper():
        module, _, attribute = module.rpartition(".")
    found = importlib.import_module(module)
    assert attribute is None or hasattr(found, attribute)


def test_every_term_is_explained_once() -> None:
    terms = [row[0] for row in ROWS]
    assert len(terms) > 50
    assert len(set(terms)) == len(terms)


@pytest.mark.parametrize("package", ["selinon_core", "selinon_cli"])
def test_terms_that_were_replaced_do_not_come_back(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if REPLACED.search(line)
    ]
    assert found == []
