"""Names and values are text in every format, whatever they contain."""

from __future__ import annotations

import json
import re
import shutil
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selinon_core.graph import draw, drawing_of
from selinon_core.plan import Plan
from selinon_core.plan.text_wrap import printable
from tests.graph import plans as graph_plans

HOSTILE = (
    "<script>alert(1)</script>",
    '"];evil[label="x',
    "back\\slash\\N\\G\\n",
    "<<B>html</B>>",
    "a\nb\r\tc",
    "&lt;&amp;&#60;",
    "end",
    "]]>--></style>",
    "%%{init: {}}%%",
    "`**bold**` _x_ $$x$$ 1. one",
    "javascript:alert(1)",
    "\u202eright to left\u0000",
    "日本語",
    "{a|b}",
    "]]>",
    "",
)
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12))
SHAPES = {"svg", "g", "title", "a", "polygon", "path", "ellipse", "text", "style", "polyline"}
SVG = "{http://www.w3.org/2000/svg}"
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def hostile_plan(name: str, value: str) -> Plan:
    flow = graph_plans.flow(
        value,
        [
            graph_plans.edge("", "A")._replace(destinations=(name,), name=value),
            graph_plans.edge("", "B", graph_plans.leaf("custom", key=value, k=[value, {value: 1}])),
            graph_plans.edge("", "C", graph_plans.leaf("argsFieldEqual", key=[value, name], value=value)),
            graph_plans.edge("B", "C", foreach=value),
        ],
        [graph_plans.failure("B", "C", graph_plans.leaf("envEqual", env=name, value=value))],
        queue=value,
    )
    return graph_plans.plan(flow, tasks=[graph_plans.task(name, value)])


@quick
@given(texts, texts)
def test_svg_is_xml_without_foreign_elements(name: str, value: str) -> None:
    plan = hostile_plan(name, value)
    picture = draw(plan, value, format="svg")
    root = ElementTree.fromstring(picture)
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= SHAPES
    drawing = drawing_of(plan, value)
    groups = [group.get("class", "").split()[0] for group in root.iter(f"{SVG}g") if group.get("class")]
    assert groups.count("node") == len(drawing.nodes)
    assert groups.count("edge") == len(drawing.edges)
    for link in root.iter(f"{SVG}a"):
        assert re.match(r"[\w./%-]+#L\d+$", link.get("{http://www.w3.org/1999/xlink}href", "x#L1"))


@pytest.mark.parametrize("engine", ["graphviz-pure", "dot"])
@pytest.mark.parametrize("value", [value for value in HOSTILE if value])
def test_svg_shows_the_very_text(value: str, engine: str) -> None:
    if engine == "dot" and shutil.which("dot") is None:
        pytest.skip("dot is not installed")
    plan = graph_plans.plan(graph_plans.flow("f", [graph_plans.edge("", "A")._replace(destinations=(value,))]))
    root = ElementTree.fromstring(draw(plan, "f", format="svg", engine=engine))
    node = next(g for g in root.iter(f"{SVG}g") if (g.get("class") or "").startswith("node task"))
    shown = "".join("".join(text.itertext()) for text in node.iter(f"{SVG}text"))
    assert shown.replace("\u00a0", " ") == printable(value)


@quick
@given(texts, texts)
def test_mermaid_labels_hold_nothing_special(name: str, value: str) -> None:
    text = draw(hostile_plan(name, value), value, format="mermaid").decode()
    _, header, body = text.split("---\n", 2)
    assert re.fullmatch(r"title: [\w .,-]*\n", header, re.ASCII)
    first, *lines = body.splitlines()
    assert first == "flowchart TD"
    plain = r"(?:[\w ,()\[\]/?.=+-]|[^\x00-\x7f]|#\d+;|<br/>)*"
    node = re.compile(r'    n_\w+[(\[{/]+"' + plain + r'"[)\]}/]+')
    arrow = re.compile(r'    n_\w+ (?:-->|---|==>|===|-\.->|-\.-)(?:\|"' + plain + r'"\|)? n_\w+')
    look = re.compile(r"    (?:classDef|class|linkStyle) [\w,#: .-]+")
    for line in lines:
        assert node.fullmatch(line) or arrow.fullmatch(line) or look.fullmatch(line), line


@pytest.mark.parametrize("value", ["C:\\new", "$$x^2$$", "$$$", "fa:fa-car"])
def test_mermaid_finds_nothing_behind_the_entities(value: str) -> None:
    text = draw(hostile_plan("A", value), value, format="mermaid").decode()
    seen = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text.partition("flowchart")[2])
    assert not re.search(r"\\n|\$\$|fa:fa", seen)
    assert value in seen.replace("\u2060", "")


@quick
@given(texts, texts)
def test_json_brings_the_names_back(name: str, value: str) -> None:
    content = json.loads(draw(hostile_plan(name, value), value, format="json"))
    assert content["flow"] == value
    found = [node.get("name", "") for node in content["nodes"] if node["kind"] in {"task", "flow"}]
    assert name in found


@quick
@given(texts, texts)
def test_ascii_has_no_control_characters(name: str, value: str) -> None:
    text = draw(hostile_plan(name, value), value, format="ascii").decode()
    assert all(line.isprintable() for line in text.split("\n"))
