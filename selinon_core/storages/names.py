"""Names from messages as parts of paths and keys."""

from __future__ import annotations

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_LONGEST = 200  # leaves room for suffixes: file systems take 255 bytes


def safe_name(name: str) -> str:
    """Return ``name`` such that it is one path component of plain characters; different for different names.

    Identifiers and UUIDs stay as they are. All else is written as ``%XX`` per byte, dots too, so that neither
    ``..`` nor a suffix of ours can be spelled; what is too long for a file name ends in its hash.
    """
    name = str(name)
    if name and len(name) <= _LONGEST and _SAFE.issuperset(name):
        return name
    encoded = name.encode("utf-8", "surrogatepass")
    quoted = "".join(chr(byte) if chr(byte) in _SAFE else f"%{byte:02X}" for byte in encoded) or "%"
    if len(quoted) > _LONGEST:
        import hashlib

        # "%-" cannot come from quoting, so no short name is written like this.
        return f"{quoted[:100]}%-{hashlib.sha256(encoded).hexdigest()}"
    return quoted
