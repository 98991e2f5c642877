"""Counts the words of all text files below a directory, one flow run per directory."""

from __future__ import annotations

from pathlib import Path

from selinon_core import SelinonTask

HERE = Path(__file__).parent


class ListDirectory(SelinonTask):
    """Returns the files and directories of a directory, by default of ``tree``."""

    def run(self, directory):
        directory = directory or "tree"
        entries = sorted((HERE / directory).iterdir())
        return {
            "files": [f"{directory}/{entry.name}" for entry in entries if entry.suffix == ".txt"],
            "directories": [f"{directory}/{entry.name}" for entry in entries if entry.is_dir()],
        }


def files(storage_pool, node_args):
    return storage_pool.get("ListDirectory")["files"]


def directories(storage_pool, node_args):
    return storage_pool.get("ListDirectory")["directories"]


class CountWords(SelinonTask):
    def run(self, file):
        return len((HERE / file).read_text(encoding="utf-8").split())


class SumUp(SelinonTask):
    def run(self, node_args):
        files = self.parent["walk"]["CountWords"]
        counts = [self.parent_flow_result("walk", "CountWords", index) for index in range(len(files))]
        return {"files": len(counts), "words": sum(counts)}
