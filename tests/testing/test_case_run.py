"""How cases are run: each by itself, with everything that the case gives and nothing made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.testing import effect
from selinon_core.testing.explained import explanation
from selinon_core.testing.options import RunOptions
from tests.testing.shop import Shop

REAL = "flow: order\ntests:\n  - name: a case\n    tasks: real\n"
MOCKED = "flow: order\ntests:\n  - name: a case\n"
ORDER = "LoadOrder: {result: {number: 8, total: 5, lines: [{item: tea, quantity: 1, price: 5}]}}"


def test_a_case_has_storages_of_its_own(shop: Shop) -> None:
    case = "    expect: {stored: {Results: 6}}\n"
    result = shop.run_file(REAL + case + "  - name: another\n    tasks: real\n" + case)
    assert [one.status for one in result.cases] == ["passed", "passed"]


def test_without_mocks_a_decision_on_a_result_fails_the_case_unless_it_is_allowed(shop: Shop) -> None:
    assert "stand_ins" in {finding.expectation for finding in shop.run(MOCKED).findings}
    allowed = shop.run(MOCKED + "    stand_ins: allow\n")
    assert "stand_ins" not in {finding.expectation for finding in allowed.findings}


def test_a_function_that_cannot_be_imported_has_to_be_mocked(shop: Shop) -> None:
    Path("tasks.py").unlink()
    (finding,) = shop.run(MOCKED + f"    mocks: {{{ORDER}}}\n").findings
    assert "tasks.order_lines cannot be imported and has no mock" in finding.found
    mocked = shop.run(MOCKED + f"    mocks: {{{ORDER}, functions: {{tasks.order_lines: []}}}}\n")
    assert mocked.status == "passed"


def test_a_module_that_cannot_be_imported_is_an_error_where_code_is_to_run(shop: Shop) -> None:
    Path("tasks.py").write_text("import no_such_module_anywhere\n", encoding="utf-8")
    result = shop.run(REAL)
    assert not result.is_fine
    assert "no_such_module_anywhere" in explanation(result)


def test_a_case_whose_flow_is_gone_is_stale_and_does_not_run(shop: Shop) -> None:
    (case,) = shop.cases(REAL)
    from selinon_core.testing.case_run import CaseRunner
    from selinon_core.testing.snapshots import Snapshots

    runner = CaseRunner(shop.plan, shop.project.pythonpath, RunOptions())
    gone = (case._replace(flow="old_order"),)
    result = runner.run(0, gone, Snapshots("x.yaml", "x.yaml"), lambda *ran: pytest.fail("it ran"))
    assert (result.status, result.reason) == ("stale", "there is no flow old_order any more")


def test_skipped_and_expected_failures(shop: Shop) -> None:
    result = shop.run_file(
        "flow: order\ntests:\n"
        "  - {name: skipped, skip: later}\n"
        "  - {name: known, xfail: a bug, tasks: real, expect: {not_ran: Charge}}\n"
        "  - {name: repaired, xfail: a bug, tasks: real}\n"
    )
    assert [(one.status, one.reason) for one in result.cases] == [
        ("skipped", "later"),
        ("xfailed", "a bug"),
        ("failed", "a bug"),
    ]


def test_a_run_that_is_cancelled_or_times_out(shop: Shop) -> None:
    assert shop.run(
        REAL
        + "    fail: Charge\n    at: [{at: 5, cancel: true}]\n    expect: {status: failure, reason: cancelled}\n"
    ).is_fine
    timed = shop.run(REAL + "    fail: Charge\n    timeout: 10\n    expect: {status: failure, reason: timeout}\n")
    assert timed.is_fine, timed.findings
    assert shop.run(REAL + "    timeout: 10\n").is_fine


CYCLE = """
tasks: [{name: Ask, import: shop, storage: S}, {name: Tell, import: shop}]
storages: [{name: S, import: shop}]
flows: [round]
flow-definitions:
  - name: round
    edges:
      - {from: null, to: Ask}
      - {from: Ask, to: [Tell, Ask], condition: {name: fieldTrue, args: {key: again}}}
