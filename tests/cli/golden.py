"""Comparing output with files; ``UPDATE_GOLDEN=1`` writes them anew (look at the difference)."""

from __future__ import annotations

import os
from pathlib import Path

_DIRECTORY = Path(__file__).parent / "golden"


def check_golden(name: str, text: str) -> None:
    """Compare ``text`` with the golden file ``name``."""
    path = _DIRECTORY / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{name} differs"
