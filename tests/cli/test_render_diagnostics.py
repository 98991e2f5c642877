"""How diagnostics look: for people, for programs, for hostile input."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_cli.render.machine import to_github, to_json
from selinon_cli.render.rules import RuleText
from selinon_cli.render.sarif import to_sarif
from selinon_cli.render.text import LONGEST_LINE, render_blocks, split_lines, summary
from selinon_cli.render.visible import visible
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.location import Span
from selinon_core.lint.suppressions import Suppressed
from tests.cli.golden import check_golden
from tests.cli.sarif_checks import check_sarif

LINES = {
    "flows/order.yaml": [
        *[""] * 13,
        "    - from: Chrage",
        "\tname: \t[A, B]  # tabs",
        "    - from: 支払い失敗 # wide",
        "    - from: naïve\u0301 x",
        "    name: \x1b[2J\u202eevil",
        "a: " + "x" * 300 + "TARGET" + "y" * 300,
        "end",
    ]
}


def found(
    line: int,
    column: int,
    end_column: int,
    message: str = "something is wrong",
    *,
    severity: Severity = Severity.ERROR,
    end_line: int = 0,
    file: str = "flows/order.yaml",
    **more: Any,
) -> Diagnostic:
    span = Span(file, line, column, end_line or line, end_column)
    return Diagnostic("SEL201", severity, message, span, **more)


EXAMPLES = [
    found(
        14,
        13,
        19,
        'unknown node "Chrage"',
        note="no task or flow has this name",
        help='did you mean "Charge" (nodes.yaml:9:13)?',
    ),
    found(15, 9, 15, "tabs count as four columns", severity=Severity.WARNING, note="here"),
    found(16, 13, 18, "wide characters take two columns", severity=Severity.INFO, note="five of them"),
    found(17, 13, 19, "combining characters take none", note="six code points, five columns"),
    found(18, 11, 20, "hostile \x1b]0;title\x07 text\nin a message", note="\x1b[31m", help="one\ntwo \x9b"),
    found(19, 304, 310, "a very long line is cut", note="in the middle"),
    found(20, 1, 4, "a stretch over several lines", end_line=22, note="its first line is shown"),
    found(20, 9, 9, "a place behind the end"),
    found(99, 1, 2, "a line that is not there", note="so the note has a line of its own"),
    found(
        14,
        5,
        6,
        "with related places",
        related=(
            Related(Span("nodes.yaml", 9, 13, 9, 19), "first defined here"),
            Related(Span("nodes.yaml", 12, 1, 12, 2), "used here"),
        ),
    ),
]


@pytest.mark.parametrize("color", [False, True])
def test_text(color: bool) -> None:
    text = render_blocks(EXAMPLES, LINES, color=color)
    check_golden("diagnostics.color.txt" if color else "diagnostics.txt", text)


def test_the_form_that_is_promised() -> None:
    assert render_blocks(EXAMPLES[:1], LINES, color=False) == (
        'flows/order.yaml:14:13: error[SEL201]: unknown node "Chrage"\n'
        "   14 |     - from: Chrage\n"
        "      |             ^^^^^^ no task or flow has this name\n"
        '      = help: did you mean "Charge" (nodes.yaml:9:13)?\n'
    )


def test_a_file_that_is_not_there() -> None:
    text = render_blocks([found(1, 1, 2, file="<stdin>", note="why")], {}, color=False)
    assert text == "<stdin>:1:1: error[SEL201]: something is wrong\n      = note: why\n"


def _columns(text: str) -> int:
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


@given(st.text(max_size=60).filter(lambda text: len(split_lines(text)) == 1), st.data())
def test_carets_stand_under_what_is_pointed_at(line: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, len(line)))
    text = render_blocks([found(1, start + 1, end + 1, file="f")], {"f": [line]}, color=False)
    _, shown, pointer = text.split("\n")[:3]
    before = "    1 | " + visible(line[:start])
    carets = pointer.lstrip(" |")
    assert len(pointer) - len(carets) == _columns(before)
    assert len(carets) == max(1, _columns(visible(line[start:end])))
    assert shown == ("    1 | " + visible(line)).rstrip()


@given(st.text(), st.text(), st.integers(1, 5), st.integers(1, 400))
def test_nothing_that_moves_a_cursor_gets_out(line: str, message: str, row: int, column: int) -> None:
    diagnostic = found(row, column, column + 3, message, file="f", note=message, help=message)
    text = render_blocks([diagnostic], {"f": split_lines(line)}, color=False)
    assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\n"]


def test_long_lines_are_bounded() -> None:
    text = render_blocks([found(1, 50_000, 99_000, file="f")], {"f": ["x" * 100_000]}, color=False)
    assert max(len(line) for line in text.splitlines()) <= LONGEST_LINE + 20


@pytest.mark.parametrize(
    ("severities", "expected"),
    [
        ("eew", "2 errors, 1 warning in 3 files (17 flows, 33 tasks)"),
        ("wwi", "2 warnings, 1 info in 3 files (17 flows, 33 tasks)"),
        ("", "no problems in 3 files (17 flows, 33 tasks)"),
    ],
)
def test_summary(severities: str, expected: str) -> None:
    kinds = {"e": Severity.ERROR, "w": Severity.WARNING, "i": Severity.INFO}
    diagnostics = [found(1, 1, 2, severity=kinds[letter]) for letter in severities]
    assert summary(diagnostics, files=3, flows=17, tasks=33) == expected


def test_summary_counts_one_as_one_and_tells_what_is_silenced() -> None:
    told = summary([found(1, 1, 1)], files=1, flows=1, tasks=0, suppressed=2)
    assert told == "1 error in 1 file (1 flow, 0 tasks), 2 suppressed"


def test_json() -> None:
    told = json.loads(to_json(EXAMPLES))
    assert told[0] == {
        "code": "SEL201",
        "severity": "error",
        "message": 'unknown node "Chrage"',
        "file": "flows/order.yaml",
        "line": 14,
        "column": 13,
        "end_line": 14,
        "end_column": 19,
        "label": "no task or flow has this name",
        "help": 'did you mean "Charge" (nodes.yaml:9:13)?',
        "related": [],
        "fixes": [],
    }
    assert told[-1]["help"] is None
    assert told[-1]["related"][0] == {
        "file": "nodes.yaml",
        "line": 9,
        "column": 13,
        "message": "first defined here",
    }


def test_json_is_ascii_so_that_no_stream_breaks_it() -> None:
    assert to_json([found(1, 1, 2, "\udc80 größe")]).isascii()


def test_github_annotations() -> None:
    text = to_github(
        [
            found(2, 3, 7, "100% wrong: a, b\nsecond line", help="do, this", severity=Severity.WARNING),
            found(2, 3, 1, end_line=4, severity=Severity.INFO, file="a,b:c.yaml"),
            found(2, 3, 3),
        ],
        lambda file: "sub/" + file,
    )
    assert text.splitlines() == [
        "::warning file=sub/flows/order.yaml,line=2,endLine=2,col=3,endColumn=6,title=SEL201"
        "::100%25 wrong: a, b%0Asecond line (do, this)",
        "::notice file=sub/a%2Cb%3Ac.yaml,line=2,endLine=4,title=SEL201::something is wrong",
        "::error file=sub/flows/order.yaml,line=2,endLine=2,col=3,endColumn=3,title=SEL201::something is wrong",
    ]


def test_github_annotations_show_what_is_invisible() -> None:
    text = to_github([found(1, 1, 2, "a\x1b[31m\u202eb\u2028c\r", file="x\x1b.yaml")], str)
    assert text == (
        "::error file=x\\x1b.yaml,line=1,endLine=1,col=1,endColumn=1,title=SEL201::a\\x1b[31m\\u202eb\\u2028c\\r\n"
    )


RULES = [
    RuleText("SEL201", Severity.ERROR, "unknown node", "A name is unknown.", {"What it does": "Looks."}),
    RuleText("SEL901", Severity.INFO, "something else", "", {}),
]


def sarif(diagnostics: list[Diagnostic], suppressed: list[Suppressed] | None = None) -> dict[str, Any]:
    text = to_sarif(diagnostics, suppressed or [], RULES, lambda file: file, "/home/x y/repo")
    log = json.loads(text)
    check_sarif(log)
    return log["runs"][0]  # type: ignore[no-any-return]


def test_sarif() -> None:
    run = sarif(EXAMPLES, [Suppressed(found(1, 1, 2), "on purpose"), Suppressed(found(2, 1, 2), "")])
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["originalUriBaseIds"]["ROOT"]["uri"] == "file:///home/x%20y/repo/"
    first, silenced, silent = run["results"][0], *run["results"][-2:]
    assert first["ruleId"] == "SEL201"
    assert first["ruleIndex"] == 0
    assert first["locations"][0]["physicalLocation"]["artifactLocation"] == {
        "uri": "flows/order.yaml",
        "uriBaseId": "ROOT",
    }
    assert "suppressions" not in first
    assert silenced["suppressions"] == [{"kind": "inSource", "justification": "on purpose"}]
    assert silent["suppressions"] == [{"kind": "inSource"}]
    assert run["results"][2]["level"] == "note"


@given(st.text(min_size=1), st.text(min_size=1))
def test_sarif_holds_for_any_file_name_and_message(file: str, message: str) -> None:
    sarif([found(1, 1, 2, message, file=file)])


def test_sarif_of_files_elsewhere() -> None:
    run = sarif([found(1, 1, 2, file="/else/where.yaml"), found(1, 1, 2, file="<stdin>")])
    uris = [result["locations"][0]["physicalLocation"]["artifactLocation"] for result in run["results"]]
    assert uris == [{"uri": "file:///else/where.yaml"}, {"uri": "%3Cstdin%3E", "uriBaseId": "ROOT"}]


def test_sarif_quotes_the_bytes_of_a_name_that_is_not_utf8() -> None:
    log = sarif([found(1, 1, 2, file="a\udcff.yaml")])
    location = log["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "a%FF.yaml"
