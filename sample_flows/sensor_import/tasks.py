"""Reads sensors' files; what is not a proper reading is put aside."""

from __future__ import annotations

import json
from pathlib import Path

from selinon_core import SelinonTask

DATA = Path(__file__).with_name("data")


class ListFiles(SelinonTask):
    def run(self, node_args):
        return sorted(file.name for file in DATA.glob("*.json"))


def files(storage_pool, node_args):
    return storage_pool.get("ListFiles")


class ReadSensor(SelinonTask):
    """No checks here: the output schema has them."""

    def run(self, file):
        return json.loads((DATA / file).read_text(encoding="utf-8"))


class ConvertToCelsius(SelinonTask):
    def run(self, reading):
        return {**reading, "unit": "C", "values": [round((value - 32) / 1.8, 1) for value in reading["values"]]}


class Quarantine(SelinonTask):
    """A fallback: the arguments are still the file's name, because reading it failed."""

    def run(self, file):
        return {"file": file, "because": type(self.parent_task_exception("ReadSensor")).__name__}
