"""Commands on a page are run, and what they print is put under them.

A page takes part from its first ``<!-- session: NAME -->`` on. Each such line begins a new working directory: a
copy of that directory of the repository if there is one, else an empty one of that name. Below it

- a code block after ``<!-- file: PATH -->`` is written to that file, after ``<!-- append: PATH -->`` added to it,
- ``<!-- run: COMMAND -->`` runs a command that the page does not show,
- every line ``$ COMMAND`` of a ``console`` block is run by bash, and the lines up to the next command are what it
  prints on stdout and stderr together. A command goes on over lines that begin with ``> ``. Its exit code is 0, or
  what ``<!-- exit: N -->`` before the block says of the last command in it. A block without such
  lines, and one after ``<!-- not run -->``, is left alone.

What differs from run to run, and the lines that tell progress where there is no terminal, are made the same.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

_STEP = re.compile(
    r"^<!-- session: (?P<session>\S+) -->$"
    r"|^<!-- run: (?P<run>[^\n]+) -->$"
    r"|^<!-- (?P<write>file|append): (?P<path>\S+) -->\n```\w*\n(?P<content>.*?)^```$"
    r"|(?:^<!-- (?:exit: (?P<exit>\d+)|(?P<skip>not run)) -->\n)?^```console\n(?P<console>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)

#: What is different every time, and what is put in its place.
_VARYING = (
    (re.compile(r"\b[\d.]+ s real"), "0.01 s real"),
    (re.compile(r'"real_seconds": [\d.e-]+'), '"real_seconds": 0.001'),
    (re.compile(r"\bin \d+\.\d\ds\b"), "in 0.10s"),
)
#: What runs of a sample leave in its directory.
_LEFT_BEHIND = shutil.ignore_patterns("__pycache__", "results", "*.svg", "last-run.json", "events.jsonl")
#: Told where there is no terminal to draw the tree of a run on.
_PROGRESS = re.compile(r"^\[ *\d+\.\d{3}\] .*\n", re.MULTILINE)


_WHO_COMMITS = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")


class Shell(NamedTuple):
    """Where commands are run. ``home`` holds the working directories, and in ``bin`` what commands may call."""

    home: Path

    def directory(self, name: str) -> Path:
        """A new working directory."""
        given = ROOT / name
        target = self.home / Path(name).name
        if target.exists():
            shutil.rmtree(target)
        if given.is_dir():
            shutil.copytree(given, target, ignore=_LEFT_BEHIND)
        else:
            target.mkdir()
        return target

    def run(self, command: str, directory: Path) -> tuple[int, str]:
        """The exit code of a command and what it prints, without what varies."""
        done = subprocess.run(  # noqa: S603
            ["/bin/bash", "-c", command],
            cwd=directory,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            text=True,
        )
        return done.returncode, self._steady(done.stdout)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self._programs()}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NO_COLOR": "1",
            "COLUMNS": "100",
            "LANG": "C.UTF-8",
            **dict.fromkeys(_WHO_COMMITS, "ada@example.org"),
        }

    def _programs(self) -> Path:
        programs = self.home / "bin"
        if not programs.exists():
            programs.mkdir()
            for name, module in (("selinon", "-m selinon_cli"), ("pytest", "-m pytest"), ("python", "")):
                file = programs / name
                file.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n', encoding="utf-8")
                file.chmod(0o755)
        return programs

    def _steady(self, printed: str) -> str:
        printed = _PROGRESS.sub("", printed)
        printed = printed.replace(str(self.home), "/home/ada").replace(str(ROOT), "/home/ada/selinon")
        for pattern, instead in _VARYING:
            printed = pattern.sub(instead, printed)
        return "".join(line.rstrip() + "\n" for line in printed.splitlines())


class WrongExitCode(Exception):
    """Raised when a command on a page does not end as the page says."""


def with_real_output(page: str, home: Path) -> str:
    """The page with what its commands print now; ``home`` is an empty directory. Raises ``WrongExitCode``."""
    shell = Shell(home)
    directory: Path | None = None
    parts = []
    end = 0
    for match in _STEP.finditer(page):
        parts.append(page[end : match.start()])
        end = match.end()
        text = match[0]
        if match["session"]:
            directory = shell.directory(match["session"])
        elif directory is not None and match["run"]:
            _expect(0, *shell.run(match["run"], directory), match["run"])
        elif directory is not None and match["write"]:
            _write(directory / match["path"], match["content"], "a" if match["write"] == "append" else "w")
        elif directory is not None and match["console"] and not match["skip"]:
            before, _, _ = text.partition("```console\n")
            text = f"{before}```console\n{_answered(match, shell, directory)}```"
        parts.append(text)
    return "".join([*parts, page[end:]])


def _write(file: Path, content: str, mode: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, mode, encoding="utf-8") as opened:
        opened.write(content)


def _answered(match: re.Match[str], shell: Shell, directory: Path) -> str:
    commands = list(_commands(match["console"]))
    if not commands:  # words to type, without a prompt
        return match["console"]
    lines = []
    for number, command in enumerate(commands, 1):
        code, printed = shell.run(command.replace("\n> ", "\n"), directory)
        _expect(int(match["exit"] or 0) if number == len(commands) else 0, code, printed, command)
        lines.append(f"$ {command}\n{printed}")
    return "".join(lines)


def _commands(block: str) -> Iterator[str]:
    """The commands of a block; a command goes on over lines that begin with ``> ``."""
    command = ""
    for line in block.splitlines():
        if command and line.startswith("> "):
            command += "\n" + line
            continue
        if command:
            yield command
        command = line[2:] if line.startswith("$ ") else ""
    if command:
        yield command


def _expect(expected: int, code: int, printed: str, command: str) -> None:
    if code != expected:
        raise WrongExitCode(f"exit code {code} instead of {expected}: {command}{os.linesep}{printed}")
