"""Plain identifiers for the ids of a drawing, as DOT, Mermaid and the ``id`` attributes of SVG need them."""

from __future__ import annotations

from collections.abc import Iterable


def slugs(ids: Iterable[str]) -> dict[str, str]:
    """Map each id to a distinct identifier of ASCII letters, digits and ``_``; the same ids give the same ones."""
    result: dict[str, str] = {}
    taken: set[str] = set()
    for ident in ids:
        plain = "".join(ch if ch.isascii() and ch.isalnum() else "_" for ch in ident)
        slug, number = plain, 1
        while slug in taken:
            number += 1
            slug = f"{plain}__{number}"
        taken.add(slug)
        result[ident] = slug
    return result
