"""Commands on a page are run, and what they print is put under them.

A page takes part from its first block of console lines that changes the directory on (``$ cd ~/selinon/...``,
``$ mkdir shop && cd shop``). Readers see every step: nothing else is done than what the page shows. From there on

- a code block below a line that is only a file's name (``**`tasks.py`**``) is written to that file, below
  ``**`tasks.py`**, added at the end`` added to it,
- every line ``$ COMMAND`` of a ``console`` block is run by bash, and the lines up to the next command are what it
  prints on stdout and stderr together. A command goes on over lines that begin with ``> ``. Its exit code is 0, or
  what ``<!-- exit: N -->`` before the block says of the last command in it. A block without such
  lines, and one after ``<!-- not run -->``, is left alone.

The reader is Ada. Her home directory is ``/home/ada``, and her clone of this repository, without changes,
``~/selinon``. What differs from run to run is replaced. Lines of progress, which a terminal does not keep, are
left out.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

_STEP = re.compile(
    r"^\*\*`(?P<path>[^`\n]+)`\*\*(?P<append>, added at the end)?\n\n```\w*\n(?P<content>.*?)^```$"
    r"|(?:^<!-- (?:exit: (?P<exit>\d+)|(?P<skip>not run)) -->\n)?^```console\n(?P<console>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
#: The command that begins a session.
_CHANGES_DIRECTORY = re.compile(r"^\$ (?:mkdir \S+ && )?cd ", re.MULTILINE)
#: What pages use of the repository.
_CLONED = ("sample_flows", "docs/moving", "pyproject.toml")

#: What is different every time, and what is put in its place.
_VARYING = (
    (re.compile(r"\b[\d.]+ s real"), "0.01 s real"),
    (re.compile(r"; \d+/s$", re.MULTILINE), "; 400/s"),
    (re.compile(r'"real_seconds": [\d.e-]+'), '"real_seconds": 0.001'),
    (re.compile(r"\bin \d+\.\d\ds\b"), "in 0.10s"),
    (re.compile(r"\bin \d+\.\d\d s\b"), "in 0.01 s"),
    (re.compile(r'"seconds": [\d.e-]+'), '"seconds": 0.001'),
    (re.compile(r"\bselinon at file:///[^\s:]+"), "selinon at file:///home/ada/selinon"),
)
#: What runs of a sample leave in its directory.
_LEFT_BEHIND = shutil.ignore_patterns(
    "__pycache__", ".selinon", "results", "*.svg", "last-run.json", "events.jsonl"
)
#: Printed where there is no terminal to draw the tree of a run on.
_PROGRESS = re.compile(r"^\[ *\d+\.\d{3}\] .*\n", re.MULTILINE)


_WHO_COMMITS = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")


class Shell:
    """Runs commands as one shell would: each begins in the directory where the one before it ended.

    ``home`` is an empty directory, which gets a clone of this repository. Programs that commands may call are put
    in ``bin``; ``selinon`` is one that takes the place of the command line.
    """

    def __init__(self, home: Path, selinon: Path | None = None) -> None:
        self.home = home
        self._selinon = selinon
        self.directory = home
        for name in _CLONED:
            source, target = ROOT / name, home / "selinon" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=_LEFT_BEHIND)
            else:
                shutil.copy(source, target)
        self._programs = self._make_programs()
        self.run("cd selinon && git init -q . && git add . && git commit -qm first")
        self.directory = home

    def run(self, command: str) -> tuple[int, str]:
        """The exit code of a command and what it prints, without what varies."""
        where = self.home / ".directory"
        done = subprocess.run(  # noqa: S603
            ["/bin/bash", "-c", f"trap 'pwd > {shlex.quote(str(where))}' EXIT\n{command}"],
            cwd=self.directory,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            text=True,
        )
        self.directory = Path(where.read_text(encoding="utf-8").strip())
        return done.returncode, self._steady(done.stdout)

    def write(self, path: str, content: str, *, append: bool) -> None:
        """Write what a block holds to a file, or add it at the end."""
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "a" if append else "w", encoding="utf-8") as opened:
            opened.write(content)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self._programs}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NO_COLOR": "1",
            "COLUMNS": "100",
            "LANG": "C.UTF-8",
            **_pytest_plugin(),
            **dict.fromkeys(_WHO_COMMITS, "ada@example.org"),
        }

    def _make_programs(self) -> Path:
        programs = self.home / "bin"
        programs.mkdir()
        for name, module in (("selinon", "-m selinon_cli"), ("pytest", "-m pytest"), ("python", "")):
            file = programs / name
            file.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n', encoding="utf-8")
            file.chmod(0o755)
        if self._selinon is not None:
            (programs / "selinon").unlink()
            (programs / "selinon").symlink_to(self._selinon)
        return programs

    def _steady(self, printed: str) -> str:
        printed = _PROGRESS.sub("", printed)
        printed = printed.replace(str(self.home), "/home/ada").replace(str(ROOT), "/home/ada/selinon")
        for pattern, instead in _VARYING:
            printed = pattern.sub(instead, printed)
        return "".join(line.rstrip() + "\n" for line in printed.splitlines())


def _pytest_plugin() -> dict[str, str]:
    """What lets pytest find our plugin where selinon is not installed, or an older one is."""
    from importlib.metadata import entry_points

    if any(found.name == "selinon" for found in entry_points(group="pytest11")):
        return {}
    return {"PYTEST_PLUGINS": "selinon_core.pytest_plugin"}


class WrongExitCode(Exception):
    """Raised when a command on a page does not end as the page says."""


def takes_part(page: str) -> bool:
    """Whether any command of a page is run."""
    return any(_begins_session(match) for match in _STEP.finditer(page))


def with_real_output(page: str, home: Path, selinon: Path | None = None) -> str:
    """The page with what its commands print now; raises ``WrongExitCode``.

    ``home`` is an empty directory, ``selinon`` a program that takes the place of the command line.
    """
    shell: Shell | None = None
    parts = []
    end = 0
    for match in _STEP.finditer(page):
        parts.append(page[end : match.start()])
        end = match.end()
        text = match[0]
        if shell is None and _begins_session(match):
            shell = Shell(home, selinon)
        if shell is not None and match["path"]:
            shell.write(match["path"], match["content"], append=match["append"] is not None)
        elif shell is not None and match["console"] and not match["skip"]:
            before, _, _ = text.partition("```console\n")
            text = f"{before}```console\n{_answered(match, shell)}```"
        parts.append(text)
    return "".join([*parts, page[end:]])


def _begins_session(match: re.Match[str]) -> bool:
    return bool(match["console"] and not match["skip"] and _CHANGES_DIRECTORY.search(match["console"]))


def _answered(match: re.Match[str], shell: Shell) -> str:
    commands = list(_commands(match["console"]))
    if not commands:  # words to type, without a prompt
        return match["console"]
    lines = []
    for number, command in enumerate(commands, 1):
        code, printed = shell.run(command.replace("\n> ", "\n"))
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
