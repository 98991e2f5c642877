"""What the linter says, word by word: ``golden/<name>.yaml`` and, in ``<name>.txt``, what is printed for it.

``UPDATE_GOLDEN=1 pytest tests/lint/test_golden.py`` updates the texts; read the difference before you commit.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from selinon_cli.render.text import render_blocks
from tests.lint.example_projects import in_main_file, lint_files, main_file, write_project

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.stem for path in GOLDEN.glob("*.yaml"))


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (GOLDEN / f"{name}.yaml").read_text()
    monkeypatch.chdir(tmp_path)
    paths = [path.relative_to(tmp_path) for path in write_project(text, tmp_path)]
    project = lint_files(paths, tmp_path, text)
    main = main_file(text)
    written = {main: project.sources[main].splitlines()}
    printed = render_blocks(in_main_file(project), written, color=False)
    expected = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(printed)
    assert printed == expected.read_text()
