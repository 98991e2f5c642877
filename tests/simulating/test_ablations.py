"""Without one of its safeguards the driver for production breaks an invariant: campaigns find it and shrink it."""

from __future__ import annotations

import os
from collections.abc import Callable
from statistics import median

import pytest

from selinon_core.simulating.campaign import Violation, simulate
from tests.simulating.ablations import ABLATIONS, AFTER_CANCELLING, AFTER_HANGING, HANGING, LATE, STORM, Patch
from tests.simulating.subjects import cancelled, order

MOST_DEVIATIONS = 5
#: Campaigns of each, in the slow test.
CAMPAIGNS = int(os.environ.get("SELINON_TEST_CAMPAIGNS", "1"))
MANY = 20


def found(ablation: Callable[[Patch], None], number: int = 0) -> tuple[Violation, ...]:
    """What a campaign finds; campaigns of other numbers have other seeds. Charging fails once."""
    options, subject = HANGING if ablation in AFTER_HANGING else STORM, order(2, 1)
    if ablation in AFTER_CANCELLING:
        options, subject = LATE, cancelled(order(1))
    return simulate(subject, options._replace(seed_from=1000 * number)).violations


@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda each: each.__name__)
def test_a_missing_safeguard_is_found_and_shrunk(ablation: Callable[[Patch], None], monkeypatch: Patch) -> None:
    ablation(monkeypatch)
    violations = found(ablation)
    assert violations
    for violation in violations:
        assert len(violation.deviations) <= MOST_DEVIATIONS, violation
        assert (violation.nondeterminism, violation.stale) == (None, ())


def test_with_its_safeguards_the_driver_breaks_nothing() -> None:
    result = simulate(order(2, 1), STORM._replace(seeds=150))
    assert result.violations == ()
    assert result.outcomes == {"success": 150}


def test_a_cancelled_run_breaks_nothing() -> None:
    for options in (LATE, STORM):
        result = simulate(cancelled(order(1)), options._replace(seeds=300))
        assert result.violations == ()
        assert result.outcomes.keys() <= {
            "success",
            "failure: the flow run was cancelled",
            "cancelled before it began",
        }


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda each: each.__name__)
def test_whatever_the_seeds_are(ablation: Callable[[Patch], None], monkeypatch: Patch) -> None:
    """``SELINON_TEST_CAMPAIGNS=20`` takes half an hour, and looks at the median, too."""
    ablation(monkeypatch)
    campaigns = [found(ablation, number) for number in range(1, CAMPAIGNS + 1)]
    assert sum(bool(violations) for violations in campaigns) >= 0.95 * CAMPAIGNS
    sizes = [len(violation.deviations) for violations in campaigns for violation in violations]
    assert CAMPAIGNS < MANY or median(sizes) <= 2
    assert max(sizes) <= MOST_DEVIATIONS
