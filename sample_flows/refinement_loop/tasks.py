"""A square root by Newton's method: improve a guess until it is good enough."""

from __future__ import annotations

from selinon_core import SelinonTask


class Guess(SelinonTask):
    def run(self, number):
        return {"value": float(number or 2)}


class Improve(SelinonTask):
    """Improves what the run before it found; that may be Guess or Improve itself."""

    def run(self, number):
        number = float(number or 2)
        (before,) = self.parent
        value = self.parent_task_result(before)["value"]
        better = (value + number / value) / 2
        return {"value": better, "error": abs(better * better - number)}


class Report(SelinonTask):
    def run(self, number):
        return round(self.parent_task_result("Improve")["value"], 6)
