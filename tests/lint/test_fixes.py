"""Fixes of findings: what each rule changes, that nothing else changes, and that no fix makes anything worse.

``fixes/<name>.diff`` is what the fixes of a rule change in ``golden/<name>.yaml`` or ``fixes/<name>.yaml``;
``SELINON_UPDATE_GOLDEN=1`` writes them.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from difflib import unified_diff
from pathlib import Path

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from selinon_core.config.yaml.files import PathError
from selinon_core.diagnostics import Severity
from selinon_core.diagnostics.wording import Question, suggestion
from selinon_core.project import Project, lint_project
from selinon_core.project.fixing import FixedTexts, Offer, apart, edited, fix_texts
from tests.lint.example_projects import in_main_file, lint_files, lint_text, main_file, write_project

NIGHTLY = """
flow-definitions:
  - name: nightly
    edges:
      - from:
        to: Fetch
      - from: Fetch
        to: Parse
"""
HERE = Path(__file__).parent
CASES = sorted(
    {path.stem: path for folder in ("golden", "fixes") for path in (HERE / folder).glob("*.yaml")}.items()
)
EXPECTED = HERE / "fixes"


def fixed_project(directory: Path, **options: object) -> FixedTexts:
    """What fixing makes of the files in a directory."""

    def lint(texts: Mapping[str, str]) -> Project:
        return lint_project([directory], pythonpath=(str(directory),), environ={}, texts=texts)

    return fix_texts(lint, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "path"), CASES, ids=[name for name, _ in CASES])
def test_what_the_fixes_of_a_rule_change(
    name: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = path.read_text()
    project = lint_files([file.relative_to(tmp_path) for file in write_project(text, tmp_path)], tmp_path, text)
    found = [one for one in in_main_file(project) if one.code == name[:6] and one.fixes]
    expected = EXPECTED / f"{name}.diff"
    if not found:
        assert not expected.exists(), "the rule has no fix any more"
        return
    main = main_file(text)
    before = project.sources[main]
    made = apart([Offer(one, one.fixes[0]) for one in found])
    after = edited(before, [edit for offer in made for edit in offer.fix.edits if edit.span.file == main])
    lines = [f"{fix.title} ({'safe' if fix.safe else 'unsafe'})\n" for one in found for fix in one.fixes]
    diff = unified_diff(before.splitlines(True), after.splitlines(True), "before", "after", n=1)
    printed = "".join((*dict.fromkeys(lines), *diff))
    if os.environ.get("SELINON_UPDATE_GOLDEN"):
        expected.write_text(printed)
    assert printed == expected.read_text()


def test_fixes_that_touch_are_made_one_after_the_other(tmp_path: Path) -> None:
    write_project(NIGHTLY.replace("from: Fetch", "from: [Fetch, Fetch, Fetch]"), tmp_path)
    fixed = fixed_project(tmp_path)
    assert [offer.diagnostic.code for offer in fixed.made] == ["SEL216", "SEL216"]
    (after,) = fixed.after.values()
    assert "from: [Fetch]\n" in after


def test_a_fix_that_brings_a_new_error_is_not_made_and_the_others_are(tmp_path: Path) -> None:
    text = NIGHTLY.replace("to: Parse", "too: Pars\n        to: Parse").replace("to: Fetch", "to: Fecth")
    write_project(text.replace("too: Pars", "conditon: {name: nothing}"), tmp_path)
    fixed = fixed_project(tmp_path)
    assert [offer.diagnostic.code for offer in fixed.made] == ["SEL201"]
    ((offer, errors),) = fixed.refused
    assert offer.fix.title == 'write "condition"'
    assert errors == ('SEL204 unknown predicate "nothing"',)
    (after,) = fixed.after.values()
    assert "conditon" in after
    assert "to: Fetch\n" in after


def test_what_another_fix_makes_possible_is_fixed_as_well(tmp_path: Path) -> None:
    nodes = "tasks: [{name: Fetch, import: nodes}]\n"
    flow = "flow-definitions:\n  - name: {}\n    edges:\n      - from:\n        to: {}\n"
    (tmp_path / "nodes.yaml").write_text(nodes)
    (tmp_path / "a.yaml").write_text(flow.format("nightly", "wekly"))
    (tmp_path / "b.yaml").write_text(flow.format("weekly", "Fecth") + "flows: [nightly, weekly]\n")
    fixed = fixed_project(tmp_path)
    assert fixed.refused == ()
    assert {offer.fix.title for offer in fixed.made} == {'write "weekly"', 'write "Fetch"'}


def test_warnings_are_fixed_only_once_it_is_known_what_the_files_mean(tmp_path: Path) -> None:
    text = "tasks:\n  - {name: Fetch, import: nodes, retry_countdown: 5, max_retry: MANY}\n"
    (tmp_path / "flow.yaml").write_text(text + NIGHTLY.replace("to: Parse", "to: Fetch"))
    assert fixed_project(tmp_path).made == ()
    (tmp_path / "flow.yaml").write_text(text.replace("MANY", '"3"') + NIGHTLY.replace("to: Parse", "to: Fetch"))
    assert [offer.diagnostic.code for offer in fixed_project(tmp_path).made] == ["SEL104"]


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_line_breaks_stay_what_they_are(tmp_path: Path, line_break: str) -> None:
    text = NIGHTLY.replace("  - name: nightly\n", "  - name: nightly\n    queue: é\n    queue: b\n")
    paths = write_project(text, tmp_path)
    paths[0].write_bytes(paths[0].read_bytes().replace(b"\n", line_break.encode()))
    (after,) = fixed_project(tmp_path).after.values()
    assert after == text.lstrip("\n").replace("    queue: é\n", "").replace("\n", line_break)


def test_only_what_is_wanted_is_fixed_and_only_where_it_may_be(tmp_path: Path) -> None:
    write_project(
        NIGHTLY.replace("to: Fetch", "to: Fecth").replace("from: Fetch", "from: [Fetch, Fetch]"), tmp_path
    )
    fixed = fixed_project(tmp_path, wants=lambda diagnostic: diagnostic.code == "SEL216")
    assert [offer.diagnostic.code for offer in fixed.made] == ["SEL216"]
    assert fixed_project(tmp_path, may_change=lambda file: False) == ({}, {}, (), ())


@pytest.mark.parametrize(
    ("written", "known", "safe"),
    [
        ("Fecth", ["Fetch"], True),
        ("fetch", ["Fetch"], True),
        ("Fetch3", ["Fetch1"], False),  # a number is no typing error
        ("Fetsh", ["Fetch", "Fresh"], False),  # either of them
        ("Fry", ["Try"], False),  # too short to be sure
    ],
)
def test_a_name_is_respelled_safely_only_if_nothing_else_can_be_meant(
    written: str, known: list[str], safe: bool
) -> None:
    meant = suggestion(written, known)
    assert isinstance(meant, Question)
    assert meant.certain is safe


def test_what_has_a_meaning_already_is_not_respelled_safely(tmp_path: Path) -> None:
    text = NIGHTLY + "flowss: [nightly, publish]\n"
    (found,) = [one for one in lint_text(text, tmp_path) if one.code == "SEL102"]
    assert [fix.safe for fix in found.fixes] == [False]


def test_nothing_is_removed_safely_that_an_alias_may_use_elsewhere(tmp_path: Path) -> None:
    text = """
    tasks:
      - &one {name: Fetch, import: shop, retry_countdown: 5}
      - {<<: *one, name: Parse, max_retry: 3}
    flow-definitions:
      - name: nightly
        edges: [{from: , to: [Fetch, Parse]}]
    """
    (found,) = [one for one in lint_text(text, tmp_path) if one.code == "SEL905"]
    assert [fix.safe for fix in found.fixes] == [False]


def test_what_is_said_once_for_all_uses_of_an_alias_has_the_fix_of_one_of_them(tmp_path: Path) -> None:
    text = """
    # shop.py
    #   from selinon import SelinonTask
    #
    #   class Fetch(SelinonTask):
    #       def run(self, node_args): ...
    tasks: [{name: Fetch, import: shop}]
    flow-definitions:
      - &one
        name: nightly
        sampling: {name: constant, args: {retry: 2}}
        edges: [{from: , to: Fetch}]
      - <<: *one
        name: weekly
    """
    (found,) = [one for one in lint_text(text, tmp_path) if one.code == "SEL913"]
    assert [fix.safe for fix in found.fixes] == [False]


# --- properties of all fixes --------------------------------------------------------------------------------

SAMPLES = sorted(path for path in (HERE.parents[1] / "sample_flows").iterdir() if list(path.rglob("*.yaml")))


def mutated(text: str, draw: Callable[[int], int]) -> str:
    """A text with one mistake of the sort that people make; ``draw`` gives a number below its argument."""
    lines = text.split("\n")
    at = draw(len(lines))
    line = lines[at]
    words = [found.span() for found in re.finditer(r"[A-Za-z_]\w{3,}", line.partition(" #")[0])]
    sort = draw(8)
    if sort < 3 and words:  # two letters change places, one is missing, one stands twice
        start, end = words[draw(len(words))]
        letter = start + draw(end - start - 1)
        middle = (line[letter + 1] + line[letter], line[letter + 1], line[letter] * 2 + line[letter + 1])[sort]
        lines[at] = line[:letter] + middle + line[letter + 2 :]
    elif sort == 3:
        lines.insert(at, line)
    elif sort == 4:
        lines[at] = re.sub(r": ([\w.]+)$", r': "\1"', line)
    elif sort == 5:
        lines[at] = re.sub(r"- ", "  ", line, count=1)
    elif sort == 6:
        lines[at] = re.sub(r"\[(\w+)(, )?", r"[\1, \1\2", line)
    else:
        lines[at] = re.sub(r": (\w+)$", ": on", line)
    return "\n".join(lines)


def said(project: Project, *severities: Severity) -> Counter[tuple[str, str]]:
    """What was found, by code and message."""
    return Counter(
        (one.code, one.message) for one in project.diagnostics if one.severity in (severities or Severity)
    )


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
@settings(max_examples=15)
@given(data=st.data())
def test_safe_fixes_of_mutated_samples_bring_no_error_and_leave_none_to_make(
    sample: Path, data: st.DataObject
) -> None:
    def lint(texts: Mapping[str, str]) -> Project:
        return lint_project([sample], pythonpath=(str(sample),), environ={}, texts=texts)

    files = {file: text for file, text in lint({}).sources.items() if not file.endswith(".flowtest.yaml")}
    file = data.draw(st.sampled_from(sorted(files)))
    text = files[file]
    for _ in range(data.draw(st.integers(1, 3))):
        text = mutated(text, lambda below: data.draw(st.integers(0, max(below - 1, 0))))
    broken = {file: text}
    try:
        before = said(lint(broken), Severity.ERROR)
    except PathError:  # no file is one of a project any more
        reject()
    fixed = fix_texts(lambda texts: lint({**broken, **texts}))
    assert all(offer.fix.safe for offer in fixed.made)
    after = {**broken, **fixed.after}
    if not any(code == "SEL100" for code, _ in before):  # of a file that was not read nothing is said
        assert said(lint(after), Severity.ERROR) <= before
    assert fix_texts(lambda texts: lint({**after, **texts})).made == ()


@pytest.mark.parametrize(("name", "path"), CASES, ids=[name for name, _ in CASES])
def test_a_fix_takes_its_finding_away(
    name: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = path.read_text()
    files = [file.relative_to(tmp_path) for file in write_project(text, tmp_path)]
    project = lint_files(files, tmp_path, text)
    for diagnostic in project.diagnostics:
        for fix in diagnostic.fixes:
            changed = {
                file: edited(project.sources[file], [edit for edit in fix.edits if edit.span.file == file])
                for file in {edit.span.file for edit in fix.edits}
            }
            after = lint_project(files, pythonpath=(str(tmp_path),), environ={}, texts=changed)
            was, now = said(project), said(after)
            key = (diagnostic.code, diagnostic.message)
            assert now[key] < was[key], (key, fix.title, changed)
