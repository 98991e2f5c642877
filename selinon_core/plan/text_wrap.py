"""Lines of bounded length for labels, and text from users made safe to show on one line."""

from __future__ import annotations

from collections.abc import Sequence

#: A name may be broken behind these.
_BREAK_BEHIND = "_/.-:,=&?@ "
#: What a starting edge has in place of sources.
START = "(start)"


def printable(text: str) -> str:
    """Return ``text`` with every invisible character written as an escape (``\\n``, ``\\u202e``).

    Line ends, control characters and marks that reorder text would otherwise change the picture they are in.
    """
    if text.isprintable():
        return text
    return "".join(ch if ch.isprintable() else _escape(ch) for ch in text)


def _escape(ch: str) -> str:
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(ch)
    if short:
        return short
    code = ord(ch)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def nodes_text(names: Sequence[str]) -> str:
    """Nodes at one end of an edge or of a failures entry: ``A``, ``[A, B]``, nothing for none."""
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]" if names else ""


def ends_text(sources: Sequence[str], destinations: Sequence[str]) -> str:
    """An edge by its ends: ``[A, B] -> C``, and ``(start) -> A`` for one without sources."""
    return f"{nodes_text(sources) or START} -> {nodes_text(destinations) or '[]'}"


def columns(text: str) -> list[str]:
    """Return what stands in each column of a terminal: wide characters take two, marks none of their own."""
    if text.isascii():
        return list(text)
    from unicodedata import category, east_asian_width

    found: list[str] = []
    for ch in text:
        if category(ch) in ("Mn", "Me"):
            found[-1:] = ["".join([*found[-1:], ch])]
        else:
            found.extend([ch, ""] if east_asian_width(ch) in "WF" else [ch])
    return found


def truncate(text: str, limit: int) -> str:
    """Return ``text`` with at most ``limit`` characters, an ellipsis standing for the missing end.

    Spaces stay as they are: the text may be a value. Messages use ``diagnostics.kinds.shorten``, for one line.
    """
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def wrap_name(name: str, width: int) -> tuple[str, ...]:
    """Break a name into lines of at most ``width`` characters, where words meet (``_``, ``.``, aB) if possible."""
    if len(name) <= width:
        return (name,)
    lines: list[str] = []
    line = ""
    for word in _words(name):
        if line and len(line) + len(word) > width:
            lines.append(line)
            line = ""
        line += word
        while len(line) > width:
            lines.append(line[:width])
            line = line[width:]
    if line:
        lines.append(line)
    return tuple(lines)


def wrap_text(text: str, width: int) -> tuple[str, ...]:
    """Break a text at blanks into lines of at most ``width`` characters; longer words are broken like names."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        gap = " " if line else ""
        for part in _words(word) if len(word) > width else [word]:
            if line and len(line) + len(gap) + len(part) > width:
                lines.append(line)
                line, gap = "", ""
            line += gap + part
            gap = ""
            while len(line) > width:
                lines.append(line[:width])
                line = line[width:]
    if line or not lines:
        lines.append(line)
    return tuple(lines)


def _words(name: str) -> list[str]:
    words: list[str] = []
    start = 0
    for i in range(1, len(name)):
        behind_mark = name[i - 1] in _BREAK_BEHIND and name[i] not in _BREAK_BEHIND
        hump = name[i].isupper() and not name[i - 1].isupper() and name[i - 1] not in _BREAK_BEHIND
        if behind_mark or hump:
            words.append(name[start:i])
            start = i
    words.append(name[start:])
    return words
