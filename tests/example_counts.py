"""How many random examples a test tries: few on every change, which are other ones each time, many on request."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
#: Set by ``SELINON_TEST_SLOW=1``.
MANY = os.environ.get("SELINON_TEST_SLOW", "") not in ("", "0")


def examples(few: int, many: int) -> int:
    """The number of examples for ``max_examples``."""
    return many if MANY else few


def some(cases: Sequence[T]) -> Sequence[T]:
    """A quarter of many cases, drawn by the seed that pytest-randomly sets; all of them on request."""
    return cases if MANY else random.sample(cases, -(-len(cases) // 4))
