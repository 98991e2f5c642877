"""How messages name things: the closest known name ("did you mean ...?"), and lists of names.

A file of a thousand typing errors must not cost a thousand searches, so a ``Suggester`` has a budget.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from selinon_core.diagnostics.diagnostic import Fix, Severity, fixes_of
from selinon_core.diagnostics.location import SourceLocation

#: Above this many known names only those that begin or end alike are compared: it is done per mistake.
_MANY = 200


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to ``name``, if one is close; ties go to the first in alphabetical order."""
    from difflib import get_close_matches  # slow to import, and only needed once something is wrong

    candidates = [candidate for candidate in known if isinstance(candidate, str)]
    if len(name) > 200:
        return None
    if len(candidates) > _MANY:
        head, tail, length = name[:2], name[-2:], len(name)
        candidates = [c for c in candidates if c[:2] == head or c[-2:] == tail]
        candidates = [c for c in candidates if abs(len(c) - length) <= 2][:_MANY]
    candidates.sort()
    folded = name.casefold().replace("-", "_")
    for candidate in candidates:
        if candidate.casefold().replace("-", "_") == folded:
            return candidate
    matches = get_close_matches(name, candidates, n=1, cutoff=0.6)
    return matches[0] if matches else None


def is_slip(name: str, meant: str) -> bool:
    """Return whether two names are so much alike that one of them is certainly a misspelling of the other."""
    from difflib import SequenceMatcher

    return min(len(name), len(meant)) > 3 and SequenceMatcher(None, name, meant).ratio() >= 0.8


class Question(str):
    """A help that asks "did you mean": ``meant`` should stand where ``written`` stands.

    ``certain``: the one is a misspelling of the other, and of no other name in ``known``. Without ``known`` it is
    not: the text is a name of something else.
    """

    __slots__ = ("_known", "meant", "written")

    def __new__(cls, text: str, written: str, meant: str, known: Collection[str] | None) -> Question:
        made = super().__new__(cls, text)
        made.written = written
        made.meant = meant
        made._known = known
        return made

    written: str
    meant: str
    _known: Collection[str] | None

    @property
    def certain(self) -> bool:
        """Whether there is no second thing that can be meant."""
        written, meant = self.written, self.meant
        if self._known is None:
            return False
        if written.casefold().replace("-", "_") == meant.casefold().replace("-", "_"):
            return True
        if _digits(written) != _digits(meant) or not is_slip(written, meant):
            return False
        others = [name for name in self._known if name not in (meant, written)]
        return len(others) <= _MANY and not any(
            isinstance(name, str) and is_slip(written, name) for name in others
        )


def _digits(name: str) -> str:
    return "".join(character for character in name if character.isdigit())


def question(
    meant: str | None, place: str = "", *, written: str = "", known: Collection[str] | None = None
) -> str:
    """``did you mean "..."?``, with the place of what is meant if there is one; nothing for None.

    With ``written`` it is a ``Question``: that text is to be replaced where the message points.
    """
    if meant is None:
        return ""
    text = f'did you mean "{meant}" ({place})?' if place else f'did you mean "{meant}"?'
    return Question(text, written, meant, known) if written else text


def spelling_fixes(severity: Severity, location: SourceLocation, help: str) -> tuple[Fix, ...]:
    """The fix that a "did you mean" at a location offers, if its help is one.

    It is not safe where the text as it is has a meaning already.
    """
    if not isinstance(help, Question):
        return ()
    safe = severity is Severity.ERROR and help.certain
    return fixes_of((f'write "{help.meant}"', safe, location.respelled(help.written, help.meant)))


def suggestion(name: str, known: Iterable[str]) -> str:
    """``did you mean "..."?``, or nothing."""
    names = list(known)
    return question(did_you_mean(name, names), written=name, known=names)


def hint(name: str, known: Iterable[str]) -> str:
    """A suggestion behind a sentence: ``; did you mean "..."?``, or nothing."""
    text = suggestion(name, known)
    return f"; {text}" if text else ""


def listed(names: Iterable[str]) -> str:
    """Names in a sentence: ``A, B and C``."""
    found = list(names)
    return "".join(found) if len(found) < 2 else ", ".join(found[:-1]) + " and " + found[-1]


def quoted(names: Iterable[str], last: str = "and") -> str:
    """``"A", "B" and "C"``."""
    shown = [f'"{name}"' for name in names]
    return f" {last} ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def plural(noun: str, names: Collection[str]) -> str:
    """``the argument "A"`` or ``the arguments "A" and "B"``."""
    return f"the {noun}{'s' if len(names) > 1 else ''} {quoted(names)}"


def suggested(meant: str | None, taken: Collection[str], written: str = "") -> str:
    """What was probably meant by ``written``, or else all that is possible."""
    if meant is None:
        return f"it takes {quoted(taken)}" if taken else "it takes none"
    return question(meant, written=written, known=taken)


#: Comparisons of two names in one run of all rules; some tens of milliseconds.
BUDGET = 20_000


class Suggester:
    """Finds the closest known names, until the budget is used up. The same questions get the same answers."""

    __slots__ = ("_answers", "_left")

    def __init__(self, budget: int = BUDGET) -> None:
        self._left = budget
        self._answers: dict[tuple[str, str], str | None] = {}

    def closest(self, kind: str, name: str, known: Collection[str]) -> str | None:
        """Return the name in ``known`` that is closest to ``name``, None if none is close.

        ``kind`` says what is named; ``known`` is the same for all names of a kind.
        """
        key = (kind, name)
        if key not in self._answers:
            if self._left < len(known):
                return None
            self._left -= len(known)
            self._answers[key] = did_you_mean(name, [other for other in known if other != name])
        return self._answers[key]
