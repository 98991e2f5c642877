"""One rule: one file, one code, one documentation with fixed headings, one golden case."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from selinon_core.diagnostics import Severity
from selinon_core.diagnostics.kinds import ALL_FAULTS
from selinon_core.lint import rules as rules_package
from selinon_core.lint.registry import every_rule, project_rules, rules_of_plans
from selinon_core.lint.rule import HEADINGS, Rule
from tests.lint.example_projects import lint_text

GOLDEN = Path(__file__).parent / "golden"
EVERY_RULE = every_rule()
RULE_IDS = [rule.code for rule in EVERY_RULE]


#: The folders of rules, and how the codes in them begin.
FOLDERS = {
    "yaml": ("SEL0", "SEL1"),
    "names": ("SEL2",),
    "graph": ("SEL3",),
    "results": ("SEL40",),
    "flows": ("SEL41", "SEL42"),
    "expressions": ("SEL43", "SEL44", "SEL45"),
    "fallbacks": ("SEL5",),
    "code": ("SEL6",),
    "migration": ("SEL7",),
    "cases": ("SEL80", "SEL81"),
    "operating": ("SEL82", "SEL83"),
    "style": ("SEL9",),
}


def test_the_folders_are_those_of_the_table() -> None:
    assert sorted(folder.name for folder in pkgutil.iter_modules(rules_package.__path__)) == sorted(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_file_holds_one_rule_that_its_folder_lists(folder: str) -> None:
    package = importlib.import_module(f"{rules_package.__name__}.{folder}")
    found = []
    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        own = [
            value
            for value in vars(loaded).values()
            if isinstance(value, type) and issubclass(value, Rule) and value.__module__ == loaded.__name__
        ]
        assert len(own) == 1, f"{module.name} holds {len(own)} rules"
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", own[0].__name__).lower()
        assert module.name == snake
        found += own
    assert sorted(found, key=lambda rule: rule.code) == list(package.RULES)
    assert all(rule.code.startswith(FOLDERS[folder]) for rule in found)


def test_codes_are_unique_and_in_order() -> None:
    codes = [rule.code for rule in EVERY_RULE]
    assert len(set(codes)) == len(codes)
    assert codes == sorted(codes)
    assert all(re.fullmatch(r"SEL[0-9]{3}", code) for code in codes)


def test_every_fault_of_the_reader_is_a_rule_of_the_same_severity() -> None:
    severities = {rule.code: rule.severity for rule in EVERY_RULE}
    assert [fault for fault in ALL_FAULTS if severities.get(fault.code) is not fault.severity] == []


@pytest.mark.parametrize("rule", EVERY_RULE, ids=RULE_IDS)
def test_documentation_has_every_heading(rule: type[Rule]) -> None:
    explanation = rule.explanation()
    assert list(explanation) == ["", *HEADINGS]
    assert all(explanation.values())
    assert explanation[""].endswith(".")
    assert "\n" not in explanation[""]
    assert rule.title
    assert rule.title[0].islower() or not rule.title[0].isalpha() or rule.title.split()[0].isupper()
    assert not rule.title.endswith(".")


@pytest.mark.parametrize("rule", EVERY_RULE, ids=RULE_IDS)
def test_example_shows_the_fault_and_nothing_else(rule: type[Rule], tmp_path: Path) -> None:
    found = lint_text(rule.explanation()["Example"], tmp_path)
    assert {d.code for d in found if _counts(d.code, rule)} == {rule.code}
    assert all(d.severity is rule.severity for d in found if d.code == rule.code)


@pytest.mark.parametrize("rule", EVERY_RULE, ids=RULE_IDS)
def test_what_to_use_instead_is_clean(rule: type[Rule], tmp_path: Path) -> None:
    found = lint_text(rule.explanation()["Use instead"], tmp_path)
    assert [d for d in found if _counts(d.code, rule)] == []


@pytest.mark.parametrize("rule", EVERY_RULE, ids=RULE_IDS)
def test_there_is_a_golden_case(rule: type[Rule]) -> None:
    expected = (GOLDEN / f"{rule.code}.txt").read_text()
    assert f"{rule.severity.value}[{rule.code}]" in expected


def test_severities_follow_the_ranges() -> None:
    for rule in project_rules():
        if rule.code.startswith("SEL9"):
            assert rule.severity is not Severity.ERROR


def _counts(code: str, rule: type[Rule]) -> bool:
    # Examples do not bring the modules they name unless they are about them.
    return code != "SEL601" or rule.code == "SEL601"


def test_a_plan_needs_no_rule_of_the_other_folders() -> None:
    others = set(project_rules()) - set(rules_of_plans())
    errors = {rule.code[:4] for rule in others if rule.severity is Severity.ERROR}
    assert errors <= {"SEL6", "SEL7"}  # about user code and git, which a plan is made without
    assert not {rule.code[:4] for rule in rules_of_plans()} & {"SEL6", "SEL7"}
