"""Checksums of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from selinon_core import SelinonTask

FILES = Path(__file__).with_name("files")


class ListFiles(SelinonTask):
    def run(self, node_args):
        return sorted(file.name for file in FILES.iterdir())


def files(storage_pool, node_args):
    return storage_pool.get("ListFiles")


class Checksum(SelinonTask):
    def run(self, file):
        return hashlib.sha256((FILES / file).read_bytes()).hexdigest()[:12]
