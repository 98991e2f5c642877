"""Composing: the same data as PyYAML's safe loader, with places, shared nodes and merge keys."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.config.read_context import BROKEN, ReadContext
from selinon_core.config.schema.types import plain_data
from selinon_core.config.yaml.document import decode, read_document
from selinon_core.config.yaml.nodes import AliasNode, MappingNode
from selinon_core.diagnostics.kinds import Collector


def data_of(text: str) -> Any:
    collector = Collector()
    document = read_document(text, "f", collector)
    assert [d for d in collector.found if d.severity == "error"] == []
    return None if document.root is None else plain_data(ReadContext(document, collector), document.root)


def as_text(value: Any) -> Any:
    """What PyYAML makes dates of stays text with us; everything else is compared as it is."""
    if isinstance(value, dict):
        return {as_text(key): as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return value


SCALARS = r"""
yes no on off true false True FALSE y n Yes NO On ~ null Null NULL nULL 0 1 -1 +1 017 0o17 08 09
0x1F 0b101 -0x1f 1_000 _1 1_ 0_ 0b_ 0x_ 12:30:45 1:2 1:60 190:20:30 1:2.5 1.0 1. .5 -.5 1e3 1.e3
1.0e3 1.0e+3 1.0E-3 .inf -.inf +.INF .nan .NaN ._1 . .. - -- + a abc a_b =x << !x *x "on" 'on' "1"
'~' tasks 1a 0.0.0 1.2.3 1,000 1__0 __1 -_1 0o7 0O17 00 -0 +0 -017
""".split()  # noqa: SIM905


@pytest.mark.parametrize("scalar", [s for s in SCALARS if s not in ("<<", "!x", "*x", "-", "=x")])
def test_scalars_mean_what_they_mean_to_pyyaml(scalar: str) -> None:
    try:
        expected = yaml.safe_load(f"v: {scalar}")["v"]
    except ValueError:
        expected = scalar  # PyYAML fails on these; text is the sensible reading
    got = data_of(f"v: {scalar}")["v"]
    assert type(got) is type(expected)
    assert got == expected or (got != got and expected != expected)


@given(st.text("0123456789_:.+-eExbo~naift", max_size=12))
def test_number_like_scalars_mean_what_they_mean_to_pyyaml(text: str) -> None:
    try:
        expected = yaml.safe_load(f"[{text}]")
    except (yaml.YAMLError, ValueError, OverflowError):
        return
    if isinstance(expected[0] if expected else None, datetime.date | dict | list):
        return
    got = data_of(f"[{text}]")
    assert repr(got) == repr(expected)


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(DATA, st.booleans(), st.sampled_from([None, "'", '"']))
def test_what_pyyaml_writes_is_read_as_it_was(data: Any, flow: bool, style: str | None) -> None:
    text = yaml.safe_dump(data, default_flow_style=flow, default_style=style)
    assert data_of(text) == data


def test_dates_stay_text() -> None:
    assert data_of("a: 2001-12-14\nb: 2001-12-14t21:59:43.10-05:00") == {
        "a": "2001-12-14",
        "b": "2001-12-14t21:59:43.10-05:00",
    }


def test_endless_numbers_stay_text() -> None:
    digits = "9" * 5000
    assert data_of(f"[{digits}, -0x{digits}, {'1:' * 3000}1]") == [digits, f"-0x{digits}", "1:" * 3000 + "1"]


MERGES = {
    "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3, z: 4}": {"x": 1, "y": 3, "z": 4},
    "a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a, z: 4}": {"x": 1, "y": 3, "z": 4},
    "a: &a {x: 1, y: 2}\nc: &c {y: 5, w: 6}\nb: {<<: [*a, *c], z: 4}": {"y": 2, "w": 6, "x": 1, "z": 4},
    "a: &a {x: 1, y: 2}\nc: &c {y: 5, w: 6}\nb: {<<: *a, z: 4, <<: *c}": {"x": 1, "y": 5, "w": 6, "z": 4},
    "a: &a {x: 1}\nc: &c {<<: *a, y: 2}\nb: {<<: *c, z: 3}": {"x": 1, "y": 2, "z": 3},
    "a: &a {x: 1}\nb: {<<: [{q: 1, x: 7}, *a]}": {"x": 7, "q": 1},
    "a: &a {x: 1}\nl: &l [*a, {x: 2, y: 3}]\nb: {<<: *l}": {"x": 1, "y": 3},
    'b: {"<<": 1}': {"<<": 1},
    "b: {<<: {}}": {},
}


@pytest.mark.parametrize(("text", "expected"), MERGES.items())
def test_merge_keys(text: str, expected: Any) -> None:
    """In a list the first wins, as the type's definition says. (PyYAML did so up to 6.0.3; 6.0.4 differs.)"""
    got = data_of(text)["b"]
    assert list(got.items()) == list(expected.items())


_KEYS = st.sampled_from("abcd")


