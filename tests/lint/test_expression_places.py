"""What is wrong in an expression is underlined at its characters, in every style of YAML, behind any letters."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.example_projects import MAIN, lint_text

_HEAD = """
tasks:
  - {name: Fetch, import: nodes, storage: Results, output_schema: {
      type: object, required: [total, tags, maybe], additionalProperties: false,
      properties: {total: {type: number}, tags: {type: array, items: {type: string}}, note: {type: string},
                   maybe: {type: [boolean, "null"]}}}}
  - {name: Store, import: nodes, storage: Results}
  - {name: Discard, import: nodes}
  - {name: Later, import: nodes, storage: Results}
storages:
  - {name: Results, import: selinon.storages.memory, classname: InMemoryStorage}
flow-definitions:
  - name: silent
    edges: [{from: , to: Later}]
  - name: order
    edges:
      - {from: , to: Fetch}
      - {from: , to: [silent, Discard]}
      - {from: [Fetch, silent, Discard], to: Store, name: "\N{SNOWMAN}", KEY}
      - {from: Store, to: Later}
"""
#: What stands before the expression in a condition, in the text of an argument, and in a list.
_BEFORE = '"\u00e4\U0001f600" != "\u00df" and '
_CONDITIONS = [
    ("SEL430", "Fetch.total > 1 && true", "&&"),
    ("SEL431", "Ftch.total > 1", "Ftch"),
    ("SEL432", "lenn(Fetch.tags) > 1", "lenn"),
    ("SEL433", "Fetch.totl > 1", "totl"),
    ("SEL434", "Fetch.total + Fetch.tags > 1", "Fetch.tags"),
    ("SEL435", "Fetch.note > 'a'", "note"),
    ("SEL436", "Fetch.total == 'x'", "Fetch.total == 'x'"),
    ("SEL437", "Fetch.total", "Fetch.total"),
    ("SEL439", "item > 1", "item"),
    ("SEL441", "Later.x > 1", "Later"),
    ("SEL442", "silent.x > 1", "silent"),
    ("SEL445", "Discard.x > 1", "Discard"),
]


def _styles(text: str) -> dict[str, str]:
    """A text as a value in a block mapping, by style; where it is long, it goes on in another line."""
    first, _, rest = text.partition(" and ")
    lines = f"{first} and\n{' ' * 12}{rest}" if rest else text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\u00e4", "\\xe4")
    return {
        "single": "'" + text.replace("'", "''") + "'",
        "double": f'"{escaped}"',
        "folded": f">-\n{' ' * 12}{lines}",
        "literal": f"|-\n{' ' * 12}{lines}",
    }


def _underlined(value: str, key: str, code: str, directory: Path) -> list[str]:
    edge = '      - from: [Fetch, silent, Discard]\n        to: Store\n        name: "\N{SNOWMAN}"\n'
    line = next(line for line in _HEAD.splitlines() if "KEY" in line)
    return _found(_HEAD.replace(f"{line}\n", f"{edge}        {key}: {value}\n"), code, directory)


def _found(text: str, code: str, directory: Path) -> list[str]:
    """What the diagnostics of a code underline."""
    found = [one.span for one in lint_text(text, directory) if one.code == code]
    lines = (directory / MAIN).read_text(encoding="utf-8").splitlines()
    return [lines[span.line - 1][span.column - 1 : span.end_column - 1] for span in found]


@pytest.mark.parametrize("style", ["plain", "single", "double", "folded", "literal"])
@pytest.mark.parametrize(("code", "expression", "part"), _CONDITIONS, ids=[one[0] for one in _CONDITIONS])
def test_in_conditions(code: str, expression: str, part: str, style: str, tmp_path: Path) -> None:
    text = f"has(args.\u00fc\u00f1) and {expression}" if style == "plain" else _BEFORE + expression
    value = text if style == "plain" else _styles(text)[style]
    written = part.replace("'", "''") if style == "single" else part
    assert written in _underlined(value, "condition", code, tmp_path)


@pytest.mark.parametrize("style", ["double", "folded"])
@pytest.mark.parametrize(
    ("code", "expression", "part"),
    [
        *[one for one in _CONDITIONS if one[0] not in ("SEL430", "SEL437")],
        ("SEL430", "Fetch.total >", ""),
        ("SEL434", "Fetch.tags", "Fetch.tags"),
    ],
)
def test_in_texts_with_parts(code: str, expression: str, part: str, style: str, tmp_path: Path) -> None:
    text = f"\u00e4\U0001f600 and ${{{expression}}} \u00df"
    assert part in _underlined(_styles(text)[style], "args", code, tmp_path)


@pytest.mark.parametrize("style", ["single", "double", "folded", "literal"])
def test_in_foreach(style: str, tmp_path: Path) -> None:
    text = '{"\u00e4": 1} if "\u00df" != "\u00e4" and true else Fetch.total'
    [part] = _underlined(_styles(text)[style], "foreach", "SEL438", tmp_path)
    assert part.endswith("Fetch.total") or style in ("folded", "literal")


@pytest.mark.parametrize("style", ["single", "double", "folded", "literal"])
def test_delimiters_of_a_condition_are_underlined_as_a_whole(style: str, tmp_path: Path) -> None:
    [part] = _underlined(_styles('${"\u00df" == Fetch.note}')[style], "condition", "SEL446", tmp_path)
    assert part.startswith("${")
    assert part.endswith("}")


_TWICE = """
tasks:
  - {name: Many, import: nodes, storage: Results}
  - {name: Left, import: nodes, storage: Results}
  - {name: Right, import: nodes, storage: Results}
  - {name: Store, import: nodes, storage: Results}
