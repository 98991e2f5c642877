"""Style files, colours, links and what else makes a picture."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from selinon_core.diagnostics.location import NOWHERE, Place
from selinon_core.errors import RequestError
from selinon_core.graph import draw, load_style, locator, palette
from selinon_core.graph.build.links import link_to
from selinon_core.graph.style import check_style
from selinon_core.plan import ImportRef, Plan
from tests.graph.goldens import report
from tests.graph.plans import dinner, edge, everything, everything_later, flow, leaf, plan


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_style_file_of_the_original(tmp_path: Path) -> None:
    style = load_style(
        str(
            write(
                tmp_path / "style.yaml",
                "style:\n  task: {fillcolor: '#102030', shape: ellipse}\n  graph: {rankdir: LR}\n  edge: null\n",
            )
        )
    )
    source = draw(dinner(), "prepare", format="dot", style=style).decode()
    assert "rankdir=LR" in source
    bake = next(line for line in source.splitlines() if "task_Bake [" in line)
    assert 'fillcolor="#102030"' in bake
    assert "shape=ellipse" in bake
    assert 'fontcolor="#fefefe"' in bake  # dark fill, light text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("taks: {color: red}", "unknown style 'taks'; did you mean \"task\""),
        ("- task", "expected a mapping"),
        ("task: red", "task must be a mapping"),
        ("task: {color: [1]}", "'color' is not a Graphviz attribute"),
        ("task: {'x y': 1}", "'x y' is not a Graphviz attribute"),
        ("task: {", "not valid YAML"),
    ],
)
def test_wrong_style_files_are_reported(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RequestError, match=re.escape(message)):
        load_style(str(write(tmp_path / "style.yaml", text)))


def test_missing_style_file(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot read the style file"):
        load_style(str(tmp_path / "none.yaml"))


def test_style_values_stay_text() -> None:
    style = check_style({"task": {"tooltip": '<b>"\\N"</b>', "color": "<<b>x</b>>"}})
    assert b"<script" not in draw(
        dinner(), "prepare", format="svg", style=check_style({"task": {"xlabel": "<script>"}})
    )
    assert "color=<" not in draw(dinner(), "prepare", format="dot", style=style).decode()


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


FILLS = [
    fill
    for table in (palette.KIND_COLOURS, palette.STATE_COLOURS, palette.CHANGE_COLOURS)
    for key, (fill, _) in table.items()
    if key not in {"start", "end", "join", "unreached"}
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_lines_are_readable(scheme: str) -> None:
    def shown(colour: str) -> str:
        return palette.DARK[colour] if scheme == "dark" else colour

    for fill in {*FILLS, palette.BACKGROUND, palette.FRAME_FILL}:
        assert contrast(shown(palette.TEXT), shown(fill)) >= 7, fill
    for ground in (palette.BACKGROUND, palette.FRAME_FILL):
        assert contrast(shown(palette.MUTED), shown(ground)) >= 4.5
        for line in [line for t in (palette.KIND_COLOURS, palette.CHANGE_COLOURS) for _, line in t.values()]:
            assert contrast(shown(line), shown(ground)) >= 2.9, line
    for ground in (palette.BACKGROUND, palette.FAINT_FILL):
        assert contrast(shown(palette.FAINT_TEXT), shown(ground)) >= 3.5


def test_every_colour_in_a_picture_has_a_dark_one() -> None:
    pictures = [
        draw(everything(), "release", format="svg", expand=True),
        draw(everything(), "release", format="svg", report=report()),
        draw(everything_later(), "release", format="svg", other=everything()),
    ]
    used = set(itertools.chain(*(re.findall(r'(?:fill|stroke)="(#[^"]*)"', p.decode()) for p in pictures)))
    assert used <= set(palette.DARK)


def test_tooltips_and_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "myapp").mkdir()
    write(tmp_path / "myapp" / "tasks.py", "import nothing_there\n\nclass Bake:\n    pass\n")
    picture = draw(dinner(), "prepare", format="svg", locate=locator([tmp_path])).decode()
    assert 'xlink:href="myapp/tasks.py#L3"' in picture  # the class
    assert 'xlink:href="flows/sample.yaml#L12"' in picture  # the edge and its condition
    assert "<title>task Bake\nclass myapp.tasks.Bake\nqueue celery\nstorage Oven\n3 retries after 5 s" in picture


def test_locating_imports_nothing(tmp_path: Path) -> None:
    write(tmp_path / "trap.py", "raise SystemExit\nclass A: ...\ndef f(): ...\n")
    write(tmp_path / "broken.py", "class A(:\n")
    locate = locator([tmp_path])
    found = locate(ImportRef("trap", "A"))
    assert found is not None
    assert found.line == 2
    for reference in [("trap", "B"), ("broken", "A"), ("none", "A"), ("../trap", "A"), ("", "A")]:
        assert locate(ImportRef(*reference)) is None


@pytest.mark.parametrize(
    "compared", [{}, {"report": report()}, {"other": everything_later()}], ids=["plain", "run", "diff"]
)
def test_the_legend_explains_the_octagon(compared: dict[str, Any]) -> None:
    assert "octagon: when nodes have failed" in draw(everything(), "release", format="dot", **compared).decode()
    without = plan(flow("f", [edge("", "A"), edge("A", "sub")]), flow("sub", [edge("", "A")]))
    assert "octagon" not in draw(without, "f", format="dot").decode()


@pytest.mark.parametrize(
    ("link", "wrong"), [("{nope}", "{nope}"), ("x{", "{"), ("{line}}", "}"), ("{file", "{file")]
)
@pytest.mark.parametrize("form", ["dot", "mermaid", "ascii"])
def test_braces_that_nothing_is_put_in_for_are_refused(link: str, wrong: str, form: str) -> None:
    with pytest.raises(RequestError) as caught:
        draw(plan(flow("f", [edge("", "A")])), "f", format=form, link=link)
    known = "{file}, {path}, {line}, {column}"
    assert str(caught.value) == f'the link has "{wrong}"; what is filled in: {known}'


def test_link_templates() -> None:
    place = Place("flows/a b.yaml", 3, 7)
    assert link_to(place) == "flows/a%20b.yaml#L3"
    assert link_to(place, "https://code.example/blob/main/{file}?c={column}#L{line}") == (
        "https://code.example/blob/main/flows/a%20b.yaml?c=7#L3"
    )
    assert link_to(place, "editor://{path}:{line}").endswith("/flows/a%20b.yaml:3")
    assert link_to(Place("javascript:alert(1)", 1, 1)) == "javascript%3Aalert%281%29#L1"
    assert link_to(NOWHERE.place) == ""
    assert link_to(None) == ""


def test_long_names_are_wrapped() -> None:
    name = "RetrieveEveryProjectDescriptionFromThePackageIndexAndNormaliseItTask"
    text = draw(plan(flow("f", [edge("", name)])), "f", format="ascii").decode()
    assert max(len(line) for line in text.splitlines()) <= 31
    for part in ("RetrieveEveryProject", "NormaliseItTask"):
        assert part in text


def test_wide_drawings_become_lists_in_a_terminal() -> None:
    wide = plan(
        flow(
            "f",
            [edge("", " ".join(f"SomeRatherLongName{i}" for i in range(30))), edge("SomeRatherLongName3", "B")],
        )
    )
    text = draw(wide, "f", format="ascii").decode()
    assert "SomeRatherLongName3 → B" in text


def tangle(nodes: int, arrows: int) -> Plan:
    """Every node leads to others anywhere, so that most arrows pass many ranks."""
    steps = [(i * 7919 + i // nodes) % nodes for i in range(arrows)]
    edges = [edge(f"N{i % nodes}", f"N{step}") for i, step in enumerate(steps)]
    return plan(flow("main", [edge("", "N0"), *edges]))


def test_a_tangle_gets_straight_lines_which_are_found_in_seconds() -> None:
    one = tangle(100, 600)
    assert "splines=line" in draw(one, "main", format="dot").decode()
    assert draw(one, "main", format="svg").count(b'class="edge') == 601


def test_arrows_are_routed_around_boxes_where_that_is_cheap() -> None:
    names = [" ".join(f"N{rank}_{i}" for i in range(10)) for rank in range(11)]
    layers = [edge(source, below) for above, below in itertools.pairwise(names) for source in above.split()]
    source = draw(plan(flow("main", [edge("", names[0]), *layers])), "main", format="dot").decode()
    assert source.count("->") > 1000
    assert "splines" not in source


def test_a_tangle_fits_a_square_when_it_is_painted() -> None:
    one = tangle(100, 600)
    small = draw(one, "main", format="png")
    assert max(int.from_bytes(small[16:20], "big"), int.from_bytes(small[20:24], "big")) <= 7200
    assert 'size="60,60"' not in draw(one, "main", format="dot").decode()


def test_pictures_of_joins_grow_with_what_is_joined_and_not_with_its_square() -> None:
    def size(count: int, form: str) -> int:
        sources = " ".join(f"Source{i}" for i in range(count))
        return len(draw(plan(flow("main", [edge("", sources), edge(sources, "Last")])), "main", format=form))

    for form in ("svg", "dot", "json"):
        assert size(800, form) < 2.2 * size(400, form)


def test_boxes_in_a_terminal_hold_wide_characters_and_marks() -> None:
    value = "\u65e5\u672c\u8a9e cafe\u0301"  # three characters of two columns each, and a mark that takes none
    one = edge("A", "B", leaf("argsFieldEqual", key="city", value=value))
    text = draw(plan(flow("main", [edge("", "A"), one])), "main", format="ascii").decode()
    box = [line for line in text.splitlines() if value in line or "\u250c\u2500" in line]
    ends = [sum(1 + (ch in value[:3]) - (ch == "\u0301") for ch in line) for line in box[:2]]
    assert ends[0] == ends[1]