@given(
    st.lists(st.dictionaries(_KEYS, st.integers(0, 9), max_size=3), min_size=1, max_size=4),
    st.dictionaries(_KEYS, st.integers(0, 9), max_size=3),
    st.booleans(),
)
def test_random_merges(bases: list[dict[str, int]], own: dict[str, int], chained: bool) -> None:
    lines = []
    for number, base in enumerate(bases):
        pairs = [f"{key}: {value}" for key, value in base.items()]
        if chained and number:
            pairs.insert(len(pairs) // 2, f"<<: *m{number - 1}")
        lines.append(f"m{number}: &m{number} {{{', '.join(pairs)}}}")
    pairs = [f"{key}: {value}" for key, value in own.items()]
    merge = "<<: [" + ", ".join(f"*m{number}" for number in range(len(bases))) + "]"
    lines.append(f"own: {{{', '.join([*pairs, merge])}}}")
    flat: list[list[tuple[str, int]]] = []
    for number, base in enumerate(bases):
        flat.append([*(flat[number - 1] if chained and number else ()), *base.items()])
    merged = [pair for pairs in reversed(flat) for pair in pairs]
    got = data_of("\n".join(lines))
    assert list(got["own"].items()) == list(dict([*merged, *own.items()]).items())
    assert [list(got[f"m{number}"].items()) for number in range(len(bases))] == [
        list(dict(pairs).items()) for pairs in flat
    ]


def test_a_duplicate_key_is_a_warning_and_the_last_one_counts() -> None:
    collector = Collector()
    document = read_document("a: 1\nb: 2\na: 3\n'a': 4\n", "f", collector)
    assert [(d.code, d.severity.value, d.span.line, d.related[0].span.line) for d in collector.found] == [
        ("SEL003", "warning", 3, 1),
        ("SEL003", "warning", 4, 3),
    ]
    assert list(plain_data(ReadContext(document, collector), document.root).items()) == [("a", 4), ("b", 2)]


def test_keys_of_different_types_are_different_keys() -> None:
    assert data_of('{1: a, "1": b, true: c, "true": d, ~: e}') == {1: "c", "1": "b", "true": "d", None: "e"}


def test_aliases_share_one_node_and_know_where_they_are_used() -> None:
    document = read_document("a: &x {k: v}\nb: *x\n", "f", Collector())
    assert isinstance(document.root, MappingNode)
    (_, anchored, _), (_, used, _) = document.root.entries.values()
    assert type(used) is AliasNode
    assert used.target is anchored
    assert document.location(used).span == ("f", 2, 4, 2, 6)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("a: bcd\n", (1, 4, 1, 7)),
        ("a: &x bcd\n", (1, 7, 1, 10)),
        ("a: !!str bcd\n", (1, 10, 1, 13)),
        ("a: 'bcd'\n", (1, 4, 1, 9)),
        ("é: dßf\n", (1, 4, 1, 7)),
        ("\U0001f600: x\n", (1, 4, 1, 5)),
        ("\ufeffa: x\n", (1, 4, 1, 5)),
        ("a:\n", (1, 3, 1, 3)),
        ("a:\n  - b\n  - c\n\n\nd: e\n", (2, 3, 3, 6)),
        ("a:\n  b: c\n\n# comment\nd: e\n", (2, 3, 2, 7)),
        ("a: [b,\n  c ]\n", (1, 4, 2, 6)),
    ],
)
def test_places_count_code_points_from_one(text: str, span: tuple[int, int, int, int]) -> None:
    document = read_document(text, "f", Collector())
    value = next(iter(document.root.entries.values()))[1]  # type: ignore[union-attr]
    assert document.location(value).span[1:] == span


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(encoding: str) -> None:
    collector = Collector()
    assert decode("a: ß\n".encode(encoding), "f", collector) == "a: ß\n"
    assert collector.found == []


def test_bytes_that_are_no_text_are_reported_at_their_place() -> None:
    collector = Collector()
    text = decode(b"a: b\nc: \xff\xfe\n", "f", collector)
    assert [(d.code, d.span.line, d.span.column) for d in collector.found] == [("SEL002", 2, 4)]
    assert text.startswith("a: b\nc: ")


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: [b\n", "SEL001", 2, 1),
        ("a: 'b\n", "SEL001", 1, 4),
        ("a: b: c\n", "SEL001", 1, 5),
        ("a: b\n c: d\n", "SEL001", 2, 3),
        ("\ta: b\n", "SEL001", 1, 1),
        ("a: @b\n", "SEL001", 1, 4),
        ("a: b\x07\n", "SEL001", 1, 5),
        ("%YAML 9.9\n---\na: b\n", "SEL001", 1, 1),
        ("a: !!python/object/apply:os.system [ls]\n", "SEL004", 1, 4),
        ("a: !Ref b\n", "SEL004", 1, 4),
        ("a: !!set {b}\n", "SEL004", 1, 4),
        ("a: *b\n", "SEL005", 1, 4),
        ("a: &b [*b]\n", "SEL006", 1, 8),
        ("a: &b {c: {<<: *b}}\n", "SEL006", 1, 16),
        ("a: b\n---\nc: d\n", "SEL009", 2, 1),
        ("a: {<<: b}\n", "SEL010", 1, 9),
        ("a: {<<: [{}, [b]]}\n", "SEL010", 1, 14),
        ("[a]: b\n", "SEL011", 1, 1),
        ("a: !!int b\n", "SEL012", 1, 10),
        ("a: !!int ''\n", "SEL012", 1, 4),
        ("a: !!bool maybe\n", "SEL012", 1, 11),
        ("a: &x b\nc: &x d\n", "SEL013", 2, 4),
    ],
)
def test_faults_of_yaml(text: str, code: str, line: int, column: int) -> None:
    collector = Collector()
    read_document(text, "f", collector)
    assert [(d.code, d.span.line, d.span.column) for d in collector.found] == [(code, line, column)]


