"""Text from files and users made fit for a terminal: nothing invisible, nothing that moves the cursor.

YAML files and names in them may hold anything, escape sequences and right-to-left overrides included.
"""

from __future__ import annotations

from collections.abc import Iterable

TAB = "    "
_FAMILIAR = {"\n": "\\n", "\r": "\\r"}


def visible(text: str) -> str:
    """Replace what a terminal would not show as itself by an escape such as ``\\x1b``; line ends too."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(character for character, _ in cells(text))


def cells(text: str) -> Iterable[tuple[str, int]]:
    """Yield, per code point, how it is shown and how many columns of a terminal that takes."""
    if text.isascii() and text.isprintable():
        for character in text:
            yield character, 1
        return
    from unicodedata import category, east_asian_width

    for character in text:
        if character == "\t":
            yield TAB, len(TAB)
        elif " " <= character <= "~":
            yield character, 1
        elif (kind := category(character)) in ("Mn", "Me"):
            yield character, 0
        elif kind[0] == "C" or kind in ("Zl", "Zp"):
            escape = _FAMILIAR.get(character) or character.encode("ascii", "backslashreplace").decode()
            escape = escape if len(escape) > 1 else f"\\x{ord(character):02x}"
            yield escape, len(escape)
        else:
            yield character, 2 if east_asian_width(character) in "WF" else 1


def width(text: str) -> int:
    """How many columns the text takes once it is ``visible``."""
    return sum(columns for _, columns in cells(text))


def counted(number: int, noun: str) -> str:
    """``1 task``, ``2 tasks``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
