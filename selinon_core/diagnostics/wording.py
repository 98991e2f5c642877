"""The closest known name, for messages."""

from __future__ import annotations

from collections.abc import Iterable

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


def suggestion(name: str, known: Iterable[str]) -> str:
    """``did you mean "..."?``, or nothing."""
    close = did_you_mean(name, known)
    return f'did you mean "{close}"?' if close else ""