@pytest.mark.parametrize("text", ["a:\n\tb: c\n", "a: b\n\tc: d\n", "-\ta: b\n"])
def test_a_tab_is_told_from_other_characters(text: str) -> None:
    collector = Collector()
    read_document(text, "f", collector)
    assert [d.help for d in collector.found] == ["write spaces: YAML takes no tab here"]


def test_what_is_complete_before_a_syntax_error_is_kept() -> None:
    text = "tasks:\n- {name: A}\n- name: B\n  import: 'b\n- name: C\n"
    document = read_document(text, "f", Collector())
    assert data_of("tasks:\n- {name: A}\n") == plain_data(ReadContext(document, Collector()), document.root)
    assert document.unread_from == text.index("name: B")


def test_the_pure_python_parser_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &x [1, {b: c}]\nd: *x\ne:\n  - <<: {f: g}\n    h: 'i'\nj: [k\n"
    results = []
    for loader in (yaml.CSafeLoader, yaml.SafeLoader):
        monkeypatch.setattr("selinon_core.config.yaml.document._Loader", loader)
        collector = Collector()
        document = read_document(text, "f", collector)
        spans = [document.location(value).span for _, value, _ in document.root.entries.values()]  # type: ignore[union-attr]
        results.append((spans, [d.span.line for d in collector.found]))
    assert results[0] == results[1]


def test_broken_nodes_make_broken_data() -> None:
    document = read_document("a: [1, !x 2]\n", "f", Collector())
    assert plain_data(ReadContext(document, Collector()), document.root) is BROKEN


@settings(max_examples=50)
@given(DATA)
def test_data_given_as_values_is_read_as_it_is(data: Any) -> None:
    from selinon_core.config.yaml.document import document_from_data

    collector = Collector()
    document = document_from_data(data, "f", collector)
    assert collector.found == []
    assert plain_data(ReadContext(document, collector), document.root) == data


@pytest.mark.parametrize(
    "text",
    [
        "name: !!merge x",
        "- !!merge <<",
        "!!merge <<",
        "a: [!!merge x]",
        "&m !!merge <<: {a: 1}\nb: *m",
        "? [!!merge x]\n: 1",
    ],
)
def test_the_tag_of_merge_keys_is_unknown_elsewhere(text: str) -> None:
    collector = Collector()
    document = read_document(text, "f", collector)
    assert "SEL004" in {d.code for d in collector.found}
    if document.root is not None:
        plain_data(ReadContext(document, collector), document.root)


def test_the_tag_of_merge_keys_on_a_key() -> None:
    assert data_of("a: &a {x: 1}\nb: {!!merge whatever: *a, y: 2}") == {"a": {"x": 1}, "b": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    ("text", "place", "help"),
    [
        ("tasks:\n  - name: A\n    import: 'shop\n  - name: B\n", (3, 13), "write the closing quote"),
        ('a: "b\nc: d\n', (1, 4), "write the closing quote"),
        ("a:\n  - b: 1\n  c: 2\n", (3, 3), "each entry of a list begins with -"),
        ("a:\n  b: 1\n c: 2\n", (3, 2), "indent what belongs together alike"),
        ("a: b: c\n", (1, 5), "in quotes"),
        ("a: {b: 1\nc: [2]\n", (2, 2), "write a comma or }"),
        ("a: [b\nc: 2\n", (2, 2), "write a comma or ]"),
        ("a: 1\nb\nc: 2\n", (2, 1), "write a colon and a space"),
        ('a: "\\q"\n', (1, 5), "two backslashes"),
        ("a: *\n", (1, 5), "begins with * in quotes"),
        ("a: @b\n", (1, 4), "begins with @ in quotes"),
        ("a: `b`\n", (1, 4), "begins with ` in quotes"),
        ("a:\n\t- b\n", (2, 1), "write spaces"),
    ],
)
def test_syntax_errors_stand_where_something_is_to_be_done(text: str, place: tuple[int, int], help: str) -> None:
    collector = Collector()
    read_document(text, "f", collector)
    (found,) = collector.found
    assert (found.span.line, found.span.column) == place
    assert help in found.help
