"""Programs that turn DOT text into pictures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from selinon_core.errors import MissingExtraError, RequestError

#: Overrides the search, as ``engine`` does.
ENGINE_VARIABLE = "SELINON_GRAPH_ENGINE"
#: Formats that need an engine; the bundled one knows all but pdf.
ENGINE_FORMATS = ("svg", "png", "pdf")

_BUNDLED = "graphviz-pure"
_SECONDS = 300
_DPI = {"png": 120}


def find_engine(image_format: str, engine: str | None = None) -> str:
    """Return the program to run for a format.

    ``engine`` (a name on PATH or a path), else the environment variable, else the bundled ``graphviz-pure``, else
    ``dot`` on PATH; pdf is known to ``dot`` alone. Raises ``MissingExtraError`` with what to install.
    """
    wanted = engine or os.environ.get(ENGINE_VARIABLE)
    if wanted:
        found = _bundled() if wanted == _BUNDLED else shutil.which(wanted)
        if found is None:
            raise MissingExtraError(f"the graph engine {wanted!r} is not installed or not on PATH")
        return found
    found = (_bundled() if image_format != "pdf" else None) or shutil.which("dot")
    if found is None:
        what = "'dot'" if image_format == "pdf" else "'graphviz-pure' or 'dot'"
        install = (
            "install Graphviz (for example: apt install graphviz)"
            if image_format == "pdf"
            else "pip install graphviz-pure, or install Graphviz (for example: apt install graphviz)"
        )
        raise MissingExtraError(
            f"{image_format} needs {what}, which is not there: {install}; "
            "the formats dot, mermaid, json and ascii need no engine"
        )
    return found


def render(dot: str, image_format: str, engine: str | None = None) -> bytes:
    """Return the picture of a DOT text.

    Raises ``MissingExtraError`` without an engine and ``RequestError`` if it fails.
    """
    program = find_engine(image_format, engine)
    command = [program, "-q", f"-T{image_format}"]
    if image_format in _DPI:
        command.append(f"-Gdpi={_DPI[image_format]}")
    name = Path(program).name
    try:
        done = subprocess.run(  # noqa: S603  # the program is the user's choice, the text goes to its stdin
            command, input=dot.encode(), capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise RequestError(f"{name} did not draw the graph within {_SECONDS} s") from error
    except OSError as error:
        raise RequestError(f"cannot run {program}: {error.strerror or error}") from error
    if done.returncode or not done.stdout:
        stderr_lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = stderr_lines[0] if stderr_lines else f"exit {done.returncode}"
        raise RequestError(f"{name} could not draw {image_format}: {reason}")
    return done.stdout


def _bundled() -> str | None:
    """The wheel's program lies beside the interpreter, which need not be on PATH."""
    places = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]
    return shutil.which(_BUNDLED, path=os.pathsep.join(places)) or shutil.which(_BUNDLED)
