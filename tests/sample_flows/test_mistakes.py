"""Mistakes as people make them, put into the samples one at a time: lint or the cases notice each."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from selinon_core.project import compile_project
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
        "LoadOrder.total > 0",
        "LoadOrder.total >= 0",
        "expected  Charge not to run",
    ),
    Mistake(
        "nothing is charged",
        "order_pipeline",
        "flows/order.yaml",
        "LoadOrder.total > 0",
        "LoadOrder.total > 100",
        "LoadOrder.total > 100    is false: LoadOrder.total was 81",
    ),
    Mistake(
        "the condition reads another field",
        "order_pipeline",
        "flows/order.yaml",
        "LoadOrder.total > 0",
        "LoadOrder.number > 0",
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
        "the number of the order is charged",
        "order_pipeline",
        "flows/order.yaml",
        "amount: ${LoadOrder.total}",
        "amount: ${LoadOrder.number}",
        "expected  the result of Charge",
    ),
    Mistake(
        "the fallback hides that charging failed",
        "order_pipeline",
        "flows/order.yaml",
        "propagate_failure: true",
        "propagate_failure: false",
        "no run of Ship finished",
    ),
    Mistake(
        "the reserved items do not reach the parcel",
        "order_pipeline",
        "flows/reserve.yaml",
        "shelves: ${[one.shelf for one in all.ReserveItem]}",
        "shelves: []",
        "expected  the result of Ship",
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
        "        args:\n          item: ${line.item}\n          quantity: ${line.quantity}\n",
        "",
        '"ReserveItem" takes no argument "price"',
    ),
    Mistake(
        "the receipt does not wait for the voucher",
        "payment",
        "nodes.yaml",
        "from: [ChargeCard, RedeemVoucher]",
        "from: [ChargeCard]",
        '"RedeemVoucher" never runs before this edge',
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
        "        propagate_failure: true\n"
        "        args:\n"
        '          reasons: ["${failed.ChargeCard.message}", "${failed.RedeemVoucher.message}"]\n',
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
        "        condition:\n          not: *needs_review",
        "        condition: *needs_review",
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
        "Improve.error > vars.precise",
        "Improve.error >= vars.precise",
        "the cycle Improve -> Improve in flow square_root does not end",
    ),
    Mistake(
        "good enough is a thousand times better",
        "refinement_loop",
        "nodes.yaml",
        "precise: 0.000001",
        "precise: 0.000000001",
        "Improve",
    ),
    Mistake(
        "a region is not told the version",
        "regions",
        "flows.yaml",
        "      - from:\n        to: DeployAsia\n        args:\n          version: ${args.version}\n",
        "      - from:\n        to: DeployAsia\n        args:\n          version: '1.0'\n",
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
        "foreach: {in: ListFiles, as: file}\n        args:\n          file: ${file}",
        "args:\n          file: ${ListFiles[0]}",
        "expected  import_one to run 3 times",
    ),
    Mistake(
        "celsius is converted",
        "sensor_import",
        "flows.yaml",
        'unit == "F"',
        'unit == "C"',
        "ConvertToCelsius",
    ),
    Mistake(
        "a broken file stops its import",
        "sensor_import",
        "flows.yaml",
        "    failures:\n      - nodes: ReadSensor\n        fallback: Quarantine\n        args:\n"
        "          file: ${args.file}\n          because: ${failed.ReadSensor.type}\n",
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
        "    nowait: UpdateStatistics        # started; the flow neither waits for it nor fails with it\n",
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
        "len(ReadSales.sales) > 0",
        "len(ReadSales.sales) >= 0",
        "SumSales",
    ),
    Mistake(
        "the card does not wait for the longest word",
        "book_statistics",
        "nodes.yaml",
        "from: [CountWords, LongestWord]",
        "from: CountWords",
        '"LongestWord" never runs before this edge',
    ),
    Mistake(
        "the walk does not go into directories",
        "directory_walk",
        "nodes.yaml",
        "in: ListDirectory.directories",
        "in: ListDirectory.files",
        "walk",
    ),
    Mistake(
        "the crawl does not end",
        "crawler",
        "flows.yaml",
        "len(FindNewPages.pages) > 0",
        "len(FindNewPages.pages) >= 0",
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
        "values: ${RemoveOutliers}",
        "values: ${ReadMeasurements}",
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
    monkeypatch.setattr("selinon_core.testing.case_run.MOST_STEPS", 2000)  # some mistakes make a flow endless
    assert mistake.told in "\n".join(findings()), findings()


def findings() -> list[str]:
    """What is told here: mistakes in the flows, in the cases, or what the runs of cases that fail did not do."""
    project = compile_project()
    if project.plan is None:
        return [found.message for found in project.diagnostics]
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
