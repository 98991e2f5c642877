"""Reads sensors' files; what is not a proper reading is put aside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

from selinon_core import SelinonTask

DATA = Path(__file__).with_name("data")


class Reading(TypedDict):
    sensor: str
    unit: str
    values: list[float]


class ListFiles(SelinonTask):
    def run(self, node_args) -> list[str]:
        return sorted(file.name for file in DATA.glob("*.json"))


class ReadSensor(SelinonTask):
    """No checks here: the output schema has them."""

    def run(self, *, file: str):
        return json.loads((DATA / file).read_text(encoding="utf-8"))


class ConvertToCelsius(SelinonTask):
    def run(self, *, sensor: str, unit: str, values: list[float]) -> Reading:
        return {"sensor": sensor, "unit": "C", "values": [round((value - 32) / 1.8, 1) for value in values]}


class Quarantine(SelinonTask):
    """The fallback: puts a file aside and says why."""

    def run(self, *, file: str, because: str):
        return {"file": file, "because": because}
