"""Cases judge mutants: what they notice, what they miss, and what nothing could notice."""

from __future__ import annotations

import gc
import shutil
from pathlib import Path

import pytest

from selinon_core.cases.writing import case_file_text
from selinon_core.mutating.campaign import Campaign, Equivalence
from selinon_core.mutating.operators import mutants
from selinon_core.mutating.parallel import judge_all
from selinon_core.mutating.verdicts import Verdict, score
from selinon_core.plan import Plan
from selinon_core.testing.collection import collect
from tests.mutating.shop import CASES, SCHEMA, SHOP


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop.yaml").write_text(SHOP, encoding="utf-8")
    (tmp_path / "load.json").write_text(SCHEMA, encoding="utf-8")
    (tmp_path / "shop.flowtest.yaml").write_text(CASES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def judged(directory: Path, *, jobs: int = 1, equivalence: bool = True) -> tuple[Plan, dict[str, Verdict]]:
    from selinon_core.schemas.check import ResultSchema

    files = collect([str(directory)], ())
    plan = files[0].project.plan
    assert plan is not None
    compared = Equivalence(lambda task: ResultSchema.of_task(task, "."), seconds=60) if equivalence else None
    campaign = Campaign(plan, (), files, compared)
    assert campaign.rehearse() == []
    return plan, {verdict.mutant.id: verdict for verdict in judge_all(campaign.judge, mutants(plan), jobs)}


def statuses(verdicts: dict[str, Verdict]) -> dict[str, str]:
    return {id: verdict.status for id, verdict in verdicts.items()}


def test_cases_that_look_at_every_branch_notice_every_mistake(shop: Path) -> None:
    _, verdicts = judged(shop)
    missed = {id: status for id, status in statuses(verdicts).items() if status != "killed"}
    # Pack then gets one result less, and no case looks at that.
    assert missed == {"shop/edge:3/join-source-drop:Load": "survived", "task:Load/task-schema": "ignored"}
    missing = verdicts["shop/edge:3/join-source-drop:Load"].missing
    assert missing is not None
    assert list(missing.case.expect.parents) == ["Pack"]


def test_each_mutant_that_only_a_removed_case_kills_survives_and_is_named(shop: Path) -> None:
    _, whole = judged(shop)
    only_fallback = {id for id, verdict in whole.items() if "paying fails" in (verdict.killed_by or "")}
    assert {"shop/failure:0/failure-drop", "shop/failure:0/failure-true"} <= only_fallback
    (shop / "shop.flowtest.yaml").write_text(CASES[: CASES.index("  - name: paying fails")], encoding="utf-8")
    _, fewer = judged(shop, equivalence=False)
    assert {fewer[id].status for id in only_fallback} == {"no-coverage"}
    assert score(fewer.values()).percent < score(whole.values()).percent  # type: ignore[operator]


def test_a_survivor_comes_with_a_case_that_kills_it(shop: Path) -> None:
    weak = CASES.replace("total: 10}", "total: 3}").replace("total: 11}", "total: 40}").replace("12", "50")
    (shop / "shop.flowtest.yaml").write_text(weak, encoding="utf-8")
    plan, verdicts = judged(shop)
    survivors = [verdict for verdict in verdicts.values() if verdict.status == "survived" and verdict.mutant.flow]
    assert {verdict.mutant.operator for verdict in survivors} >= {"boundary", "constant"}
    missing = [verdict.missing.case for verdict in survivors if verdict.missing is not None]
    assert len(missing) == len(survivors)
    named = [case._replace(name=f"missing {number}") for number, case in enumerate(missing)]
    (shop / "missing.flowtest.yaml").write_text(case_file_text(named, plan), encoding="utf-8")
    _, again = judged(shop)
    assert {again[verdict.mutant.id].status for verdict in survivors} == {"killed"}


def test_a_mutant_that_nothing_can_notice_is_equivalent(shop: Path) -> None:
    """With totals that are 0 or 20, ``>= 10`` is ``> 10``."""
    schema = SCHEMA.replace('"type": "integer", "minimum": 0', '"enum": [0, 20]')
    (shop / "load.json").write_text(schema, encoding="utf-8")
    cases = CASES.replace("total: 10}", "total: 0}").replace("total: 11}", "total: 20}").replace("12", "20")
    (shop / "shop.flowtest.yaml").write_text(cases, encoding="utf-8")
    _, verdicts = judged(shop)
    assert verdicts["shop/edge:1/boundary:0:GreaterEqual"].status == "equivalent"
    assert verdicts["shop/edge:1/condition-negate"].status == "killed"


def test_a_mutant_that_does_not_end_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SHOP.replace(
        "      - {from: [Load, Pay], to: Pack}\n",
        """\
      - {from: Pay, to: Pay, condition: {name: envExist, args: {env: AGAIN}}}
""",
    )
    (tmp_path / "shop.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "load.json").write_text(SCHEMA, encoding="utf-8")
    cases = CASES.replace(", Pack: 1", "")
    (tmp_path / "shop.flowtest.yaml").write_text(cases, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AGAIN", raising=False)
    _, verdicts = judged(tmp_path, equivalence=False)
    assert verdicts["shop/edge:3/condition-always"].status == "timeout"


MILL = """
tasks:
  - name: Bake
    import: nothing
    storage: S
    output_schema:
      type: object
      required: [count, weight]
      properties: {count: {type: integer}, weight: {type: integer}}
  - {name: Sell, import: nothing, storage: S}
storages: [{name: S, import: selinon_core.storages.memory, classname: InMemoryStorage}]
flow-definitions:
  - name: mill
    edges:
      - {from: null, to: Bake}
      - {from: Bake, to: Sell, args: {count: "${Bake.count}", half: "${Bake.weight // 2}"}}
    output: {weight: "${Bake.weight}"}
"""
MILL_CASES = """
flow: mill
tests:
  - name: bread is sold
    mocks: {Bake: {result: {count: 2, weight: 9}}, Sell: {result: 1}}
    expect: {runs: {Bake: 1, Sell: 1}, args: {Sell: {count: 2, half: 4}}, output: {weight: 9}}
"""


def test_cases_without_a_look_at_arguments_and_output_miss_what_is_wrong_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mill.yaml").write_text(MILL, encoding="utf-8")
    (tmp_path / "mill.flowtest.yaml").write_text(MILL_CASES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    _, whole = judged(tmp_path)
    assert {id: verdict.status for id, verdict in whole.items() if verdict.status != "killed"} == {
        "task:Bake/task-schema": "ignored"
    }
    weak = MILL_CASES.replace(", args: {Sell: {count: 2, half: 4}}, output: {weight: 9}", "")
    (tmp_path / "mill.flowtest.yaml").write_text(weak, encoding="utf-8")
    plan, verdicts = judged(tmp_path)
    survivors = [verdict for verdict in verdicts.values() if verdict.status == "survived" and verdict.mutant.flow]
    assert {verdict.mutant.operator for verdict in survivors} >= {
        "template-drop", "template-swap", "template-path", "template-constant", "arithmetic", "constant",
    }  # fmt: skip
    assert not [verdict for verdict in verdicts.values() if verdict.status == "equivalent"]
    missing = [verdict.missing.case for verdict in survivors if verdict.missing is not None]
    assert [v.mutant.id for v in survivors if v.missing is None] == []
    named = [case._replace(name=f"missing {number}") for number, case in enumerate(missing)]
    (tmp_path / "missing.flowtest.yaml").write_text(case_file_text(named, plan), encoding="utf-8")
    _, again = judged(tmp_path)
    assert [v.mutant.id for v in survivors if again[v.mutant.id].status != "killed"] == []


CODE = """\
class Bake:
    def __init__(self, **names):
        pass

    def run(self, node_args):
        return {"count": node_args, "weight": 9}


class Sell(Bake):
    pass
"""
CODE_CASES = """
flow: mill
tests:
  - name: bread is sold
    tasks: real
    args: 2
    mocks: {Sell: {result: 1}}
    expect: {runs: {Bake: 1, Sell: 1}}
"""
CODE_FAILS = """
  - name: no number
    tasks: real
    args: two
    mocks: {Sell: {result: 1}}
    expect: {status: failure, runs: {Bake: 1}}
"""


def test_a_schema_that_is_gone_is_missed_where_the_code_of_the_task_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mill.yaml").write_text(MILL.replace("nothing", "mill_code"), encoding="utf-8")
    (tmp_path / "mill_code.py").write_text(CODE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for cases, status in ((CODE_CASES, "survived"), (CODE_CASES + CODE_FAILS, "killed")):
        (tmp_path / "mill.flowtest.yaml").write_text(cases, encoding="utf-8")
        _, verdicts = judged(tmp_path, equivalence=False)
        assert verdicts["task:Bake/task-schema"].status == status


def test_the_verdicts_do_not_depend_on_the_number_of_processes(shop: Path) -> None:
    _, alone = judged(shop)
    _, beside = judged(shop, jobs=2)
    assert list(alone) == list(beside)
    assert [v._replace(mutant=v.mutant._replace(plan=v.mutant.plan)) for v in alone.values()] == list(
        beside.values()
    )


def test_cases_that_fail_anyway_judge_nothing(shop: Path) -> None:
    text = CASES.replace("Gift: 1", "Gift: 2")
    (shop / "shop.flowtest.yaml").write_text(text, encoding="utf-8")
    files = collect([str(shop)], ())
    assert files[0].project.plan is not None
    wrong = Campaign(files[0].project.plan, (), files, None).rehearse()
    assert [case.name for case, _ in wrong] == ["a gift"]


def test_what_the_runs_of_a_mutant_leave_is_gone_before_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(Path(__file__).parents[2] / "sample_flows" / "payment", tmp_path / "payment")
    monkeypatch.chdir(tmp_path / "payment")
    files = collect([])
    plan = files[0].project.plan
    assert plan is not None
    campaign = Campaign(plan, files[0].project.pythonpath, files, None)
    campaign.rehearse()
    found = list(mutants(plan))

    def objects_left() -> int:
        for mutant in found:
            campaign.judge(mutant)
        return len(gc.get_objects())

    objects_left()
    first, second = objects_left(), objects_left()
    assert second - first < 1000
