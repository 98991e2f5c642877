"""A square root by Newton's method: improve a guess until it is good enough."""

from __future__ import annotations

from typing import TypedDict

from selinon_core import SelinonTask


class Guessed(TypedDict):
    value: float


class Improved(TypedDict):
    value: float
    error: float


class Guess(SelinonTask):
    def run(self, *, number: float) -> Guessed:
        return {"value": float(number)}


class Improve(SelinonTask):
    def run(self, *, value: float, number: float) -> Improved:
        better = (value + number / value) / 2
        return {"value": better, "error": abs(better * better - number)}


class Report(SelinonTask):
    def run(self, *, value: float) -> float:
        return round(value, 6)
