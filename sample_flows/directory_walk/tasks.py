"""Counts the words of all text files below a directory, one flow run per directory."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from selinon_core import SelinonTask

HERE = Path(__file__).parent


class Entries(TypedDict):
    files: list[str]
    directories: list[str]


class ListDirectory(SelinonTask):
    """Returns the text files and the directories of a directory."""

    def run(self, *, directory: str) -> Entries:
        entries = sorted((HERE / directory).iterdir())
        return {
            "files": [f"{directory}/{entry.name}" for entry in entries if entry.suffix == ".txt"],
            "directories": [f"{directory}/{entry.name}" for entry in entries if entry.is_dir()],
        }


class CountWords(SelinonTask):
    def run(self, file: str) -> int:
        return len((HERE / file).read_text(encoding="utf-8").split())
