"""The exploration finds exactly the outcomes that trying every order of everything finds."""

from __future__ import annotations

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from selinon_core.exploring import Context, Limits, ProjectModel, Summaries
from selinon_core.plan import Plan
from tests.dispatch.flows import plans
from tests.example_counts import examples
from tests.exploring.brute_force import TooMany, outcomes_of

RELAXED = settings(
    deadline=None,
    max_examples=examples(60, 1000),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
ITEMS = st.sampled_from([(0, 1), (1, 2), (1,)])


@given(st.data(), plans(), st.integers(0, 2), ITEMS, st.booleans(), st.booleans())
@RELAXED
def test_the_outcomes_are_those_of_every_order(
    data: st.DataObject, plan: Plan, failures: int, items: tuple[int, ...], in_all_orders: bool, cancel: bool
) -> None:
    plan = _timed(plan) if data.draw(st.sampled_from([False, False, True])) else plan
    try:
        expected = outcomes_of(plan, "main", failures, items, 4000, node_runs=7, may_be_cancelled=cancel)
    except TooMany:
        assume(False)
    limits = Limits(failures, visits=8, items=items, all_orders=in_all_orders, cancel=cancel)
    exploration = Summaries(ProjectModel(plan), limits).explore(Context("main"))
    assert exploration.is_complete
    found = {
        (key.status, tuple(sorted(key.runs)), key.failed, tuple(sorted(key.failing)))
        for key in exploration.outcomes
    }
    assert found == expected


def _timed(plan: Plan) -> Plan:
    flows = {**plan.flows, "main": plan.flows["main"]._replace(timeout=9.0)}
    return type(plan)(plan.tasks, flows, plan.storages, plan.settings)
