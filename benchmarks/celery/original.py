"""The original selinon 1.4.0: an environment of its own, made once, as both packages have the same name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENT = HERE.parents[1] / ".benchmarks" / "original"
REQUIREMENTS = ("selinon==1.4.0", "celery[redis]>=5.7,<6")
_TELL = """
import celery, redis, selinon.version
print(f"selinon {selinon.version.selinon_version}, Celery {celery.__version__}")
"""


def interpreter(directory: Path) -> Path:
    """The Python in ``directory`` that has the original; raises ``RuntimeError`` when it cannot be set up."""
    python = directory.absolute() / "bin" / "python"
    if not (python.exists() and _succeeds(str(python), "-c", _TELL)):
        print(f"  installing {' '.join(REQUIREMENTS)} into {directory}", file=sys.stderr)
        _do(sys.executable, "-m", "venv", str(directory))
        _do(str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *REQUIREMENTS)
    print(f"  original: {_do(str(python), '-c', _TELL).strip()}", file=sys.stderr)
    return python


def isolated() -> dict[str, str]:
    """The environment variables of its processes: they see the modules beside this file, not those above."""
    return {**os.environ, "PYTHONPATH": str(HERE)}


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, cwd=HERE, env=isolated(), capture_output=True).returncode == 0


def _do(*command: str) -> str:
    done = subprocess.run(command, cwd=HERE, env=isolated(), capture_output=True, text=True)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise RuntimeError(f"cannot be set up: {lines[-1] if lines else done.returncode}")
    return done.stdout
