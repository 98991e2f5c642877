"""What commands print on the pages is what they print; tables are what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.tools.console import WrongExitCode, takes_part, with_real_output
from docs.tools.tables import with_generated_parts
from selinon_cli.registry import SELINON
from tests.forked_cli import ForkedCli

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
SHOWN = [page for page in PAGES if takes_part(page.read_text(encoding="utf-8"))]
MADE = [page for page in PAGES if "<!-- generated:" in page.read_text(encoding="utf-8")]


def name(page: Path) -> str:
    return str(page.relative_to(DOCS))


@pytest.mark.parametrize("page", SHOWN, ids=name)
def test_output_on_the_page_is_real(page: Path, tmp_path: Path, forked_cli: ForkedCli) -> None:
    text = page.read_text(encoding="utf-8")
    assert with_real_output(text, tmp_path.resolve(), forked_cli.program) == text, "run: python docs/regenerate.py"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_readers_see_every_step_of_a_page(page: Path) -> None:
    """Comments do not show on a rendered page, so they hold no step: only exit codes, and what is not run."""
    comments = re.findall(r"<!-- *([\w ]+)", page.read_text(encoding="utf-8"))
    assert {comment.strip() for comment in comments} <= {"exit", "not run", "generated", "end", "example", "..."}


@pytest.mark.parametrize("page", MADE, ids=name)
def test_tables_on_the_page_are_what_the_code_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert with_generated_parts(text) == text, "run: python docs/regenerate.py"


BEGIN = "```console\n$ mkdir s && cd s\n```\n\n"


class TestHarness:
    """The harness itself can fail."""

    def test_output_is_replaced(self, tmp_path: Path) -> None:
        page = f"{BEGIN}**`a`**\n\n```\nhello\n```\n\n```console\n$ cat a\nbye\n$ pwd\n```\n"
        assert with_real_output(page, tmp_path).endswith("$ cat a\nhello\n$ pwd\n/home/ada/s\n```\n")

    def test_blocks_are_added_at_the_end_of_files(self, tmp_path: Path) -> None:
        blocks = "**`a`**\n\n```\none\n```\n\n**`a`**, added at the end\n\n```\ntwo\n```\n\n"
        page = f"{BEGIN}{blocks}```console\n$ cat a\none\ntwo\n```\n"
        assert with_real_output(page, tmp_path) == page

    def test_a_command_begins_where_the_one_before_it_ended(self, tmp_path: Path) -> None:
        where = "$ cd ~/selinon/sample_flows\n$ pwd\n/home/ada/selinon/sample_flows\n"
        page = f"```console\n{where}$ git status -s\n```\n"
        assert with_real_output(page, tmp_path) == page

    def test_blocks_before_the_first_change_of_directory_are_left_alone(self, tmp_path: Path) -> None:
        page = "```console\n$ echo real\nunreal\n```\n\n**`a`**\n\n```\nx\n```\n"
        assert not takes_part(page)
        assert with_real_output(page, tmp_path) == page

    def test_blocks_can_be_left_out(self, tmp_path: Path) -> None:
        page = f"{BEGIN}<!-- not run -->\n```console\n$ echo real\nunreal\n```\n"
        assert with_real_output(page, tmp_path) == page

    def test_blocks_without_a_prompt_are_left_alone(self, tmp_path: Path) -> None:
        page = f"{BEGIN}```console\nfalse\n```\n"
        assert with_real_output(page, tmp_path) == page

    def test_exit_codes_are_looked_at(self, tmp_path: Path) -> None:
        with pytest.raises(WrongExitCode):
            with_real_output(f"{BEGIN}```console\n$ false\n```\n", tmp_path / "1")
        page = f"{BEGIN}<!-- exit: 3 -->\n```console\n$ exit 3\n```\n"
        assert with_real_output(page, tmp_path / "2") == page
        with pytest.raises(WrongExitCode):
            with_real_output(page.replace("exit: 3", "exit: 1"), tmp_path / "3")

    def test_a_command_may_have_several_lines(self, tmp_path: Path) -> None:
        page = f"{BEGIN}```console\n$ cat <<E\n> one\n> E\none\n```\n"
        assert with_real_output(page, tmp_path) == page

    def test_what_varies_is_made_the_same(self, tmp_path: Path) -> None:
        page = f"{BEGIN}```console\n$ echo 'in 0 s virtual, 1.234 s real'\n```\n"
        assert "0 s virtual, 0.01 s real\n" in with_real_output(page, tmp_path)

    def test_unknown_tables_are_an_error(self) -> None:
        with pytest.raises(KeyError):
            with_generated_parts("<!-- generated: keys a teapot -->\n<!-- end -->\n")


@pytest.mark.parametrize("command", sorted(SELINON.commands))
def test_every_command_has_a_page_with_its_options(command: str) -> None:
    file = f"{command.replace(' ', '-')}.md"
    page = (DOCS / "reference" / "cli" / file).read_text(encoding="utf-8")
    assert f"<!-- generated: options {command} -->" in page
    assert f"({file})" in (DOCS / "reference" / "cli" / "README.md").read_text(encoding="utf-8")


def test_every_page_can_be_found_from_the_index() -> None:
    """In two steps at most: the index, and the pages it links to."""
    links = re.compile(r"\]\(([\w./-]+\.md)(?:#[\w-]*)?\)")
    index = DOCS / "index.md"
    first = {(DOCS / target).resolve() for target in links.findall(index.read_text(encoding="utf-8"))}
    found = {index, *first}
    for page in first:
        found |= {(page.parent / target).resolve() for target in links.findall(page.read_text(encoding="utf-8"))}
    assert [name(page) for page in PAGES if page.resolve() not in found] == []
