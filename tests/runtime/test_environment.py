"""References to environment variables."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.errors import ConfigurationError
from selinon_core.runtime.environment import expand

KNOWN = {"HOST": "db", "EMPTY": "", "BRACES": "{HOST}"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("{HOST}:1", "db:1"),
        ("{{HOST}}", "{HOST}"),
        ("{EMPTY}", ""),
        ("{BRACES}", "{BRACES}".format(**KNOWN)),
        ("{HOST.x}", "{HOST.x}"),
        ("{0}", "{0}"),
        ("}{", "}{"),
        ({"a": ["{HOST}", 5, None]}, {"a": ["db", 5, None]}),
    ],
)
def test_names_in_braces_are_replaced_once(given: Any, expected: Any) -> None:
    assert expand(given, KNOWN) == expected


def test_a_missing_one_is_an_error_or_stays() -> None:
    with pytest.raises(ConfigurationError, match="MISSING"):
        expand("x{MISSING}", KNOWN)
    assert expand("x{MISSING}", KNOWN, keep_missing=True) == "x{MISSING}"
