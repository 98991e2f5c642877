"""What numbers and texts stand for, with a fault for each that is not written as the language wants it."""

from __future__ import annotations

import re

from selinon_core.expressions.faults import Fault, shown
from selinon_core.expressions.faults import written as as_help

#: Integers and other numbers have to be smaller than this, without their sign.
NUMBERS_BELOW = 2**63

_JSON_NUMBER = re.compile(r"(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.?))", re.DOTALL)
_ESCAPED = {"\\": "\\", '"': '"', "'": "'", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff]")


def number_value(text: str, start: int, end: int, faults: list[Fault]) -> int | float:
    """The value of a number; 0 with a fault where it is none."""
    written = text[start:end]
    if not _JSON_NUMBER.fullmatch(written):
        faults.append(_bad_number(written, start, end))
        return 0
    # The length decides about integers first: Python refuses to read very long ones.
    if written.isdigit():
        value: int | float = int(written) if len(written) < 20 else NUMBERS_BELOW
    else:
        value = float(written)
    if value >= NUMBERS_BELOW:
        faults.append(Fault(start, end, "the number is too large", "numbers have to be below 2**63"))
        return 0
    return value


def _bad_number(written: str, start: int, end: int) -> Fault:
    message = f"{shown(written)} is not a number"
    plain = written.replace("_", "")
    if written.startswith("."):
        better = f"0{written}"
    elif written.endswith("."):
        better = f"{written}0"
    elif plain != written:
        better = plain
    elif re.fullmatch(r"0[xX][0-9A-Fa-f]{1,15}|0[oO][0-7]{1,15}|0[bB][01]{1,60}", written):
        better = str(int(written, 0))
    else:
        better = written.lstrip("0") or "0"
    if better != written and _JSON_NUMBER.fullmatch(better):
        return Fault(start, end, message, f"write {as_help(better)}", better)
    if re.fullmatch(r"[0-9]++[A-DF-Za-df-z_][A-Za-z_]*+", written):
        digits = len(written.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"))
        return Fault(
            start, end, message, f"write a space behind {shown(written[:digits])}, or the whole as a text"
        )
    return Fault(
        start, end, message, "write a number as in JSON: 12, 0.5, 1e-6; anything else is a text in quotes"
    )


def is_closed(text: str, start: int, end: int) -> bool:
    """Whether a text ends with its quote, and not with an escaped one."""
    if end - start < 2 or text[end - 1] != text[start]:
        return False
    before = text[start + 1 : end - 1]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 0


def text_value(text: str, start: int, end: int, closed: bool, faults: list[Fault]) -> str:
    """What a text stands for; escapes that do not exist are faults and stand for themselves."""
    if not closed:
        quote = text[start]
        message = f"the text that begins here has no closing {quote}"
        faults.append(Fault(start, end, message, f"write {quote} where it ends"))
    inside = text[start + 1 : end - 1] if closed else text[start + 1 : end]
    if inside.isprintable() and "\\" not in inside:
        return inside
    for found in _UNPRINTABLE.finditer(inside):
        begin = start + 1 + found.start()
        escape = f"\\u{ord(found[0]):04x}"
        surrogate = found[0] >= "\ud800"
        help = "take it away" if surrogate else f"write {escape}"
        message = f"{shown(found[0])} cannot stand in a text as it is"
        faults.append(Fault(begin, begin + 1, message, help, None if surrogate else escape))
    return _unescaped(inside, start + 1, faults) if "\\" in inside else inside


def _unescaped(inside: str, offset: int, faults: list[Fault]) -> str:
    parts: list[str] = []
    position = 0
    high: tuple[int, int, int] | None = None  # the first of two escapes for one character: code, start, end
    for found in _ESCAPE.finditer(inside):
        start, end = found.span()
        if high is not None and (start != high[2] or not _is_low(found[1])):
            faults.append(_lone_surrogate(offset + high[1], offset + high[2]))
            high = None
        parts.append(inside[position:start])
        position = end
        if found[1] is None:
            known = _ESCAPED.get(found[2])
            if known is None:
                faults.append(_bad_escape(found[0], offset + start, offset + end))
            parts.append(found[0] if known is None else known)
            continue
        code = int(found[1], 16)
        if 0xD800 <= code < 0xDC00:
            high = (code, start, end)
        elif high is not None:
            parts.append(chr(0x10000 + ((high[0] - 0xD800) << 10) + (code - 0xDC00)))
            high = None
        elif 0xDC00 <= code < 0xE000:
            faults.append(_lone_surrogate(offset + start, offset + end))
        else:
            parts.append(chr(code))
    if high is not None:
        faults.append(_lone_surrogate(offset + high[1], offset + high[2]))
    parts.append(inside[position:])
    return "".join(parts)


def _is_low(digits: str | None) -> bool:
    return digits is not None and 0xDC00 <= int(digits, 16) < 0xE000


def _lone_surrogate(start: int, end: int) -> Fault:
    return Fault(start, end, "half of a character that is written as two", "write both halves: \\ud83d\\ude00")


def _bad_escape(written: str, start: int, end: int) -> Fault:
    message = f"{shown(written)} is not an escape"
    if written == "\\u":
        return Fault(start, end, message, "write four hexadecimal digits behind it: \\u00e9")
    help = "write \\\\ for a backslash; escapes are \\\\ \\\" \\' \\b \\f \\n \\r \\t \\uXXXX"
    return Fault(start, end, message, help, f"\\{written}")
