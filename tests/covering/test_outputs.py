"""Coverage for other programs and as a page: what they parse, and that no text of a project becomes markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from selinon_core.covering import CoverageData, CoverageReport, judge
from selinon_core.covering.elements import elements_of
from selinon_core.covering.outputs.cobertura import to_cobertura
from selinon_core.covering.outputs.drawing import coverage_drawing
from selinon_core.covering.outputs.html import to_html
from selinon_core.covering.outputs.json_form import report_json
from selinon_core.covering.outputs.lcov import to_lcov
from selinon_core.plan import Plan
from tests.covering.sample_runs import compiled, covered
from tests.covering.small_flows import FIRST, SECOND, flow


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CoverageReport:
    plan, _ = compiled("order_pipeline", tmp_path, monkeypatch)
    return judge(plan, covered(plan, "order_pipeline"))


def below(prefix: str) -> str:
    """As ``locate``: files are in a directory of the repository."""
    return f"shop/{prefix}"


def test_cobertura_has_a_line_per_edge_with_its_goals_as_branches(orders: CoverageReport) -> None:
    root = ElementTree.fromstring(to_cobertura(orders, "/repo", below, 1000))
    assert root.attrib["timestamp"] == "1000"
    assert (root.attrib["branches-covered"], root.attrib["branches-valid"]) == ("19", "20")
    assert root.attrib["branch-rate"] == "0.95"
    assert root.findtext("sources/source") == "/repo"
    (reserve,) = [c for c in root.iter("class") if c.attrib["filename"] == "shop/flows/reserve.yaml"]
    (line,) = reserve.iter("line")
    assert line.attrib == {"number": "9", "hits": "18", "branch": "true", "condition-coverage": "80% (4/5)"}
    assert {package.attrib["name"] for package in root.iter("package")} == {"shop", "shop.flows"}


def test_cobertura_sums_add_up(orders: CoverageReport) -> None:
    root = ElementTree.fromstring(to_cobertura(orders, "/repo", below))
    lines = list(root.iter("line"))
    assert int(root.attrib["lines-valid"]) == len(lines)
    assert int(root.attrib["lines-covered"]) == sum(line.attrib["hits"] != "0" for line in lines)
    shares = [re.fullmatch(r"(\d+)% \((\d+)/(\d+)\)", line.attrib["condition-coverage"]) for line in lines]
    assert sum(int(share[2]) for share in shares if share) == orders.total.covered


def test_lcov_has_the_same_lines(orders: CoverageReport) -> None:
    text = to_lcov(orders, below)
    records = {
        re.findall(r"^SF:(.*)$", part, re.MULTILINE)[0]: part for part in text.split("end_of_record\n") if part
    }
    reserve = records["shop/flows/reserve.yaml"].splitlines()
    assert reserve == [
        "TN:",
        "SF:shop/flows/reserve.yaml",
        "BRDA:9,0,0,10",
        "BRDA:9,0,1,4",
        "BRDA:9,0,2,0",
        "BRDA:9,0,3,1",
        "BRDA:9,0,4,3",
        "BRF:5",
        "BRH:4",
        "DA:9,18",
        "LF:1",
        "LH:1",
    ]


def test_a_line_that_nothing_met_has_no_hits_and_a_rate_of_nothing() -> None:
    report = judge(flow(FIRST, SECOND), CoverageData())
    root = ElementTree.fromstring(to_cobertura(report, "/", str))
    assert (root.attrib["line-rate"], root.attrib["branch-rate"]) == ("0", "0")
    assert {line.attrib["hits"] for line in root.iter("line")} == {"0"}
    assert set(re.findall(r"^BRDA:\d+,0,\d+,(.*)$", to_lcov(report, str), re.MULTILINE)) == {"-"}


def test_without_any_goal_everything_is_still_well_formed() -> None:
    report = judge(flow(FIRST), CoverageData(), wanted=lambda goal: False)
    root = ElementTree.fromstring(to_cobertura(report, "/", str))
    assert (root.attrib["lines-valid"], root.attrib["line-rate"]) == ("0", "1")
    assert to_lcov(report, str) == ""
    assert report_json(report)["total"] == {"covered": 0, "goals": 0, "percent": None}
    assert "No flow has a goal." in to_html(flow(FIRST), report, {})


def test_json_lists_goals_with_their_cases(orders: CoverageReport) -> None:
    found = report_json(orders)
    assert found["version"] == 1
    assert found["total"] == {"covered": 19, "goals": 20, "percent": 95.0}
    order = found["flows"]["order"]
    assert (order["covered"], order["goals"], order["percent"]) == (15, 15, 100.0)
    goal = next(goal for goal in order["goals_list"] if goal["id"] == "order/edge:2/no")
    assert goal == {
        "id": "order/edge:2/no",
        "kind": "edge-no",
        "text": "[LoadOrder, reserve] -> Charge said no",
        "where": "flows/order.yaml:17:9",
        "status": "covered",
        "hits": 1,
        "by": ["a gift"],
    }
    assert [goal["id"] for goal in report_json(orders, missing_only=True)["flows"]["reserve"]["goals_list"]] == [
        "reserve/edge:0/foreach-none"
    ]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "xlink:href", "src"):
                self.links.append(value or "")


def page(plan: Plan, report: CoverageReport, sources: dict[str, str]) -> tuple[str, _Reader]:
    text, reader = to_html(plan, report, sources), _Reader()
    reader.feed(text)
    return text, reader


def test_the_page_is_one_file_with_unique_ids_and_links_that_lead_somewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, project = compiled("order_pipeline", tmp_path, monkeypatch)
    text, reader = page(plan, judge(plan, covered(plan, "order_pipeline")), dict(project.sources))
    assert len(reader.ids) == len(set(reader.ids))
    assert "script" not in reader.tags
    assert reader.tags.count("svg") == 2
    assert {link for link in reader.links if not link.startswith("#")} == set()
    assert {link[1:] for link in reader.links} <= set(reader.ids)
    assert "charging fails" in text
    assert ">4/5 · 18<" in text


def test_nothing_of_a_project_becomes_markup() -> None:
    plan = flow(FIRST, SECOND.replace("key: x", 'key: "<script>alert(1)</script>"'))
    data = CoverageData()
    data.of_flow("f", elements_of(plan.flows["f"])).hit("edge:0/fired", "<img src=x onerror=alert(1)>")
    sources = {"f.yaml": "<script>alert(2)</script>\n" * 20}
    _, reader = page(plan, judge(plan, data), sources)
    assert not {"script", "img"} & set(reader.tags)
    ElementTree.fromstring(to_cobertura(judge(plan, data), "<&>", lambda file: f'<"{file}">&'))


def test_the_drawing_shows_what_is_covered_partly_covered_and_never_met() -> None:
    plan = flow(FIRST, SECOND, "{from: A, to: C}")
    data = CoverageData()
    part = data.of_flow("f", elements_of(plan.flows["f"]))
    for key in ("node:A/ran", "edge:0/fired", "edge:1/no"):
        part.hit(key, "case")
    drawing = coverage_drawing(plan, judge(plan, data).flows[0])
    states = {node.id: node.state for node in drawing.nodes}
    assert states == {
        "start": "",
        "task:A": "covered",
        "task:B": "never",
        "task:C": "never",
        "condition:1": "partly",
    }
    arrows = {(edge.source, edge.target): edge.state for edge in drawing.edges}
    assert arrows["start", "task:A"] == "covered"
    assert arrows["condition:1", "task:B"] == arrows["task:A", "task:C"] == "never"
