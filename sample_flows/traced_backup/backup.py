"""Checksums of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from selinon_core import SelinonTask

FILES = Path(__file__).with_name("files")


class ListFiles(SelinonTask):
    def run(self, node_args) -> list[str]:
        return sorted(file.name for file in FILES.iterdir())


class Checksum(SelinonTask):
    def run(self, file: str) -> str:
        return hashlib.sha256((FILES / file).read_bytes()).hexdigest()[:12]
