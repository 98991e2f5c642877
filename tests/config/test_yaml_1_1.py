"""Unquoted values that YAML 1.1 reads otherwise than people do."""

from __future__ import annotations

import pytest

from selinon_core.project import compile_text

PROJECT = """
storages:
  - name: S
    import: m
    configuration: {{password: {0}, deep: [{{x: {0}}}]}}
    cache: {{name: LRU, configuration: {{max_cache_size: 1, seed: {0}}}}}
tasks: [{{name: A, import: m, storage: S}}]
flow-definitions:
  - name: f
    sampling: {{import: m, name: s, args: {{x: {0}}}}}
    edges:
      - {{from: , to: A}}
      - {{from: A, to: A, condition: {{name: fieldEqual, args: {{key: a, value: {0}}}}}}}
"""


def found(text: str) -> list[str]:
    return [d.message for d in compile_text({"f": text}, lint=True).diagnostics if d.code == "SEL915"]


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("01234", "668"),
        ("0123456", "42798"),
        ("12:30:00", "45000"),
        ("1:30.5", "90.5"),
        ("0b101", "5"),
        ("1_000", "1000"),
        ("NO", "false"),
        ("yes", "true"),
        ("off", "false"),
    ],
)
def test_found_wherever_data_stands(value: str, meaning: str) -> None:
    assert found(PROJECT.format(value)) == [f"{value} is {meaning} in YAML 1.1"] * 5


@pytest.mark.parametrize(
    "value", ["1234", "0", "0.5", "'01234'", '"no"', "089", "true", "False", "1e3", "0x1F", "a:b", "12:99", "null"]
)
def test_values_that_are_what_they_seem(value: str) -> None:
    assert found(PROJECT.format(value)) == []


@pytest.mark.parametrize(("value", "count"), [("010", 1), ("1:30", 1), ("1_000", 0), ("8", 0)])
def test_numbers(value: str, count: int) -> None:
    text = f"tasks: [{{name: A, import: m, max_retry: {value}}}]\n"
    assert len(found(text)) == count
