"""What the schema of SARIF 2.1.0 demands of what is written."""

from __future__ import annotations

import re
from typing import Any


def check_sarif(log: dict[str, Any]) -> None:
    """Hold a log against the constraints of the SARIF 2.1.0 schema that concern what we write."""
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    assert re.fullmatch(r"https://\S+/sarif-schema-2\.1\.0\.json", log["$schema"])
    (run,) = log["runs"]
    assert set(run) <= {"tool", "columnKind", "originalUriBaseIds", "results"}
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    bases = run["originalUriBaseIds"]
    for base in bases.values():
        assert re.fullmatch(r"file:///[!-~]*/", base["uri"])
    driver = run["tool"]["driver"]
    assert driver["name"]
    assert set(driver) <= {"name", "semanticVersion", "rules"}
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids))
    for rule in driver["rules"]:
        texts = {"shortDescription", "fullDescription", "help"}
        assert set(rule) <= {"id", *texts, "helpUri", "defaultConfiguration"}
        assert re.fullmatch(r"https://[!-~]+", rule.get("helpUri", "https://none"))
        for key in ("shortDescription", "fullDescription", "help"):
            assert key not in rule or rule[key]["text"]
        assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
    for result in run["results"]:
        check_result(result, ids, bases)


def check_result(result: dict[str, Any], ids: list[str], bases: dict[str, Any]) -> None:
    known = {"ruleId", "ruleIndex", "level", "message", "locations", "relatedLocations", "suppressions", "fixes"}
    assert set(result) <= known
    assert result["message"]["text"]
    assert result["level"] in ("none", "note", "warning", "error")
    if "ruleIndex" in result:
        assert ids[result["ruleIndex"]] == result["ruleId"]
    for suppression in result.get("suppressions", ()):
        assert suppression["kind"] in ("inSource", "external")
        assert set(suppression) <= {"kind", "justification"}
    for fix in result.get("fixes", ()):
        assert set(fix) == {"description", "artifactChanges"}
        assert fix["description"]["text"]
        assert fix["artifactChanges"]
        for change in fix["artifactChanges"]:
            assert set(change) == {"artifactLocation", "replacements"}
            assert change["replacements"]
            for replacement in change["replacements"]:
                assert set(replacement) <= {"deletedRegion", "insertedContent"}
                assert all(number >= 1 for number in replacement["deletedRegion"].values())
                assert isinstance(replacement["insertedContent"]["text"], str)
    related = result.get("relatedLocations", [])
    assert [location["id"] for location in related] == list(range(len(related)))
    for location in [*result["locations"], *related]:
        artifact = location["physicalLocation"]["artifactLocation"]
        assert re.fullmatch(r"[!-~]+", artifact["uri"])
        if "uriBaseId" in artifact:
            assert artifact["uriBaseId"] in bases
            assert not artifact["uri"].startswith("/")
            assert ":" not in artifact["uri"].split("/")[0]
        else:
            assert artifact["uri"].startswith("file:///")
        region = location["physicalLocation"]["region"]
        assert all(isinstance(number, int) and number >= 1 for number in region.values())
        assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])
