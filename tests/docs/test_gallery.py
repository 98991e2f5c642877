"""The gallery is what its script writes; pictures are compared by what is in them."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_gallery", DOCS / "generate_gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parts(picture: str) -> list[tuple[str, str]]:
    """Ids and texts: another version of the engine may place them elsewhere."""
    return sorted(re.findall(r'<g id="([^"]*)" class="node|<text [^>]*>([^<]*)</text>', picture))


def test_gallery_is_up_to_date(script: ModuleType) -> None:
    files = script.write()
    assert set((DOCS / "gallery").glob("*.svg")) == {f for f in files if f.suffix == ".svg"}
    for file, content in files.items():
        kept = file.read_text(encoding="utf-8")
        if file.suffix == ".svg":
            assert parts(content.decode()) == parts(kept), file
        else:
            assert content.decode() == kept, file


def test_every_picture_is_shown(script: ModuleType) -> None:
    page = (DOCS / "gallery.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\(gallery/([^)]+\.svg)\)", page)) == sorted(
        f"{picture.name}.svg" for picture in script.pictures()
    )
