"""Results of cases as JUnit XML: a suite a file, a test case a case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from selinon_core.cases.model import Case
from selinon_core.testing.results import CaseResult, counts

#: What XML 1.0 cannot hold, even as a reference.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(suites: Iterable[tuple[str, Sequence[tuple[Case, CaseResult, str]]]]) -> str:
    """The document for suites of (file, cases), a case with its result and the text that explains the latter."""
    root = ElementTree.Element("testsuites", {"name": "selinon"})
    for file, cases in suites:
        root.append(_suite(file, cases))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _suite(file: str, cases: Sequence[tuple[Case, CaseResult, str]]) -> ElementTree.Element:
    number = counts(result for _, result, _ in cases)
    suite = ElementTree.Element(
        "testsuite",
        {
            "name": _clean(file),
            "tests": str(len(cases)),
            "failures": str(number["failed"]),
            "errors": str(number["error"] + number["stale"]),
            "skipped": str(number["skipped"] + number["xfailed"]),
            "time": _seconds(sum(result.seconds for _, result, _ in cases)),
        },
    )
    suite.extend(_case(case, result, text) for case, result, text in cases)
    return suite


def _case(case: Case, result: CaseResult, text: str) -> ElementTree.Element:
    attributes = {"classname": _clean(case.file), "name": _clean(case.title), "time": _seconds(result.seconds)}
    element = ElementTree.Element(
        "testcase", {**attributes, "file": _clean(case.file), "line": str(case.place.line)}
    )
    properties = ElementTree.SubElement(element, "properties")
    for name, value in (("flow", case.flow), ("seed", str(result.seed)), *(("tag", tag) for tag in case.tags)):
        ElementTree.SubElement(properties, "property", {"name": name, "value": _clean(value)})
    if result.status in ("skipped", "xfailed"):
        kind = "pytest.xfail" if result.status == "xfailed" else "pytest.skip"
        ElementTree.SubElement(element, "skipped", {"type": kind, "message": _clean(result.reason)})
    elif not result.is_fine:
        message = result.findings[0].message if result.findings else result.reason
        tag = "failure" if result.status == "failed" else "error"
        ElementTree.SubElement(element, tag, {"message": _clean(message)}).text = _clean(text)
    if result.output:
        ElementTree.SubElement(element, "system-out").text = _clean(result.output)
    return element


def _clean(text: str) -> str:
    """Text without what XML cannot hold: such characters are written as Python does, ``\\x00``."""
    return _NOT_XML.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def _seconds(value: float) -> str:
    return f"{value:.3f}"
