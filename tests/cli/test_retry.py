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


@pytest.mark.parametrize(
    "words",
    [
        ("status", "zzzz"),
        ("retry", "zzzz"),
        ("pause", "zzzz"),
        ("resume", "zzzz"),
        ("cancel", "zzzz"),
        ("signal", "zzzz", "Approve"),
        ("export", "zzzz"),
        ("audit", "zzzz"),
        ("logs", "zzzz"),
    ],
)
def test_a_run_that_is_not_known_is_wrong_use_for_every_command(cli: Cli, words: tuple[str, ...]) -> None:
    ran = cli(*words, "--app", "tests.celery.memory_app:app")
    assert (ran.code, ran.out) == (2, "")
    assert "there is no flow run zzzz" in ran.err
