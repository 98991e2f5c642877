"""Flow test cases about data: sub-flows mocked by their output, and expectations on arguments and outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testing.shop import Shop, copy_shop

FLOWS = """
flow-definitions:
  - name: handed
    edges:
      - {from: , to: LoadOrder}
      - {from: LoadOrder, to: Charge, args: {amount: "${LoadOrder.total}"}}
  - name: called
    edges:
      - {from: , to: LoadOrder}
      - {from: LoadOrder, to: each, args: {lines: "${LoadOrder.lines}"}}
  - name: each
    edges:
      - {from: , to: ReserveItem, foreach: args.lines}
  - name: priced
    edges:
      - {from: , to: LoadOrder}
    output: {total: "${LoadOrder.total}"}
  - name: billed
    edges:
      - {from: , to: priced}
      - {from: priced, to: Charge, args: {amount: "${priced.total}"}}
    output: ${priced.total * 2}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(copy_shop(tmp_path / "shop"))
    Path("flows/billed.yaml").write_text(FLOWS, encoding="utf-8")
    return Shop()


def case(mocks: str, expect: str) -> str:
    return f"flow: billed\ntests:\n  - {{name: a case, mocks: {{{mocks}, Charge: {{}}}}, expect: {{{expect}}}}}\n"


def test_a_sub_flow_is_mocked_by_its_output_and_everything_behind_it_is_looked_at(shop: Shop) -> None:
    expect = "output: 8, outputs: {priced: {total: 4}}, args: {Charge: {amount: 4}}, runs: {priced: 1, Charge: 1}"
    assert shop.run(case("priced: {output: {total: 4}}", expect)).is_fine


@pytest.mark.parametrize("expect", ["output: 9", "outputs: {priced: {total: 5}}", "args: {Charge: {amount: 5}}"])
def test_what_is_otherwise_is_a_finding(shop: Shop, expect: str) -> None:
    assert not shop.run(case("priced: {output: {total: 4}}", expect)).is_fine


def test_a_mock_without_what_an_expression_reads_is_named(shop: Shop) -> None:
    result = shop.run(case("priced: {output: {sum: 4}}", "output: 8"))
    assert not result.is_fine
    assert 'the mock of priced has no "total"' in str(result.to_json())


def test_made_up_arguments_decide_nothing_by_themselves(shop: Shop) -> None:
    text = "flow: handed\ntests:\n  - {name: a case, mocks: {LoadOrder: {}, Charge: {}}, expect: {ran: Charge}}\n"
    assert shop.run(text).is_fine


def test_what_is_decided_on_made_up_arguments_is_a_finding(shop: Shop) -> None:
    text = "flow: called\ntests:\n  - {name: a case, mocks: {LoadOrder: {}, ReserveItem: {}}}\n"
    result = shop.run(text)
    assert not result.is_fine
    assert "the arguments of its flow are a stand-in" in str(result.to_json())
