"""What the tests of campaigns simulate: the orders of the sample ``order_pipeline``, with mocked tasks."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from selinon_core.cases.model import Mocks, NodeMock, Outcome, Rule, Script
from selinon_core.local import LocalOptions
from selinon_core.local.run_setup import RunSetup
from selinon_core.plan import Plan
from selinon_core.project import compile_project
from selinon_core.simulating.campaign import Subject

SAMPLES = Path(__file__).parents[2] / "sample_flows"
LINE = {"item": "tea", "quantity": 2, "price": 40.5}


def mock(*outcomes: Outcome) -> NodeMock:
    """A mock with these outcomes in order."""
    return NodeMock((Rule(None, Script(outcomes)),))


def result(value: Any, **more: Any) -> Outcome:
    """A result."""
    return Outcome("result", value, **more)


@cache
def order(lines: int = 3, fails: int = 0, project: Path = SAMPLES / "order_pipeline") -> Subject:
    """An order with so many lines; charging fails so often."""
    plan = compile_project([str(project)]).plan
    assert plan is not None
    charged = result({"receipt": "R-7", "amount": 81.0})
    refused = (Outcome("error", "Busy: no answer", times=fails),) if fails else ()
    nodes = {
        "LoadOrder": mock(result({"number": 7, "total": 81.0, "lines": [LINE] * lines})),
        "ReserveItem": mock(result({"item": "tea", "shelf": "T2"})),
        "Charge": mock(*refused, charged),
        "Ship": mock(result({"parcel": "P-7", "from_shelves": ["T2"]})),
        "ReleaseItems": mock(result({"released": []})),
    }
    return of(plan, "order", {"number": 7}, LocalOptions(mocks=Mocks(nodes), mock_all=True))


def cancelled(subject: Subject) -> Subject:
    """The same, cancelled at once: what comes first depends on the schedule."""
    return subject._replace(options=subject.options._replace(at=((0.0, "cancel"),)))


def of(plan: Plan, flow: str, node_args: Any = None, options: LocalOptions | None = None) -> Subject:
    """A subject whose setup is shared by all campaigns of a test."""
    options = LocalOptions(mock_all=True) if options is None else options
    return Subject(plan, flow, node_args, options, RunSetup(plan, options), label=flow)
