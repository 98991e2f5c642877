"""The file ``.selinon/coverage.json``: read, merged and replaced whole, whichever processes write to it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from selinon_core.covering.data import CoverageData
from selinon_core.errors import RequestError

#: Where tests leave what they covered, below the root of a project.
DATA_FILE = os.path.join(".selinon", "coverage.json")


def read_data(path: str) -> CoverageData:
    """Read a file; ``RequestError`` names it and what is wrong, with the line where JSON ends to be JSON."""
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except json.JSONDecodeError as error:
        raise RequestError(
            f"{path}:{error.lineno}:{error.colno}: not JSON ({error.msg}); selinon test --cover writes a new one"
        ) from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"{path} is not a JSON file ({error}); selinon test --cover writes a new one") from None
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or error}") from None
    return CoverageData.from_json(value, path)


def update_data(path: str, data: CoverageData) -> None:
    """Write data into a file, or add it to what the same session has written there; atomic over processes.

    Data of another session, and a file that cannot be read, are replaced.
    """
    directory = os.path.dirname(path)
    try:
        os.makedirs(directory or ".", exist_ok=True)
        with _locked(path + ".lock"):
            merged = data
            if data.session and os.path.exists(path):
                try:
                    before = read_data(path)
                except RequestError:
                    before = CoverageData()
                if before.session == data.session:
                    before.merge(data)
                    merged = before
            _replace(path, json.dumps(merged.to_json(), separators=(",", ":"), ensure_ascii=False))
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror or error}") from None


def _replace(path: str, text: str) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".coverage-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text + "\n")
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@contextmanager
def _locked(path: str) -> Iterator[None]:
    """Hold a lock that other processes wait for; it ends with the process that holds it."""
    with open(path, "a+b") as file:
        try:
            import fcntl
        except ImportError:  # Windows
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined]
            try:
                yield
            finally:
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]
            return
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
