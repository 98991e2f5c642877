"""Every mistake on purpose is found, and its repaired twin has no finding."""

from __future__ import annotations

import pytest

from selinon_core.exploring import Checker, Limits, ProjectModel, Property
from selinon_core.plan import Plan
from tests.exploring.seeded import SEEDED, Seeded


def findings(plan: Plan) -> list[Property]:
    found = Checker(ProjectModel(plan), Limits(budget=2000)).check("main")
    return [one for one in found.properties if one.severity != "information"]


def test_there_are_forty_of_them() -> None:
    assert len(SEEDED) == 40


@pytest.mark.parametrize("seeded", SEEDED, ids=[seeded.id for seeded in SEEDED])
def test_a_mistake_is_found_and_its_twin_is_clean(seeded: Seeded) -> None:
    found = findings(seeded.wrong)
    assert (seeded.property, seeded.subject) in [(one.name, one.subject) for one in found], found
    assert findings(seeded.right) == []