""".replace("fieldTrue, args: {key: again}", "fieldEqual, args: {key: again, value: true}")


def test_a_case_that_never_ends_names_the_cycle_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "round.yaml").write_text(CYCLE, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = Shop().run(
        "flow: round\ntests:\n  - name: for ever\n    mocks: {Ask: {result: {again: true}}}\n"
        "    expect: {runs: {Ask: 1, Tell: 1}, args: {Ask: 5}, virtual_seconds: 3}\n"
    )
    assert [finding.expectation for finding in result.findings] == ["max_steps"]
    assert "the cycle Ask -> Ask in flow round does not end" in result.findings[0].found
    assert "raise max_steps of the case" in result.findings[0].found


NESTED = """
tasks: [{name: Load, import: shop}, {name: Undo, import: shop}]
flows: [outer, inner]
flow-definitions:
  - name: outer
    edges: [{from: null, to: inner}]
  - name: inner
    edges: [{from: null, to: Load}]
    failures: [{nodes: Load, fallback: Undo}]
"""


def test_a_fallback_may_be_called_with_its_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nested.yaml").write_text(NESTED, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for called in ("Load -> Undo", "inner/Load -> Undo"):
        result = Shop().run(
            f"flow: outer\ntests:\n  - name: a\n    mocks: {{Load: {{fatal: broken}}}}\n"
            f"    expect: {{fallbacks: {called}}}\n"
        )
        assert result.is_fine, (called, result.findings)


def test_why_a_node_is_not_unreached(shop: Shop) -> None:
    result = shop.run(
        MOCKED + f"    mocks: {{{ORDER.replace('total: 5', 'total: 0')}}}\n"
        "    stand_ins: allow\n    expect: {unreached: [Charge]}\n"
    )
    (finding,) = [finding for finding in result.findings if finding.expectation == "unreached"]
    assert finding.reasons, finding


def test_attempts_may_take_virtual_time(shop: Shop) -> None:
    assert shop.run(REAL + "    durations: {Charge: 7}\n    expect: {virtual_seconds: 7}\n").is_fine


def test_a_selective_run_may_reuse_the_results_of_another_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("flow.yaml").write_text(
        "storages: [{name: S, import: selinon_core.storages.memory, classname: InMemoryStorage}]\n"
        "tasks:\n"
        "  - {name: A, import: m, storage: S, selective_run_function: {import: m, name: reuse}}\n"
        "  - {name: B, import: m, storage: S}\n"
        "flow-definitions: [{name: f, edges: [{from: , to: A}, {from: A, to: B}]}]\n",
        encoding="utf-8",
    )
    shop = Shop()
    run = LocalExecutor(shop.plan, LocalOptions(mock_all=True, seed=0)).run("f")
    text = (
        "flow: f\ntests:\n"
        "  - {name: whole, mocks: {A: {result: 5}}}\n"
        "  - name: again\n"
        "    select: {tasks: B, reuse: whole}\n"
        f"    mocks: {{functions: {{m.reuse: {run.nodes[0]['id']}}}}}\n"
        "    expect: {statuses: {A: reused, B: success}, results: {A: 5}}\n"
    )
    results = shop.run_file(text).cases
    assert [(one.status, one.findings) for one in results] == [("passed", ())] * 2


def test_prints_are_kept_of_cases_that_fail_only(shop: Shop) -> None:
    text = Path("tasks.py").read_text(encoding="utf-8")
    noisy = "        import sys\n        print('loading')\n        print('to stderr', file=sys.stderr)\n"
    Path("tasks.py").write_text(text.replace("        number = ", noisy + "        number = "), encoding="utf-8")
    assert shop.run(REAL).output == ""
    assert shop.run(REAL + "    expect: {not_ran: Charge}\n").output == "loading\nto stderr\n"


def test_effects_that_tasks_note_are_for_functions_of_invariants(shop: Shop) -> None:
    text = Path("tasks.py").read_text(encoding="utf-8")
    noting = 'effect("charge", order=order["number"])\n        return {"receipt"'
    text = "from selinon_core.testing import effect\n" + text.replace("from __future__ import annotations\n", "")
    Path("tasks.py").write_text(text.replace('return {"receipt"', noting), encoding="utf-8")
    Path("checks.py").write_text(
        "def charges(run):\n    return '; '.join(f'{e.kind} {e.about}' for e in run.effects)\n", encoding="utf-8"
    )
    invariant = "invariants: [{name: no charge, import: checks, function: charges}]\n"
    (finding,) = shop.run(invariant + REAL).findings
    assert finding.found == "charge {'order': 7}"
    effect("charge", order=9)  # outside of a test nothing happens


def test_mocks_that_nothing_uses_are_noted_once_all_cases_ran(shop: Shop) -> None:
    text = (
        "flow: order\n"
        f"mocks: {{{ORDER}, ReleaseItems: {{result: 5}}}}\n"
        "tests:\n"
        "  - name: one\n"
        "    mocks: {functions: {tasks.order_lines: []}, Charge: [{error: 'E: e'}, {result: 1}, {result: 2}]}\n"
        "  - {name: two, skip: later, mocks: {Ship: {result: 1}}}\n"
    )
    notes = [note.text for note in shop.run_file(text).notes if note.is_error(ci=True)]
    assert notes == ["no run used the mock of ReleaseItems", "no run used an outcome of the mock of Charge"]
    assert [note for note in shop.run_file(text, numbers=(0,)).notes if note.is_error(ci=True)] == []


def test_the_verdict_does_not_depend_on_the_seed_of_a_flow_that_does_not_depend_on_order(shop: Shop) -> None:
    text = MOCKED + (
        "    mocks:\n"
        "      LoadOrder: {result: {number: 7, total: 5, lines: [{item: tea, quantity: 1, price: 5}]}}\n"
        "      ReserveItem: {result: 1}\n      Charge: {result: 2}\n"
        "      functions: {tasks.order_lines: [1, 2, 3]}\n"
        "    expect:\n      runs: {LoadOrder: 1, reserve: 1, reserve/ReserveItem: 3, Charge: 1, Ship: 1}\n"
        "      order: [reserve, Charge, Ship]\n      args: {reserve/ReserveItem: [1, 2, 3]}\n"
    )
    result = shop.run(text, RunOptions(seeds=50))
    assert (result.status, result.runs, result.failed_runs) == ("passed", 50, 0)


def test_a_case_runs_by_the_driver_for_production_with_the_same_mocks(shop: Shop) -> None:
    case = (
        "flow: order\ntests:\n  - name: a case\n    driver: production\n"
        f"    mocks: {{{ORDER}, Charge: [{{error: 'Busy: no'}}, {{result: {{receipt: R-7}}}}]}}\n"
        "    expect: {attempts: {Charge: 2}, results: {Charge: {receipt: R-7}}, order: [LoadOrder, Charge]}\n"
    )
    result = shop.run(case)
    assert result.findings == ()
    locally = shop.run(case.replace("production", "local"))
    assert (result.status, locally.status) == ("passed", "passed")


def test_an_expectation_that_fails_in_production_is_explained(shop: Shop) -> None:
    result = shop.run(
        MOCKED + f"    driver: production\n    mocks: {{{ORDER}}}\n    expect: {{not_ran: [Charge]}}\n"
    )
    assert "Charge" in explanation(result)
    assert result.status == "failed"


def test_mocks_of_a_case_that_could_not_be_run_are_not_noted(shop: Shop) -> None:
    text = (
        "flow: order\ntests:\n  - name: one\n"
        f"    mocks: {{{ORDER}, reserve: {{finished: {{}}}}, ReleaseItems: {{result: 5}}}}\n"
    )
    assert "no run used the mock of ReleaseItems" in [note.text for note in shop.run_file(text).notes]
    found = shop.run_file(text, RunOptions(driver="production"))
    assert [case.status for case in found.cases] == ["error"]  # a sub-flow is not mocked as a whole there
    assert not [note.text for note in found.notes if note.is_error(ci=True)]
