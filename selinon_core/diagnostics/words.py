"""Lists of names in messages."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def quoted(names: Iterable[str], last: str = "and") -> str:
    """``"A", "B" and "C"``."""
    shown = [f'"{name}"' for name in names]
    return f" {last} ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def plural(noun: str, names: Collection[str]) -> str:
    """``the argument "A"`` or ``the arguments "A" and "B"``."""
    return f"the {noun}{'s' if len(names) > 1 else ''} {quoted(names)}"


def suggested(meant: str | None, taken: Collection[str]) -> str:
    """What was probably meant, or else all that is possible."""
    if meant is not None:
        return f'did you mean "{meant}"?'
    return f"it takes {quoted(taken)}" if taken else "it takes none"
