"""The predicates of this project: its own, and the shipped ones."""

from __future__ import annotations

import re

from selinon_core.predicates import *  # noqa: F403


def anyMatches(message, key, pattern):
    """Whether a text in a list matches a regular expression, which expressions do not have."""
    return any(re.fullmatch(pattern, text) for text in message[key])
