"""How long attempts of tasks take in a simulation: distributions with a median, drawn from reproducibly."""

from __future__ import annotations

import random
from math import exp, isfinite, log
from typing import NamedTuple

from selinon_core.errors import RequestError

#: The 95 % quantile of the standard normal distribution.
_Z95 = 1.6448536269514722
#: What the kinds are made of.
_COUNTS = {"fixed": 1, "uniform": 2, "lognormal": 2}


class Duration(NamedTuple):
    """Virtual seconds that an attempt takes.

    ``kind`` says what ``values`` are: ``fixed`` (seconds), ``uniform`` (least, most), ``lognormal`` (median, 95 %
    quantile), ``recorded`` (seconds of attempts that were seen; each is as likely).
    """

    kind: str
    values: tuple[float, ...]

    def check(self, what: str) -> None:
        """Raise ``RequestError`` for values that no duration can have; ``what`` is named in the message."""
        kinds = (*_COUNTS, "recorded")
        if self.kind not in kinds:
            raise RequestError(f"{what} is {self.kind!r}, not {', '.join(kinds[:-1])} or {kinds[-1]}")
        if not self.values or len(self.values) != _COUNTS.get(self.kind, len(self.values)):
            raise RequestError(f"{what}: {self.kind} needs {_COUNTS.get(self.kind, 'some')} values")
        if any(isinstance(v, bool) or not isfinite(v) or v < 0 for v in self.values):
            raise RequestError(f"{what}: seconds are numbers of at least 0")
        ordered = self.kind not in ("uniform", "lognormal") or self.values[0] <= self.values[1]
        if not ordered or (self.kind == "lognormal" and not self.values[0]):
            raise RequestError(
                f"{what}: {self.kind} needs a first value that is not larger than the second, and > 0"
            )

    @property
    def median(self) -> float:
        """What an attempt takes by default."""
        values = sorted(self.values)
        if self.kind == "uniform":
            return round((values[0] + values[1]) / 2, 6)
        if self.kind == "recorded":
            return values[(len(values) - 1) // 2]
        return self.values[0]

    def draw(self, chooser: random.Random) -> float:
        """What one attempt takes, to the microsecond."""
        if self.kind == "uniform":
            return round(chooser.uniform(*self.values), 6)
        if self.kind == "lognormal":
            median, high = self.values
            return round(exp(chooser.gauss(log(median), log(high / median) / _Z95)), 6)
        return chooser.choice(self.values)
