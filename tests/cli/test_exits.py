"""What the command line does with everything that can go wrong."""

from __future__ import annotations

import errno
import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from selinon_cli.exits import (
    EXIT_BUG,
    EXIT_FINDINGS,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    CommandExit,
    UsageError,
    run_guarded,
)
from selinon_cli.terminal import Terminal
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.diagnostics.location import Span
from selinon_core.errors import (
    ConfigurationError,
    MissingExtraError,
    StorageError,
    UnexpectedEvent,
    UnknownFlowError,
)
from tests.cli.conftest import Cli

ROOT = Path(__file__).resolve().parents[2]


def outcome(action: Callable[[], int]) -> tuple[int, str]:
    out, err = io.StringIO(), io.StringIO()
    code = run_guarded(Terminal(out, err, environment={}), ["lint", "x"], action)
    assert out.getvalue() == ""
    return code, err.getvalue()


def raising(error: BaseException) -> Callable[[], int]:
    def action() -> int:
        raise error

    return action


DIAGNOSTIC = Diagnostic("SEL201", Severity.ERROR, "unknown node", Span("f.yaml", 2, 3, 2, 5))


@pytest.mark.parametrize(
    ("error", "code", "stderr"),
    [
        (UsageError("no", "do this"), EXIT_USAGE, "error: no\n  do this\n"),
        (CommandExit(1), 1, ""),
        (UnknownFlowError("no flow of that name"), EXIT_USAGE, "error: no flow of that name\n"),
        (MissingExtraError("install it"), EXIT_USAGE, "error: install it\n"),
        (StorageError("cannot connect"), EXIT_FINDINGS, "error: cannot connect\n"),
        (StorageError(), EXIT_FINDINGS, "error: StorageError\n"),
        (
            ConfigurationError("cannot be loaded", (DIAGNOSTIC,)),
            EXIT_FINDINGS,
            "f.yaml:2:3: error[SEL201]: unknown node\nerror: cannot be loaded\n",
        ),
        (FileNotFoundError(2, "No such file", "a.json"), EXIT_USAGE, "error: a.json: No such file\n"),
        (KeyboardInterrupt(), EXIT_INTERRUPTED, "selinon: interrupted\n"),
        (OSError(errno.ENOSPC, "No space left"), EXIT_USAGE, "error: cannot write the output: No space left\n"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), EXIT_FINDINGS, ""),
    ],
)
def test_what_users_read_on_stderr(error: BaseException, code: int, stderr: str) -> None:
    assert outcome(raising(error)) == (code, stderr)


def test_what_only_code_of_the_project_raises_is_told_in_a_line() -> None:
    code, told = outcome(raising(GeneratorExit("of theirs")))
    assert code == EXIT_FINDINGS
    assert told.startswith("error: code of the project ended the command: GeneratorExit: of theirs (")
    assert told.count("\n") == 1


