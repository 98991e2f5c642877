"""Every fault of the reader is explained."""

from __future__ import annotations

import yaml

from selinon_core.config.codes import ALL_FAULTS
from selinon_core.lint.reading_rules import READING_RULES
from selinon_core.lint.rule import HEADINGS


def test_there_is_one_rule_for_every_fault() -> None:
    assert [(rule.code, rule.severity) for rule in READING_RULES] == list(ALL_FAULTS)
    assert len({rule.code for rule in READING_RULES}) == len(READING_RULES)


def test_explanations_have_all_their_parts() -> None:
    for rule in READING_RULES:
        parts = rule.explanation()
        assert list(parts) == ["", *HEADINGS], rule.code
        assert all(parts.values()), rule.code
        assert rule.title


def test_what_is_recommended_is_yaml() -> None:
    for rule in READING_RULES:
        if rule.code != "SEL002":
            text = rule.explanation()["Use instead"]
            list(yaml.safe_load_all(text if "&base" in text else text.replace("*base", "{}")))
