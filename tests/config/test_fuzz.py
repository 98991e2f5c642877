"""Whatever the text is: diagnostics, never an exception, and never more work than the text is worth."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.config.model_builder import ModelBuilder
from selinon_core.config.yaml.composer import MAX_DEPTH
from selinon_core.config.yaml.document import decode, read_document
from selinon_core.diagnostics import Diagnostic, has_errors
from selinon_core.diagnostics.kinds import Collector
from selinon_core.project.compiler import compile_model
from tests.config.mutations import ANYTHING, PATHS, WORDS, replaced
from tests.config.reads import FULL, read_data
from tests.example_counts import examples

FULL_TEXT = yaml.safe_dump(FULL, sort_keys=False)


def read(data: bytes) -> list[Diagnostic]:
    """Read as far as compiling; every diagnostic has to lie in the text."""
    collector = Collector()
    text = decode(data, "f", collector)
    document = read_document(text, "f", collector)
    builder = ModelBuilder(collector)
    builder.add(document)
    model = builder.model()
    lines = len(text.splitlines()) + 1
    for found in collector.found:
        assert 1 <= found.span.line <= max(lines, 1)
        assert found.span.column >= 1
        assert (found.span.end_line, found.span.end_column) >= (found.span.line, found.span.column)
        str(found)
    if not has_errors(collector.found):
        with contextlib.suppress(ValueError):  # unknown names: for the rules to tell
            compile_model(model)
    return collector.found


@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    read(data)


@given(
    st.text(
        st.characters(exclude_categories=()) | st.sampled_from("\x00\x07\ud800\ufeff\x85\u2028\r\t"), max_size=200
    )
)
def test_random_text(text: str) -> None:
    collector = Collector()
    read_document(text, "f", collector)


@given(st.text("[]{}:,-?!&*#|>'\"%@` \n\tab1<", max_size=120))
def test_random_punctuation(text: str) -> None:
    read(text.encode())


@settings(max_examples=examples(60, 200))
@given(st.data())
def test_mutations_of_a_real_file(data: st.DataObject) -> None:
    text = FULL_TEXT
    for _ in range(data.draw(st.integers(1, 6))):
        lines = text.split("\n")
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.integers(0, 5)):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[data.draw(st.integers(0, len(lines) - 1))])
            case 2:
                lines[at] = " " * data.draw(st.integers(0, 8)) + lines[at].lstrip()
            case 3:
                head, _, _ = lines[at].partition(":")
                lines[at] = head + ": " + data.draw(st.sampled_from(WORDS))
            case 4:
                cut = data.draw(st.integers(0, len(lines[at])))
                lines[at] = (
                    lines[at][:cut]
                    + data.draw(st.sampled_from(list("&*!{}[]'\"|>%@:\x00") + WORDS))
                    + lines[at][cut:]
                )
            case _:
                lines = lines[:at]
        text = "\n".join(lines)
    read(text.encode())


@settings(max_examples=examples(80, 300))
@given(st.sampled_from(PATHS), ANYTHING)
def test_wrong_types_everywhere(path: tuple[Any, ...], new: Any) -> None:
    data = replaced(FULL, path, new)
    model, found = read_data(data)
    if not has_errors(found):
        with contextlib.suppress(ValueError):
            compile_model(model)
    read(yaml.safe_dump(data, sort_keys=False).encode())


@given(ANYTHING)
def test_anything_at_all(data: Any) -> None:
    read_data(data)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 100_000,
        "? " * 100_000,
        "[\n" * 100_000,
        "\n".join(" " * i + "a:" for i in range(2_000)),
        "tasks:\n" + "\n".join(" " * i + "- a:" for i in range(1, 2_000, 2)),
        "flow-definitions: [{name: A, edges: [{from: , to: B, condition: " + "{not: " * 50_000,
    ],
    ids=lambda text: text[:12],
)
def test_deep_nesting_is_one_diagnostic(text: str) -> None:
    assert [d.code for d in read(text.encode())] in (["SEL008"], ["SEL008", "SEL100"])


def test_nesting_below_the_limit_can_be_compiled() -> None:
    depth = MAX_DEPTH - 20
    condition = "{not: " * depth + "{name: alwaysTrue}" + "}" * depth
    flow = f"{{name: A, edges: [{{from: , to: B, condition: {condition}}}]}}"
    text = f"tasks: [{{name: B, import: m}}]\nflow-definitions: [{flow}]"
    assert read(text.encode()) == []


def bomb(width: int, depth: int, item: str = "x") -> str:
    lines = [f"x-0: &a0 [{', '.join([item] * width)}]"]
    lines += [f"x-{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, depth)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb(9, 30),
        bomb(9, 30) + "\nstorages: [{name: S, import: s, configuration: *a29}]",
        "\n".join(["x-0: &a0 {k: v}", *(f"x-{i}: &a{i} {{l: *a{i - 1}, r: *a{i - 1}}}" for i in range(1, 60))]),
        "\n".join(["x-0: &a0 {name: P}", *(f"x-{i}: &a{i} {{and: [*a{i - 1}, *a{i - 1}]}}" for i in range(1, 60))])
        + "\nflow-definitions: [{name: f, edges: [{from: , to: A, condition: *a59}]}]",
    ],
)
def test_alias_bombs_are_refused(text: str) -> None:
    assert [d.code for d in read(text.encode())] == ["SEL007"]


def test_aliases_cannot_nest_deeper_than_text() -> None:
    inner = "[" * 150 + "x" + "]" * 150
    nested = "\n".join(
        [f"x-0: &a0 {inner}", *(f"x-{i}: &a{i} {'[' * 150}*a{i - 1}{']' * 150}" for i in range(1, 20))]
    )
    assert [d.code for d in read(nested.encode())] == ["SEL008"]


def test_merge_bombs_are_refused() -> None:
    keys = ", ".join(f"k{i}: v" for i in range(2_000))
    text = f"x-0: &a {{{keys}}}\nx-1: [" + ", ".join(["{<<: *a}"] * 2_000) + "]"
    assert [d.code for d in read(text.encode())] == ["SEL007"]


def test_huge_scalars_are_named_shortly() -> None:
    text = f"tasks: [{{name: '{'x' * 1_000_000}-', import: {'9' * 100_000}}}]\n{'k' * 1000}: 1\n"
    found = read(text.encode())
    assert {d.code for d in found} == {"SEL106", "SEL102"}
    assert all(len(d.message) + len(d.help) + len(d.note) < 2_000 for d in found)


def test_a_merged_flow_in_every_flow_is_no_bomb() -> None:
    flows = "\n".join(f"- {{<<: *base, name: f{i}}}" for i in range(1_000))
    edges = ", ".join(f"{{from: T{i}, to: T{i + 1}}}" for i in range(20))
    text = f"flow-definitions:\n- &base {{name: f, edges: [{{from: , to: T0}}, {edges}]}}\n{flows}\n"
    assert read(text.encode()) == []
