"""``selinon lint --fix`` and ``--diff``: what is written and shown, and what is left as it is."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from selinon_cli import lint_fixes
from tests.cli.conftest import FLOWS, Cli
from tests.cli.sarif_checks import check_sarif

SLIP = FLOWS.replace("from: Charge", "from: Chrage")
DIFF = """--- a/flows/order.yaml
+++ b/flows/order.yaml
"""


@pytest.fixture
def order(shop: Path) -> Path:
    """The file of the flow, with a name that is misspelt."""
    path = shop / "flows" / "order.yaml"
    path.write_text(SLIP)
    return path


def test_fixes_are_written_and_what_is_left_is_reported(order: Path, cli: Cli) -> None:
    ran = cli("lint", "--fix")
    assert ran == (0, "no problems in 2 files (1 flow, 3 tasks)\n", "fixed 1 finding in 1 file\n")
    assert order.read_text() == FLOWS


def test_what_cannot_be_fixed_is_the_exit_code(order: Path, cli: Cli) -> None:
    order.write_text(SLIP.replace("fallback: Refund", "fallback: Nonsense"))
    ran = cli("lint", "--fix")
    assert ran.code == 1
    assert 'unknown node "Nonsense"' in ran.out
    assert "Chrage" not in order.read_text()


def test_nothing_to_fix_writes_nothing(shop: Path, cli: Cli) -> None:
    path = shop / "flows" / "order.yaml"
    before = path.stat()
    assert cli("lint", "--fix") == (0, "no problems in 2 files (1 flow, 3 tasks)\n", "")
    assert path.stat() == before


def test_a_diff_shows_the_fixes_and_writes_nothing(order: Path, cli: Cli) -> None:
    ran = cli("lint", "--diff")
    assert ran.code == 1
    assert ran.out.startswith(DIFF)
    assert [line for line in ran.out.splitlines() if line.startswith(("-", "+"))][2:] == [
        "-      - from: Chrage",
        "+      - from: Charge",
    ]
    assert ran.err == "would fix 1 finding in 1 file\n"
    assert order.read_text() == SLIP


def test_a_diff_of_nothing_is_empty(shop: Path, cli: Cli) -> None:
    assert cli("lint", "--diff") == (0, "", "")


def test_unsafe_fixes_are_made_when_they_are_asked_for(shop: Path, cli: Cli) -> None:
    path = shop / "flows" / "order.yaml"
    path.write_text(FLOWS + "  - name: _unused\n    nowait: [Charge]\n    edges: [{from: , to: Ship}]\n")
    assert cli("lint", "--fix").code == 1
    assert cli("lint", "--fix", "--unsafe-fixes").code == 0
    assert "nowait: []" in path.read_text()


def test_unsafe_fixes_alone_are_wrong_use(shop: Path, cli: Cli) -> None:
    ran = cli("lint", "--unsafe-fixes")
    assert ran.code == 2
    assert "--unsafe-fixes needs --fix or --diff" in ran.err


def test_only_selected_codes_are_fixed(order: Path, cli: Cli) -> None:
    order.write_text(SLIP.replace("    queue: orders", "    queue: a\n    queue: orders"))
    assert cli("lint", "--fix", "--select", "SEL201").code == 0
    assert "queue: a" in order.read_text()
    assert "Chrage" not in order.read_text()


def test_a_fix_that_would_bring_an_error_is_said(order: Path, cli: Cli) -> None:
    text = FLOWS.replace("condition:", "conditon:").replace("fieldEqual", "nothing")
    order.write_text(text)
    ran = cli("lint", "--fix")
    assert ran.code == 1
    assert ran.err == (
        'selinon: flows/order.yaml:9:9: SEL101 is not fixed (write "condition"): '
        'it would be SEL204 unknown predicate "nothing"\n'
    )
    assert order.read_text() == text


def test_stdin_is_printed_with_its_fixes(order: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(SLIP.encode())))
    ran = cli("lint", "--fix", "-", "--stdin-filename", "flows/order.yaml", "nodes.yaml")
    assert ran.code == 0
    assert ran.out == FLOWS
    assert ran.err == "fixed 1 finding\nno problems in 2 files (1 flow, 3 tasks)\n"
    assert order.read_text() == SLIP


def test_stdin_can_be_shown_as_a_diff(order: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(SLIP.encode())))
    ran = cli("lint", "--diff", "-", "--stdin-filename", "flows/order.yaml", "nodes.yaml")
    assert (ran.code, ran.out.startswith(DIFF)) == (1, True)


def test_only_stdin_is_changed_when_it_is_read(shop: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = shop / "nodes.yaml"
    text = nodes.read_text() + "    retry_countdown: '3'\n"
    nodes.write_text(text)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(FLOWS.encode())))
    ran = cli("lint", "--fix", "-", "--stdin-filename", "flows/order.yaml", "nodes.yaml")
    assert (ran.code, ran.out) == (1, FLOWS)
    assert nodes.read_text() == text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_keeps_its_encoding(order: Path, cli: Cli, encoding: str) -> None:
    order.write_bytes(f"# é\r\n{SLIP}".encode(encoding))
    assert cli("lint", "--fix").code == 0
    assert order.read_bytes() == f"# é\r\n{FLOWS}".encode(encoding)


def test_a_file_that_is_not_text_is_left_as_it_is(order: Path, cli: Cli) -> None:
    data = b"# \xff\n" + SLIP.encode()
    order.write_bytes(data)
    assert cli("lint", "--fix").code == 1
    assert order.read_bytes() == data


def test_a_link_and_the_permissions_of_a_file_stay(order: Path, cli: Cli) -> None:
    target = order.with_name("elsewhere.txt")
    order.rename(target)
    target.chmod(0o640)
    order.symlink_to(target.name)
    assert cli("lint", "--fix").code == 0
    assert order.is_symlink()
    assert target.read_text() == FLOWS
    assert target.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(order.parent)) == ["elsewhere.txt", "order.yaml"]


def test_a_file_that_changed_meanwhile_is_left_as_it_is(
    order: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix = lint_fixes.fix_texts

    def slowly(*args: object, **kwargs: object) -> object:
        fixed = fix(*args, **kwargs)  # type: ignore[arg-type]
        order.write_text(SLIP + "# somebody wrote\n")
        return fixed

    monkeypatch.setattr(lint_fixes, "fix_texts", slowly)
    ran = cli("lint", "--fix")
    assert ran.code == 1
    assert "flows/order.yaml changed meanwhile, and is left as it is" in ran.err
    assert order.read_text() == SLIP + "# somebody wrote\n"


def test_json_and_sarif_have_the_fixes(order: Path, cli: Cli) -> None:
    (found,) = json.loads(cli("lint", "--format", "json").out)
    edit = {"file": "flows/order.yaml", "line": 7, "column": 15, "end_line": 7, "end_column": 21, "text": "Charge"}
    assert found["fixes"] == [{"title": 'write "Charge"', "safe": True, "edits": [edit]}]
    log = json.loads(cli("lint", "--format", "sarif").out)
    check_sarif(log)
    ((fix,),) = [result["fixes"] for result in log["runs"][0]["results"]]
    assert fix["description"] == {"text": 'write "Charge"'}
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"]["uri"] == "flows/order.yaml"
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 7, "startColumn": 15, "endLine": 7, "endColumn": 21},
            "insertedContent": {"text": "Charge"},
        }
    ]


def test_fixes_and_a_machine_form_go_together(order: Path, cli: Cli) -> None:
    ran = cli("lint", "--fix", "--format", "json", "-q")
    assert (ran.code, json.loads(ran.out), ran.err) == (0, [], "")
    assert order.read_text() == FLOWS
