"""Shortens values to text of a bounded length before they leave the server."""

from __future__ import annotations

import json
from typing import Any

#: The most bytes of a value that are shown.
LONGEST_VALUE = 4096


def shortened(value: Any) -> dict[str, Any]:
    """A value as ``{"text": JSON, "bytes": its full size, "cut": whether text is only its beginning}``."""
    try:
        text = json.dumps(value, ensure_ascii=False, indent=2)
    except (TypeError, ValueError):
        text = repr(value)
    return shortened_text(text)


def shortened_text(text: str) -> dict[str, Any]:
    """As ``shortened``, of a text that is shown as it is."""
    data = text.encode("utf-8", "replace")
    cut = len(data) > LONGEST_VALUE
    if cut:
        text = data[:LONGEST_VALUE].decode("utf-8", "ignore")
    return {"text": text, "bytes": len(data), "cut": cut}
