"""Recorded cases as the text of a case file, a new one or one that there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from selinon_core.cases.writing import case_file_text
from selinon_core.config.yaml.document import Document, read_document
from selinon_core.config.yaml.nodes import MappingNode, SequenceNode
from selinon_core.diagnostics import Severity
from selinon_core.diagnostics.kinds import Collector
from selinon_core.errors import RequestError
from selinon_core.plan import Plan
from selinon_core.project.case_files import read_case_text
from selinon_core.recording.recorder import Recorded, Recorder


def text_with(
    recordings: Sequence[Recorded], before: str, file: str, plan: Plan, recorder: Recorder, *, verify: bool = True
) -> str:
    """The text of a case file with the recorded cases behind those that ``before`` has (empty: a new file).

    The text is read again, and with ``verify`` each new case is run as ``selinon test`` would. Raises
    ``RequestError`` for a file that has mistakes or a case of the same name, and for a case that does not pass.
    """
    cases = [recording.case for recording in recordings]
    known = _titles(before, file, plan)
    for case in cases:
        if case.name in known:
            raise RequestError(f"{file} has a case {case.name!r} already: give the new one a --name")
    written = case_file_text(cases, plan)
    _check_secrets(recordings, written)
    text = _extended(before, written, file) if before.strip() else written
    found, diagnostics = read_case_text(text, file, plan)
    wrong = next((each for each in diagnostics if each.severity is Severity.ERROR), None)
    if wrong is not None:
        raise RequestError(f"the case cannot be written to {file}: {wrong.message}")
    names = [case.name for case in cases]
    if [case.title for case in found] != [*known, *names]:
        raise RequestError(f"the case cannot be added to {file}: write it to another file")
    for number in range(len(known), len(found)) if verify else ():
        problem = recorder.problem_of(found, number)
        if problem:
            raise RequestError(f"{file}: the case {found[number].name!r} would not pass: {problem}")
    return text


def _titles(text: str, file: str, plan: Plan) -> list[str]:
    """The titles of the cases of a file."""
    if not text.strip():
        return []
    cases, diagnostics = read_case_text(text, file, plan)
    if any(found.severity is Severity.ERROR for found in diagnostics):
        raise RequestError(f"{file} has mistakes: selinon lint {file} shows them; nothing is written to it")
    return [case.title for case in cases]


def _extended(before: str, written: str, file: str) -> str:
    """A text with the cases of another one behind its own; all else stays as it is."""
    document = read_document(before, file, Collector())
    root = document.root
    entry = root.entries.get("tests") if type(root) is MappingNode else None
    node = None if entry is None else entry[1]
    if type(node) is not SequenceNode or not node.items or document.text[node.start_mark.index] != "-":
        raise RequestError(f"the tests of {file} are not a block list, one item a line: write to another file")
    line_end = "\r\n" if "\r\n" in before else "\n"
    indent = " " * node.start_mark.column
    added = [f"{indent}{line[2:]}" if line.strip() else line for line in written.splitlines()[1:]]
    lines = document.text.splitlines()
    place = _end_of(document, node, lines)
    return line_end.join([*lines[:place], *added, *lines[place:]]) + line_end


def _end_of(document: Document, node: SequenceNode, lines: Sequence[str]) -> int:
    """The number of lines before the first that is behind a block list; comments there belong to what follows."""
    column, last = node.start_mark.column, _line(node.items[-1].start_mark)
    end = last + 1
    for number in range(last + 1, len(lines)):
        line = lines[number]
        bare = line.lstrip()
        if not bare or bare.startswith("#"):
            continue
        if len(line) - len(bare) <= column:
            break
        end = number + 1
    return end


def _line(mark: object) -> int:
    line: int = mark.line  # type: ignore[attr-defined]  # a mark of the parser
    return line


def _check_secrets(recordings: Sequence[Recorded], written: str) -> None:
    """Raise ``RequestError`` where a redacted text would be written all the same."""
    for secret in _secrets(recordings):
        if secret in written:
            raise RequestError(
                "a redacted value is also part of a name (of a task, a field, the case) and would be written: "
                "give the case another --name, or record with --keep"
            )


def _secrets(recordings: Sequence[Recorded]) -> Iterator[str]:
    return (secret for recording in recordings for secret in recording.secrets)
