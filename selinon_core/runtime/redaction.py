"""``global.redact``: values that traces, statuses, reports and pages do not show, by the keys they stand under.

``redaction(plan.settings.redact).masked(value)`` is the one function for everything that shows data. Results,
arguments and logs themselves stay what they are: a task gets the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import translate
from functools import lru_cache
from typing import Any

#: What stands in place of a value.
MASK = "***"
#: Shorter texts are not looked for in other texts: they would be found everywhere.
SHORTEST = 4
#: Texts that are remembered in order to find them in others; the oldest are forgotten.
_MOST = 1000
_STEPS = re.compile(r"[.\[\]]+")


class Redaction:
    """Masks by patterns: ``password``, ``*token*`` match a key, ``card.*`` the keys below a key ``card``.

    Case does not matter. A text that was masked somewhere is masked in other texts too, where it is at least four
    characters long: messages of errors quote values, templates put them into texts. Safe under threads.
    """

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = [
            tuple(re.compile(translate(step.lower())) for step in pattern.split(".")) for pattern in patterns
        ]
        self._secrets: dict[str, None] = {}

    def masked(self, value: Any) -> Any:
        """A copy of a JSON value without what is to be masked; the value itself where there are no patterns."""
        if not self._patterns:
            return value
        by_key = self._by_key(value, ())
        return self._by_text(by_key, self._alternatives())

    def masked_under(self, key: str, value: Any) -> Any:
        """As ``masked``, of a value that stands under a key, or at a path such as ``Load.card.number``."""
        if not self._patterns:
            return value
        masked: dict[str, Any] = self.masked({key: value})
        return masked[key]

    def _by_key(self, value: Any, above: tuple[str, ...]) -> Any:
        if isinstance(value, Mapping):
            found = {}
            for key, inner in value.items():
                steps = self.steps(str(key))
                found[key] = self._mask(inner) if self.hides(above, steps) else self._by_key(inner, above + steps)
            return found
        return [self._by_key(item, above) for item in value] if isinstance(value, list | tuple) else value

    @staticmethod
    def steps(key: str) -> tuple[str, ...]:
        """The steps of a key, which may be a path such as ``Load.card.number``."""
        return tuple(step for step in _STEPS.split(key.lower()) if step)

    def hides(self, above: tuple[str, ...], steps: tuple[str, ...]) -> bool:
        """Whether a pattern matches one of the steps; earlier keys count for patterns of several."""
        path = above + steps
        return any(
            end >= len(pattern)
            and all(step.match(path[end - len(pattern) + at]) for at, step in enumerate(pattern))
            for end in range(len(above) + 1, len(path) + 1)
            for pattern in self._patterns
        )

    def _mask(self, value: Any) -> Any:
        for text in texts_in(value):
            if len(text) >= SHORTEST and text != MASK and text not in self._secrets:
                self._secrets[text] = None
                while len(self._secrets) > _MOST:
                    self._secrets.pop(next(iter(self._secrets)), None)
        return MASK

    def _alternatives(self) -> re.Pattern[str] | None:
        secrets = self._secrets.copy()
        return any_of(secrets) if secrets else None

    def _by_text(self, value: Any, secrets: re.Pattern[str] | None) -> Any:
        if secrets is None:
            return value
        if isinstance(value, str):
            return secrets.sub(MASK, value)
        if isinstance(value, Mapping):
            return {key: self._by_text(inner, secrets) for key, inner in value.items()}
        if isinstance(value, int) and not isinstance(value, bool):
            return MASK if secrets.fullmatch(str(value)) else value
        return [self._by_text(item, secrets) for item in value] if isinstance(value, list | tuple) else value


def texts_in(value: Any) -> Iterable[str]:
    """The texts in a JSON value, and its integers as texts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)


def any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """A pattern that finds any of these texts, of several at one place the longest."""
    return re.compile("|".join(map(re.escape, sorted(texts, key=len, reverse=True))))


@lru_cache(maxsize=32)
def redaction(patterns: tuple[str, ...]) -> Redaction:
    """The redaction of a plan (``plan.settings.redact``): one for a process, so that it knows what it masked."""
    return Redaction(patterns)
