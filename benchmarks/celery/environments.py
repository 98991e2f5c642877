"""Environments of their own for peers: made once, in ``.benchmarks``.

The original selinon 1.4.0 needs one as both packages have the same name; DBOS uses this interpreter if it has it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
PLACE = HERE.parents[1] / ".benchmarks"
ORIGINAL = PLACE / "original"
_ORIGINAL_VERSIONS = """
import celery, redis, selinon.version
print(f"selinon {selinon.version.selinon_version}, Celery {celery.__version__}")
"""
_DBOS_VERSIONS = """
import dbos, importlib.metadata
print(f"DBOS {importlib.metadata.version('dbos')}")
"""


def original(directory: Path) -> str:
    """The Python in ``directory`` that has the original; raises ``RuntimeError`` when it cannot be set up."""
    return _python(directory, _ORIGINAL_VERSIONS, "selinon==1.4.0", "celery[redis]>=5.7,<6")


def dbos() -> str:
    """A Python that has DBOS; raises ``RuntimeError`` when it cannot be set up."""
    return sys.executable if find_spec("dbos") else _python(PLACE / "dbos", _DBOS_VERSIONS, "dbos>=3.4,<4")


def isolated() -> dict[str, str]:
    """The environment variables of its processes: they see the modules beside this file, not those above."""
    return {**os.environ, "PYTHONPATH": str(HERE)}


def _python(directory: Path, versions: str, *requirements: str) -> str:
    python = str(directory.absolute() / "bin" / "python")
    if not (Path(python).exists() and _succeeds(python, "-c", versions)):
        print(f"  installing {' '.join(requirements)} into {directory}", file=sys.stderr)
        _do(sys.executable, "-m", "venv", str(directory))
        _do(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *requirements)
    print(f"  {_do(python, '-c', versions).strip()}", file=sys.stderr)
    return python


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, cwd=HERE, env=isolated(), capture_output=True).returncode == 0


def _do(*command: str) -> str:
    done = subprocess.run(command, cwd=HERE, env=isolated(), capture_output=True, text=True)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise RuntimeError(f"cannot be set up: {lines[-1] if lines else done.returncode}")
    return done.stdout
