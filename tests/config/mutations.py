"""Wrong values for every place of a project file that uses every key."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import strategies as st

from tests.config.reads import FULL

WORDS = r"""
tasks flows storages global flow-definitions name import edges from to condition and or not args
node fallback failures nodes throttling seconds foreach function selective A B C true false on null
~ 1 -1 1.5 [] {} <<
""".split()  # noqa: SIM905
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(string.ascii_letters + " -.1", max_size=6)
)
ANYTHING = st.recursive(
    SCALARS | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | SCALARS, inner, max_size=4)
    ),
    max_leaves=15,
)


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all parts of some data."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += paths_of(item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            found += paths_of(item, (*path, index))
    return found


PATHS = paths_of(FULL)


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of ``value`` with the part at ``path`` replaced; FULL itself stays as it is."""
    if not path:
        return new
    head, *rest = path
    if isinstance(value, dict):
        return {key: replaced(item, tuple(rest), new) if key == head else item for key, item in value.items()}
    return [replaced(item, tuple(rest), new) if index == head else item for index, item in enumerate(value)]
