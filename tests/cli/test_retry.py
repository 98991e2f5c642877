"""`selinon retry` when it is asked for what does not fit together; what it does is in tests/celery."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Cli


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ((), "name flow runs, or find them"),
        (("3f2a", "--flow", "order"), "not both"),
        (("--flow", "order", "--node", "A"), "--node is about one flow run"),
        (("--flow", "order", "--status", "success"), "only runs with --status failure"),
        (("3f2a", "--rate", "fast"), '"fast" is not a rate'),
    ],
)
def test_what_does_not_fit_together_is_refused(cli: Cli, words: tuple[str, ...], what: str) -> None:
    ran = cli("retry", *words, "--app", "tests.celery.memory_app:app")
    assert ran.code == 2
    assert what in ran.err
