"""JUnit XML of results: well-formed whatever names and texts hold."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from selinon_core.cases.model import Case
from selinon_core.diagnostics.location import Place
from selinon_core.testing.junit import junit_xml
from selinon_core.testing.results import CaseResult, Finding


def case(name: str) -> Case:
    return Case(name, "order", "order.flowtest.yaml", Place("order.flowtest.yaml", 3, 5), tags=("shop",))


RESULTS = (
    CaseResult(0, "passed", seconds=0.25),
    CaseResult(1, "failed", seed=7, findings=(Finding("ran", "Charge to run", "it did not run"),), output="hello"),
    CaseResult(2, "error", findings=(Finding("error", "", "no module"),)),
    CaseResult(3, "skipped", reason="later"),
    CaseResult(4, "xfailed", reason="known"),
    CaseResult(5, "stale", reason="there is no flow old any more"),
)


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def test_a_suite_counts_its_cases() -> None:
    pairs = [(case(result.status), result, "text") for result in RESULTS]
    (suite,) = parsed(junit_xml([("order.flowtest.yaml", pairs)]))
    assert suite.attrib == {
        "name": "order.flowtest.yaml",
        "tests": "6",
        "failures": "1",
        "errors": "2",
        "skipped": "2",
        "time": "0.250",
    }


def test_a_case_has_its_result_its_seed_and_what_its_tasks_printed() -> None:
    pairs = [(case(result.status), result, "why") for result in RESULTS]
    (suite,) = parsed(junit_xml([("order.flowtest.yaml", pairs)]))
    passed, failed, error, skipped, xfailed, stale = suite
    assert [child.tag for child in passed] == ["properties"]
    assert (failed.get("classname"), failed.get("name")) == ("order.flowtest.yaml", "failed")
    failure = failed.find("failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("expected Charge to run, but it did not run", "why")
    assert [p.attrib for p in failed.iter("property")] == [
        {"name": "flow", "value": "order"},
        {"name": "seed", "value": "7"},
        {"name": "tag", "value": "shop"},
    ]
    assert failed.findtext("system-out") == "hello"
    assert error.find("error") is not None
    assert [each.find("skipped") is not None for each in (skipped, xfailed)] == [True, True]
    assert stale.find("error") is not None


@given(st.text(), st.text())
def test_what_xml_cannot_hold_is_escaped(name: str, text: str) -> None:
    found = junit_xml([(name, [(case(name), RESULTS[1]._replace(output=text, reason=name), text)])])
    (suite,) = parsed(found.encode("utf-8", "surrogatepass").decode("utf-8"))
    assert len(suite) == 1
