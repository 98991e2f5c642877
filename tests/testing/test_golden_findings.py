"""What a failing case says of itself: one golden text for each expectation and each sort of invariant.

``SELINON_UPDATE_GOLDEN=1 pytest tests/testing/test_golden_findings.py`` writes the texts; look at the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from selinon_core.cases.model import INVARIANT_KINDS, Expect
from selinon_core.testing.explained import explanation
from selinon_core.testing.results import CaseResult
from tests.testing.shop import Shop, copy_shop

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(GOLDEN.glob("*.yaml"))

CHECKS = """
def two_orders(run):
    return f"{len(run.nodes)} node runs in {run.flow}"

def broken(run):
    raise ValueError("out of order")

def a_number(run):
    return 5

def fine(run):
    return None
"""


#: A task whose result is never the same.
COUNTING = """
from selinon_core import SelinonTask

runs = []

class Count(SelinonTask):
    def run(self, node_args):
        runs.append(self)
        return len(runs)
"""

#: A join that waits for what only it starts.
STARVING = """
flow-definitions:
  - name: starving
    edges:
      - {from: , to: LoadOrder}
      - {from: [LoadOrder, Charge], to: Ship}     # selinon: ignore[SEL303] to have an unreached node
      - {from: Ship, to: Charge}
  - name: outer
    edges:
      - {from: , to: starving}
  - name: priced
    edges:
      - {from: , to: LoadOrder}
    output: ${LoadOrder.total}
  - name: billed
    edges:
      - {from: , to: priced}
    output: {total: "${priced}"}
  - name: counted
    edges:
      - {from: , to: Count}
tasks:
  - {name: Count, import: counting, storage: Results}
"""


@pytest.fixture
def shop_with_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop with functions for invariants and a flow in which a node is unreached."""
    monkeypatch.chdir(copy_shop(tmp_path / "shop"))
    Path("checks.py").write_text(CHECKS, encoding="utf-8")
    Path("counting.py").write_text(COUNTING, encoding="utf-8")
    Path("flows/starving.yaml").write_text(STARVING, encoding="utf-8")
    return Shop()


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_a_failing_case_explains_itself(path: Path, shop_with_more: Shop) -> None:
    result = shop_with_more.run(path.read_text(encoding="utf-8"))
    assert not result.is_fine
    text = f"{result.status}\n{explanation(result)}"
    golden = path.with_suffix(".txt")
    if os.environ.get("SELINON_UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
    assert CaseResult.from_json(result.to_json()) == result


def test_every_expectation_and_every_invariant_has_a_golden_text() -> None:
    names = {path.stem for path in CASES}
    # Snapshots have a module of tests of their own, and test_scheduled.py a run that ends twice.
    assert set(Expect._fields) - names == {"snapshot", "ends"}
    assert {f"invariant_{kind}" for kind in INVARIANT_KINDS} <= names
