"""Which faults happened at which kinds of points: a campaign without violations has to say what it has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from selinon_core.cases.model import Deviation

#: What there is to a schedule beside faults.
_NO_FAULTS = frozenset({"first", "take", "takes"})


class Exercised:
    """What was possible in a campaign, and what happened."""

    def __init__(self, faults: Mapping[str, float]) -> None:
        self._faults = [kind for kind, likely in faults.items() if likely]
        self._possible: set[tuple[str, str]] = set()
        self._known: dict[tuple[str, str, str], tuple[tuple[str, str], ...]] = {}
        self.fired: Counter[tuple[str, str]] = Counter()

    def note(self, counts: Iterable[tuple[str, str, str]], deviations: Iterable[Deviation]) -> None:
        """A schedule was played; ``counts`` are kind, subject and point of its decisions."""
        known = self._known
        for key in counts:
            if key not in known:
                known[key] = self._points(*key)
                self._possible.update(known[key])
        for each in deviations:
            if each.kind not in _NO_FAULTS:
                self.fired[each.kind, _point(each.subject, each.point)] += 1

    def _points(self, kind: str, subject: str, point: str) -> tuple[tuple[str, str], ...]:
        kinds = [each for each in ("crash", "pause") if each in self._faults] if kind == "at" else [kind]
        return tuple((each, _point(subject, point)) for each in kinds if each in self._faults)

    def never(self) -> tuple[str, ...]:
        """What could have happened and did not, as phrases."""
        missing = sorted(self._possible - set(self.fired))
        return tuple(f"{kind} {where}".rstrip() for kind, where in missing)


def _point(subject: str, point: str) -> str:
    """The kind of a point: where it is, and of what kind of message."""
    action, space, _ = subject.partition(" ")
    what = action if space else "worker" if "#" not in subject else "task"
    return f"{point} of a {what}" if point else f"of a {what}"
