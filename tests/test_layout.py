"""What tests/README.md says about these folders holds."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent


def test_what_several_modules_of_tests_use_is_in_no_module_of_tests() -> None:
    found = [
        f"{path.relative_to(TESTS)}: {line}"
        for path in sorted(TESTS.rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*from tests(\.\w+)*\.test_\w+ import|\s*from tests(\.\w+)* import test_", line)
    ]
    assert found == []


def test_every_folder_of_tests_is_described() -> None:
    readme = (TESTS / "README.md").read_text(encoding="utf-8")
    folders = {path.parent.relative_to(TESTS).parts[0] for path in TESTS.rglob("*/test_*.py")}
    described = set(re.findall(r"^\| `(\w+)/` \|", readme, re.MULTILINE))
    assert described == folders
