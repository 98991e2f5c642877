"""Fresh virtual environments with the wheel of this repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import services

ROOT = Path(__file__).parents[2]


def clean_environment(**more: str) -> dict[str, str]:
    """The process's environment without what leads to this repository's own modules and settings."""
    left_out = ("PYTHON", "SELINON_", "PRE_COMMIT", "GIT_", "VIRTUAL_ENV", "COV_")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)} | more


def call(*words: str | Path, cwd: Path, env: dict[str, str], code: int = 0) -> str:
    """Run a program that is expected to end with ``code``; returns what it says on stdout and stderr."""
    done = subprocess.run(
        words,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    said = done.stdout.decode(errors="replace")
    assert done.returncode == code, said
    return said


def build_wheel(directory: Path, env: dict[str, str]) -> Path:
    """Build the wheel of this repository into a directory."""
    words = ("-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", directory, ROOT)
    call(sys.executable, *words, cwd=directory, env=env)
    (wheel,) = directory.glob("selinon-*.whl")
    return wheel


def new_environment(directory: Path, env: dict[str, str]) -> Path:
    """Make a virtual environment with nothing but pip; returns the directory of its programs."""
    call(sys.executable, "-m", "venv", directory, cwd=directory.parent, env=env)
    return directory / "bin"


def need_package_index(env: dict[str, str], cwd: Path) -> None:
    """Skip the test where nothing can be installed, or fail with ``SELINON_REQUIRE_SERVICES=1``."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", cwd / "index", "hatchling"],
        cwd=cwd,
        env=env,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        reason = f"needs a package index: {done.stderr.decode(errors='replace').strip()[-200:]}"
        if services.required():
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