@pytest.mark.parametrize("error", [TypeError("unexpected"), UnexpectedEvent("no"), OSError("odd")])
def test_a_bug_of_ours_leaves_a_log_to_attach(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("SECRET", "hunter2")
    code, told = outcome(raising(error))
    assert code == EXIT_BUG
    assert "this is a bug in selinon" in told
    assert "Traceback" not in told
    (named,) = re.findall(r"attach (\S+)", told)
    log = Path(named).read_text()
    assert "Traceback (most recent call last)" in log
    assert "arguments ['lint', 'x']" in log
    assert "hunter2" not in log


ROOT = Path(__file__).parents[2]


def start(*words: str, **more: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "selinon_cli", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        **more,
    )


def test_a_reader_that_goes_away(shop: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start("schema", stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    _, err = process.communicate()
    assert err == b""
    assert process.returncode == EXIT_FINDINGS


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("words", [("lint",), ("graph", "-o", "-"), ("inspect",), ("watch",), ("new", "shop")])
def test_a_working_directory_that_was_removed(tmp_path: Path, words: tuple[str, ...]) -> None:
    script = f'rmdir "$PWD" && exec {sys.executable} -m selinon_cli {" ".join(words)}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (EXIT_USAGE, "")
    assert "error: the working directory is not there any more\n" in done.stderr


def test_what_cannot_be_written_is_called_by_its_name(
    shop: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(shop / ".selinon-x"))

    monkeypatch.setattr("tempfile.mkstemp", refused)
    ran = cli("graph", "--flow", "order", "--format", "dot", "-o", "order.dot")
    assert (ran.code, ran.err) == (EXIT_USAGE, "error: order.dot: Permission denied\n")


def test_a_full_disk(shop: Path) -> None:
    with open("/dev/full", "wb") as full:
        process = start("schema", stdout=full, stderr=subprocess.PIPE)
        _, err = process.communicate()
    assert err == b"error: cannot write the output: No space left on device\n"
    assert process.returncode == EXIT_USAGE


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", ">&- 2>&-"])
@pytest.mark.parametrize("words", ["lint", "lint --import", "schema", "nonsense"])
def test_closed_streams_are_no_bug(shop: Path, closed: str, words: str) -> None:
    process = subprocess.run(
        f'"{sys.executable}" -m selinon_cli {words} {closed}',
        shell=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.returncode == (EXIT_USAGE if words == "nonsense" else 0)
    assert "Traceback" not in process.stderr
    assert "bug" not in process.stderr


def test_control_c_in_a_task(shop: Path) -> None:
    (shop / "shop.py").write_text(
        "import signal, sys\n"
        "class Charge:\n"
        "    def __init__(self, **names): pass\n"
        "    def run(self, node_args):\n"
        "        print('running', flush=True)\n"
        "        signal.pause()\n"
    )
    process = start("run", "--local", stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=shop)
    assert process.stderr is not None
    while b"running" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == EXIT_INTERRUPTED
    assert b"Traceback" not in err
    assert b"Charge" in out, "the summary of what ran so far"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("lnt",), "Did you mean 'lint'?"),
        (("lint", "--strickt"), "did you mean --strict?"),
        (("run", "--local", "--flow", "oder"), 'did you mean "order"?'),
        (("run", "--local", "--fail", "Chrage"), 'did you mean "Charge"?'),
        (("run", "--local", "--mock", "Shipp=1"), 'did you mean "Ship"?'),
        (("run", "--local", "--real-storage", "Leger"), 'did you mean "Ledger"?'),
        (("run", "--local", "--select", "Chip"), 'did you mean "Ship"?'),
        (("lint", "--format", "yaml"), "'yaml' is not one of 'text', 'json', 'sarif', 'github'"),
        (("run", "--concurrency", "none"), "--concurrency"),
        (("lint", "--format"), "--format"),
        (("schema", "too", "much"), "too"),
        (("run", "--local", "--detach"), "--detach"),
        (("run", "--local", "--key", "order-7"), "--key"),
    ],
)
def test_wrong_use(shop: Path, cli: Cli, words: tuple[str, ...], hint: str) -> None:
    ran = cli(*words)
    assert ran.code == EXIT_USAGE
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert hint in ran.err
    assert "Traceback" not in ran.err


def test_no_command_shows_what_there_is_and_is_wrong_use(cli: Cli) -> None:
    ran = cli()
    assert ran.code == EXIT_USAGE
    assert "lint" in ran.out


@pytest.mark.parametrize("words", [("--version",), ("lint", "--version"), ("run", "--local", "--version")])
def test_version(cli: Cli, words: tuple[str, ...]) -> None:
    from selinon_core.version import __version__

    assert cli(*words) == (0, f"selinon {__version__}\n", "")


@pytest.mark.parametrize("program", ["selinon", "selinon-cli"])
def test_help_names_every_option(cli: Cli, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from selinon_cli.registry import SELINON, SELINON_CLI, load_command

    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERMINAL_WIDTH", "200")
    registry = SELINON if program == "selinon" else SELINON_CLI
    ran = cli("--help", program=program)
    assert ran.code == 0
    for name in registry.commands:
        assert name in ran.out
        told = cli(name, "--help", program=program)
        assert told.code == 0
        for option in load_command(registry, name).parameters():
            assert all(flag in told.out for flag in option.flags)


def test_nothing_is_printed_but_ascii_safe_text_where_the_stream_is_ascii(shop: Path) -> None:
    (shop / "flows" / "order.yaml").write_text("tasks: [größe, {")
    process = subprocess.run(
        [sys.executable, "-m", "selinon_cli", "lint"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"},
    )
    assert process.returncode == EXIT_FINDINGS
    assert b"gr\\xf6\\xdfe" in process.stdout
    assert process.stderr == b""
