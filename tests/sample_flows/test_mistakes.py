"""Mistakes as people make them, put into the samples one at a time: the cases of the sample notice each."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from selinon_core.testing.collection import collect
from selinon_core.testing.explained import explanation
from selinon_core.testing.options import RunOptions
from selinon_core.testing.parallel import run_files

SAMPLES = Path(__file__).parents[2] / "sample_flows"


class Mistake(NamedTuple):
    """``old`` is replaced by ``new`` where it stands first in a file of a sample; ``told`` is then printed."""

    what: str
    sample: str
    file: str
    old: str
    new: str
    told: str


MISTAKES = (
    Mistake(
        "a gift is charged",
        "order_pipeline",
        "flows/order.yaml",
        "fieldGreater",
        "fieldGreaterEqual",
        "expected  Charge not to run",
    ),
    Mistake(
        "nothing is charged",
        "order_pipeline",
        "flows/order.yaml",
        "args: {key: total, value: 0}",
        "args: {key: total, value: 100}",
        "LoadOrder.total > 100    is false: total was 81",
    ),
    Mistake(
        "the condition reads another field",
        "order_pipeline",
        "flows/order.yaml",
        "args: {key: total, value: 0}",
        "args: {key: number, value: 0}",
        "expected  Charge not to run",
    ),
    Mistake(
        "shipped before it is charged",
        "order_pipeline",
        "flows/order.yaml",
        "from: [reserve, Charge]",
        "from: reserve",
        "Ship",
    ),
    Mistake(
        "charged before it is reserved",
        "order_pipeline",
        "flows/order.yaml",
        "      - from: [LoadOrder, reserve]\n        to: Charge",
        "      - from: LoadOrder\n        to: Charge",
        'is called "[LoadOrder, reserve] -> Charge"',
    ),
    Mistake(
        "the order is not what tasks get",
        "order_pipeline",
        "flows/order.yaml",
        "node_args_from_first: true",
        "node_args_from_first: false",
        "Charge",
    ),
    Mistake(
        "the fallback hides that charging failed",
        "order_pipeline",
        "flows/order.yaml",
        "propagate_failure: true",
        "propagate_failure: false",
        "expected  the flow to end with failure",
    ),
    Mistake(
        "the reserved items do not reach the parcel",
        "order_pipeline",
        "flows/order.yaml",
        "    propagate_finished: reserve",
        "    propagate_finished: false",
        "Ship",
    ),
    Mistake(
        "one retry less",
        "order_pipeline",
        "nodes.yaml",
        "max_retry: 2",
        "max_retry: 1",
        "Charge",
    ),
    Mistake(
        "an item is reserved with the whole order",
        "order_pipeline",
        "flows/reserve.yaml",
        "propagate_result: true",
        "propagate_result: false",
        "ReserveItem",
    ),
    Mistake(
        "the receipt does not wait for the voucher",
        "payment",
        "nodes.yaml",
        "from: [ChargeCard, RedeemVoucher]",
        "from: [ChargeCard]",
        "SendReceipt",
    ),
    Mistake(
        "the wrong part is given back",
        "payment",
        "nodes.yaml",
        "fallback: [RestoreVoucher, ExplainToCustomer]",
        "fallback: [RefundCard, ExplainToCustomer]",
        "RestoreVoucher",
    ),
    Mistake(
        "both failing is not a case of its own",
        "payment",
        "nodes.yaml",
        "      - nodes: [ChargeCard, RedeemVoucher]\n"
        "        fallback: ExplainToCustomer     # nothing to give back\n"
        "        propagate_failure: true\n",
        "",
        'is called "[ChargeCard, RedeemVoucher] -> ExplainToCustomer"',
    ),
    Mistake(
        "the gateway is asked every second",
        "payment",
        "nodes.yaml",
        "retry_countdown: 60",
        "retry_countdown: 1",
        "expected  120 virtual seconds",
    ),
    Mistake(
        "released although something is not documented",
        "quality_gate",
        "flows.yaml",
        "quantifier: any",
        "quantifier: all",
        "Release",
    ),
    Mistake(
        "the opposite is released",
        "quality_gate",
        "flows.yaml",
        "        condition:\n          not: *something_is_undocumented",
        "        condition: *something_is_undocumented",
        "Release",
    ),
    Mistake(
        "the modules that are asked for are not checked",
        "quality_gate",
        "flows.yaml",
        "    propagate_node_args: checks\n",
        "",
        "CheckModule",
    ),
    Mistake(
        "the loop goes on at the limit",
        "refinement_loop",
        "nodes.yaml",
        "name: fieldGreater\n          args",
        "name: fieldGreaterEqual\n          args",
        "the cycle Improve -> Improve in flow square_root does not end",
    ),
    Mistake(
        "good enough is a thousand times better",
        "refinement_loop",
        "nodes.yaml",
        "args: {key: error, value: 0.000001}",
        "args: {key: error, value: 0.000000001}",
        "Improve",
    ),
    Mistake(
        "a region is not told the version",
        "regions",
        "flows.yaml",
        "propagate_node_args: true",
        "propagate_node_args: [europe, america]",
        "asia/DeployAsia",
    ),
    Mistake(
        "announced without Asia",
        "regions",
        "flows.yaml",
        "from: [europe, america, asia]\n        to: Announce",
        "from: [europe, america]\n        to: Announce",
        "Announce",
    ),
    Mistake(
        "a region that fails is not rolled back",
        "regions",
        "flows.yaml",
        "      - nodes: america\n        fallback: RollBack\n        propagate_failure: true\n",
        "",
        "RollBack",
    ),
    Mistake(
        "the roll-back does not see what failed",
        "regions",
        "flows.yaml",
        "propagate_failures: true",
        "propagate_failures: false",
        "RollBack",
    ),
    Mistake(
        "a deployment is tried again at once",
        "regions",
        "nodes.yaml",
        "retry_countdown: 10",
        "retry_countdown: 0",
        "expected  the start in seconds of europe/SmokeTest to be 10",
    ),
    Mistake(
        "only the first file is imported",
        "sensor_import",
        "flows.yaml",
        "        foreach: {import: tasks, function: files, propagate_result: true}",
        "",
        'no function of the project is called "tasks.files"',
    ),
    Mistake(
        "celsius is converted",
        "sensor_import",
        "flows.yaml",
        "value: F",
        "value: C",
        "ConvertToCelsius",
    ),
    Mistake(
        "a broken file stops its import",
        "sensor_import",
        "flows.yaml",
        "    failures:\n      - nodes: ReadSensor\n        fallback: Quarantine\n",
        "",
        "Quarantine",
    ),
    Mistake(
        "results are not checked",
        "sensor_import",
        "nodes.yaml",
        "    output_schema: reading.json     # a result that does not fit fails the task\n",
        "",
        "Quarantine",
    ),
    Mistake(
        "the newsletter waits for the statistics",
        "notifications",
        "nodes.yaml",
        "    nowait: UpdateStatistics        # started, but nobody waits for it or asks whether it failed\n",
        "",
        "expected  the flow to end with success",
    ),
    Mistake(
        "letters are sent twice as fast",
        "notifications",
        "nodes.yaml",
        "throttling: {seconds: 2}",
        "throttling: {seconds: 1}",
        "SendLetter",
    ),
    Mistake(
        "shops without sales are in the report",
        "nightly_report",
        "flows/shops.yaml",
        "length: 0",
        "length: -1",
        "SumSales",
    ),
    Mistake(
        "the card does not wait for the longest word",
        "book_statistics",
        "nodes.yaml",
        "from: [CountWords, LongestWord]",
        "from: CountWords",
        "WriteCard",
    ),
    Mistake(
        "the walk does not go into directories",
        "directory_walk",
        "nodes.yaml",
        "function: directories",
        "function: files",
        "walk",
    ),
    Mistake(
        "the crawl does not end",
        "crawler",
        "flows.yaml",
        "args: {key: pages, length: 0}",
        "args: {key: pages, length: -1}",
        "crawl",
    ),
    Mistake(
        "a checksum may take for ever",
        "traced_backup",
        "nodes.yaml",
        ", timeout: 30}",
        "}",
        "expected  the error of Checksum#1",
    ),
    Mistake(
        "the histogram has the outliers too",
        "selective_rerun",
        "nodes.yaml",
        "      - from: RemoveOutliers\n        to: [Average, Histogram]",
        "      - from: RemoveOutliers\n        to: Average\n      - from: ReadMeasurements\n        to: Histogram",
        "Histogram",
    ),
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake.what for mistake in MISTAKES])
def test_a_mistake_is_noticed(mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / mistake.sample
    shutil.copytree(SAMPLES / mistake.sample, copy, ignore=shutil.ignore_patterns("__pycache__", ".selinon"))
    file = copy / mistake.file
    text = file.read_text(encoding="utf-8")
    assert mistake.old in text
    file.write_text(text.replace(mistake.old, mistake.new, 1), encoding="utf-8")
    monkeypatch.chdir(copy)
    assert mistake.told in "\n".join(findings()), findings()


def findings() -> list[str]:
    """What is told of the cases here: mistakes in them, or what the runs of those that fail did not do."""
    files = collect(["."])
    broken = [found.message for file in files for found in file.diagnostics]
    if broken:
        return broken
    return [
        f"{case.reason}{explanation(case)}"
        for result in run_files(files, RunOptions(ci=True), 1)
        for case in result.cases
        if not case.is_fine
    ]