storages:
  - {name: Results, import: selinon.storages.memory, classname: InMemoryStorage}
flow-definitions:
  - name: order
    edges:
      - {from: , to: [Many, Many]}
      - {from: Many, to: [Left, Right]}
      - from: [Left, Right]
        to: Store
        name: "\N{SNOWMAN}"
        CONDITION
        args:
          n: ARGUMENT
    output:
      "\N{SNOWMAN}": OUTPUT
"""


@pytest.mark.parametrize("style", ["single", "double", "folded", "literal"])
@pytest.mark.parametrize(
    ("key", "code", "text", "part"),
    [
        ("CONDITION", "SEL440", f"{_BEFORE}Many > 1", "Many"),
        ("ARGUMENT", "SEL440", "${[Many, '\u00e4'][0]}", "Many"),
        ("OUTPUT", "SEL447", "${['\u00e4\U0001f600', Many]}", "Many"),
    ],
)
def test_names_of_several_runs(key: str, code: str, text: str, part: str, style: str, tmp_path: Path) -> None:
    values = {"CONDITION": "# none", "ARGUMENT": "1", "OUTPUT": "1"}
    values[key] = ("condition: " if key == "CONDITION" else "") + _styles(text)[style]
    written = _TWICE
    for name, value in values.items():
        written = written.replace(name, value)
    assert (part.replace("'", "''") if style == "single" else part) in _found(written, code, tmp_path)


#: Findings that underline a whole value of the file: its text, and a project with the value at VALUE.
_WHOLE = {
    "SEL443": (
        "w\u00e4hrung",
        """
flow-definitions:
  - name: main
    edges:
      - from:
        to: order
        args:
          "\N{SNOWMAN}": 1
          currency: VALUE
  - name: order
    input_schema: {type: object, properties: {"\N{SNOWMAN}": {type: integer}, currency: {enum: [eur]}}}
    edges: [{from: , to: A}]
tasks:
  - {name: A, import: nodes}
""",
    ),
    "SEL448": (
        "\u00e4uropa",
        """
tasks: [{name: A, import: nodes}]
flow-definitions:
  - {name: europa, edges: [{from: , to: A}]}
  - queue: "\N{SNOWMAN}"
    like: VALUE
    name: other
""",
    ),
    "SEL611": (
        "F\u00e4tch",
        """
tasks:
  - import: makers
    name: Fetch
    queue: "\N{SNOWMAN}"
    classname: VALUE
flow-definitions:
  - {name: main, edges: [{from: , to: Fetch}]}
""",
    ),
}


@pytest.mark.parametrize("style", ["plain", "single", "double", "folded", "literal"])
@pytest.mark.parametrize("code", list(_WHOLE))
def test_whole_values(code: str, style: str, tmp_path: Path) -> None:
    (tmp_path / "makers.py").write_text(
        "from selinon import SelinonTask\n\n\n"
        "class F\u00e4tch(SelinonTask):\n    def run(self, node_args):\n        yield 1\n",
        encoding="utf-8",
    )
    value, project = _WHOLE[code]
    written = value if style == "plain" else _styles(value)[style]
    found = [one.span for one in lint_text(project.replace("VALUE", written), tmp_path) if one.code == code]
    lines = (tmp_path / MAIN).read_text(encoding="utf-8").splitlines()
    ends = [span.end_column - 1 if span.end_line == span.line else None for span in found]
    shown = [lines[span.line - 1][span.column - 1 : end] for span, end in zip(found, ends, strict=True)]
    at = next(number for number, line in enumerate(project.splitlines()) if "VALUE" in line)
    assert found[0].line == at
    assert shown == [written.partition("\n")[0]]


@pytest.mark.parametrize("quote", ["", "'", '"'])
@pytest.mark.parametrize(
    ("code", "project"),
    [
        (
            "SEL444",
            """
tasks: [{name: A, import: nodes}]
flow-definitions:
  - name: main
    propagate_node_args: true
    edges:
      - {name: "\N{SNOWMAN}", from: , to: other, KEY: {a: 1}}
  - {name: other, edges: [{from: , to: A}]}
""",
        ),
        (
            "SEL610",
            """
tasks: [{name: A, import: nodes, storage: Results}]
storages:
  - {configuration: {"\N{SNOWMAN}": 1, KEY: 2}, name: Results, import: kept, classname: Results}
flow-definitions: [{name: main, edges: [{from: , to: A}]}]
""",
        ),
    ],
)
def test_keys(code: str, project: str, quote: str, tmp_path: Path) -> None:
    (tmp_path / "kept.py").write_text(
        "from selinon import DataStorage\n\n\n"
        "class Results(DataStorage):\n    def __init__(self, arg=1):\n        pass\n"
    )
    key = f"{quote}{'args' if code == 'SEL444' else 'argu'}{quote}"
    assert key in _found(project.replace("KEY", key), code, tmp_path)
