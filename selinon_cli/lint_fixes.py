"""``selinon lint --fix`` and ``--diff``: the fixes that findings offer, written to the files or shown.

A file is written whole or not at all, in the encoding that it has, and only while it still holds what was read. A
file that comes from stdin is printed instead.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from functools import partial
from typing import NamedTuple

from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK
from selinon_cli.output import write_bytes
from selinon_cli.render.style import GREEN, RED, styled
from selinon_cli.render.visible import counted
from selinon_cli.terminal import Terminal
from selinon_core.config.yaml.files import read_bytes
from selinon_core.diagnostics import Diagnostic
from selinon_core.lint.selection import Selection
from selinon_core.project import Project, lint_project
from selinon_core.project.fixing import FixedTexts, fix_texts

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class LintInput(NamedTuple):
    """What ``selinon lint`` is asked to look at, and which codes it is asked for."""

    files: Sequence[str]
    stdin: tuple[str, bytes] | None
    pythonpath: Sequence[str]
    import_code: bool
    select: Sequence[str]
    ignore: Sequence[str]


class _Content(NamedTuple):
    """The bytes of a file as text: the encoding, the byte order mark before it, and the text behind that."""

    encoding: str
    mark: bytes
    text: str

    def bytes_of(self, text: str) -> bytes:
        """The bytes of a file with another text."""
        return self.mark + text.encode(self.encoding)


def _content(data: bytes) -> _Content | None:
    """None for bytes that are not text."""
    mark, encoding = next(
        ((mark, encoding) for mark, encoding in _BYTE_ORDER_MARKS if data.startswith(mark)), (b"", "utf-8")
    )
    try:
        return _Content(encoding, mark, data[len(mark) :].decode(encoding))
    except UnicodeDecodeError:
        return None


def fix_files(terminal: Terminal, given: LintInput, *, unsafe: bool) -> tuple[str, bytes] | None:
    """Make the fixes in the files. What came from stdin is printed, and returned as it is now."""
    contents: dict[str, _Content] = {}
    fixed = _fixed(given, contents, unsafe)
    _say_refused(terminal, fixed)
    stdin = given.stdin
    written = 0
    for file, text in sorted(fixed.after.items()):
        data = contents[file].bytes_of(text)
        if stdin is not None and file == stdin[0]:
            stdin = (file, data)
        elif _is_unchanged(file, contents[file]):
            write_bytes(terminal, file, data)
            written += 1
        else:
            terminal.warn(f"{file} changed meanwhile, and is left as it is")
    if stdin is not None:
        write_bytes(terminal, "-", stdin[1])
    if fixed.made:
        where = f" in {counted(written, 'file')}" if written else ""
        terminal.note(f"fixed {counted(len(fixed.made), 'finding')}{where}")
    return stdin


def show_diff(terminal: Terminal, given: LintInput, *, unsafe: bool) -> int:
    """Print the changes that the fixes would make; 1 when there are any."""
    fixed = _fixed(given, {}, unsafe)
    _say_refused(terminal, fixed)
    for file, after in sorted(fixed.after.items()):
        before = fixed.before[file]
        for line in unified_diff(_lines(before), _lines(after), f"a/{file}", f"b/{file}"):
            terminal.data(_shown(line, color=terminal.color_out))
    if fixed.made:
        terminal.note(f"would fix {counted(len(fixed.made), 'finding')} in {counted(len(fixed.after), 'file')}")
    return EXIT_FINDINGS if fixed.after else EXIT_OK


def _fixed(given: LintInput, contents: dict[str, _Content], unsafe: bool) -> FixedTexts:
    """The fixes made in texts; ``contents`` gets what the files that may change hold."""
    read = partial(
        lint_project,
        given.files,
        stdin=given.stdin,
        pythonpath=given.pythonpath,
        import_code=given.import_code,
    )
    current: list[Project] = []

    def lint(texts: Mapping[str, str]) -> Project:
        project = read(texts=texts)
        current[:1] = current or [project]
        return project

    def wants(diagnostic: Diagnostic) -> bool:
        return Selection(given.select, given.ignore, current[0].settings).wants(diagnostic)

    def may_change(file: str) -> bool:
        if file not in contents:
            found = _read(file, given.stdin)
            if found is None or found.text != current[0].sources.get(file):
                return False
            contents[file] = found
        return True

    return fix_texts(lint, unsafe=unsafe, wants=wants, may_change=may_change)


def _read(file: str, stdin: tuple[str, bytes] | None) -> _Content | None:
    """What a file holds; None where it cannot be read or changed."""
    if stdin is not None:
        return _content(stdin[1]) if file == stdin[0] else None  # only what came is given back
    try:
        return _content(read_bytes(file)) if os.path.isfile(file) else None
    except OSError:
        return None


def _is_unchanged(file: str, content: _Content) -> bool:
    try:
        return read_bytes(file) == content.bytes_of(content.text)
    except OSError:
        return False


def _say_refused(terminal: Terminal, fixed: FixedTexts) -> None:
    for offer, errors in fixed.refused:
        place, fix = offer.diagnostic.span.place, offer.fix
        more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
        terminal.warn(
            f"{place}: {offer.diagnostic.code} is not fixed ({fix.title}): it would be {errors[0]}{more}"
        )


def _lines(text: str) -> list[str]:
    """Lines with their ends; a last line without one gets the note that diffs have for it."""
    *lines, last = text.split("\n")
    ended = [f"{line}\n" for line in lines]
    return [*ended, f"{last}\n\\ No newline at end of file\n"] if last else ended


def _shown(line: str, *, color: bool) -> str:
    style = GREEN if line.startswith("+") else RED if line.startswith("-") else ""
    if not style or not color:
        return line
    return styled(line.rstrip("\n"), style, color) + "\n"
