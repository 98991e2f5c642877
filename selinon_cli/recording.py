"""Recording runs for a command: cases are made, verified, and written to a file or to stdout."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from selinon_cli.exits import EXIT_FINDINGS, EXIT_OK, UsageError
from selinon_cli.output import check_target, write_text
from selinon_cli.terminal import Terminal
from selinon_core.config.yaml.files import display_name
from selinon_core.diagnostics.wording import listed
from selinon_core.errors import RequestError, SelinonException
from selinon_core.recording.recorder import Differs, Recorded, Recorder, RecordingOptions
from selinon_core.recording.run_data import RecordedRun
from selinon_core.testing.collection import SUFFIXES

if TYPE_CHECKING:
    from selinon_core.plan import Plan

#: How many differences, and missing parts, are printed.
_MOST = 10


class Target(NamedTuple):
    """Where cases are written (``-``: stdout), how they are called, and whether only distinct ones are."""

    file: str = "-"
    name: str | None = None
    distinct: bool = False


def check_case_file(file: str) -> None:
    """Raise ``UsageError`` for a file that ``selinon test`` would not find, or that cannot be written."""
    if file == "-":
        return
    if not file.endswith(SUFFIXES):
        raise UsageError(
            f"{file} does not have the name of a case file",
            f"end it with {SUFFIXES[0]}: selinon test looks for it",
        )
    check_target(file)


def record_runs(
    terminal: Terminal,
    plan: Plan,
    pythonpath: Sequence[str],
    runs: Iterable[RecordedRun],
    target: Target,
    options: RecordingOptions,
) -> int:
    """Record runs; 1 when one of them cannot be. What can be is written all the same."""
    file = "recorded.flowtest.yaml" if target.file == "-" else display_name(target.file)
    recorder = Recorder(plan, tuple(pythonpath), os.getcwd())
    found: list[Recorded] = []
    failed, taken = 0, set[str]()
    for run in runs:
        name = _unused(target.name or _name_of(run), taken)
        try:
            found.append(recorder.record(run, name, file, options))
        except Differs as error:
            failed += 1
            terminal.error(f"{error}; it is not recorded")
            _print(terminal, map(str, error.differences))
        except SelinonException as error:
            failed += 1
            terminal.error(str(error) if str(error).startswith(run.name) else f"{run.name}: {error}")
        else:
            taken.add(name)
    number = len(found)
    if target.distinct:
        from selinon_core.recording.distinct import distinct

        found = distinct(found)
    if found and not _write(terminal, plan, recorder, found, file, target, options):
        return EXIT_FINDINGS
    if found:
        _summary(terminal, found, number, target)
    return EXIT_FINDINGS if failed or not found else EXIT_OK


def _write(
    terminal: Terminal,
    plan: Plan,
    recorder: Recorder,
    found: Sequence[Recorded],
    file: str,
    target: Target,
    options: RecordingOptions,
) -> bool:
    from selinon_core.recording.case_text import text_with

    before = ""
    if target.file != "-" and os.path.exists(target.file):
        try:
            with open(target.file, encoding="utf-8", newline="") as existing:
                before = existing.read()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read {target.file}: {error}") from None
    try:
        text = text_with(found, before, file, plan, recorder, verify=options.verify)
    except RequestError as error:
        terminal.error(str(error))
        return False
    write_text(terminal, target.file, text)
    return True


def _summary(terminal: Terminal, found: Sequence[Recorded], number: int, target: Target) -> None:
    for recorded in found:
        if recorded.missing:
            less = "" if recorded.is_whole else " and the case expects only that nodes run,"
            terminal.warn(f'"{recorded.case.name}": the recording does not have all,{less} what is missing:')
            _print(terminal, recorded.missing)
    left_out = f" of {number} runs, the others cover nothing else" if number > len(found) else ""
    cases = "1 case" if len(found) == 1 else f"{len(found)} cases"
    where = "" if target.file == "-" else f" in {display_name(target.file)}"
    terminal.note(f"recorded {cases}{where}{left_out}")


def _print(terminal: Terminal, texts: Iterable[str]) -> None:
    lines = list(texts)
    for line in lines[:_MOST]:
        terminal.err.write(f"  {line}\n")
    if len(lines) > _MOST:
        terminal.err.write(f"  ... and {len(lines) - _MOST} more\n")


def _name_of(run: RecordedRun) -> str:
    """What a case is called that was not given a name: how the run ended, and which one it was."""
    root = run.view.root
    failed = dict.fromkeys(record.run.name for record in run.view.records if record.run.status == "failure")
    ended = "succeeded" if root.outcome is not None and root.outcome.succeeded else "failed"
    of = f" after {listed(list(failed)[:3])} failed" if failed else ""
    return f"{root.flow.name} {ended}{of}, run {root.id[:8]}"


def _unused(name: str, taken: set[str]) -> str:
    return next(each for each in (name, *(f"{name} ({n})" for n in range(2, len(taken) + 3))) if each not in taken)
