"""What pages and written projects say about installing selinon can be done, before the release and behind it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTALLATION = ROOT / "docs" / "installation.md"
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "sample_flows").rglob("*.md")),
]
#: Anything that ends up before a reader who installs selinon.
TEXTS = [*PAGES, ROOT / ".pre-commit-hooks.yaml", *sorted((ROOT / "selinon_cli" / "template").iterdir())]
EXTRAS = set(
    tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
)


#: The distribution by its name, not by a path or a URL.
_BARE = re.compile(r"""(?<![\w/.'"])['"]?selinon(?! *@)(\[|\s|'|$)""")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("file", TEXTS, ids=name)
def test_no_page_installs_selinon_from_the_index_by_its_bare_name(file: Path) -> None:
    """The index has selinon 1.4. How to install is said in one place, which other pages link to."""
    text = file.read_text(encoding="utf-8")
    commands = re.findall(r"pip install[^\n`#]*\bselinon\b[^\n`]*", text)
    if file != INSTALLATION:
        assert [command for command in commands if _BARE.search(command)] == []
    if commands and file.suffix == ".md" and file.is_relative_to(ROOT / "docs"):
        assert file == INSTALLATION or "installation.md" in text


@pytest.mark.parametrize("file", TEXTS, ids=name)
def test_no_page_names_a_repository_that_does_not_exist(file: Path) -> None:
    assert re.findall(r"github\.com/(?:OWNER|you|YOU|your\w*)/\S+", file.read_text(encoding="utf-8")) == []


def test_every_extra_is_listed_and_every_extra_that_is_named_exists() -> None:
    for page in PAGES:
        for named in re.findall(r"selinon\[([a-z0-9,]+)\]", page.read_text(encoding="utf-8")):
            assert set(named.split(",")) <= EXTRAS, page
    rows = re.findall(r"^\| (`.*`) \| .* \|$", INSTALLATION.read_text(encoding="utf-8"), re.MULTILINE)
    listed = {extra for row in rows for extra in re.findall(r"`(\w+)`", row)}
    assert listed == EXTRAS - {"test", "check"}
