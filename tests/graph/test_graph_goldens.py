"""What is drawn, as text that can be reviewed; and that it is the same bytes every time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from selinon_core.graph import FORMATS, draw
from tests.graph.goldens import DRAWINGS, GOLDEN, check

TEXTS = ("dot", "mermaid", "json", "ascii")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("form", TEXTS)
def test_text(name: str, form: str) -> None:
    check(name + FORMATS[form], draw(**DRAWINGS[name], format=form))


def test_no_golden_is_left_over() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == {
        name + FORMATS[form] for name in DRAWINGS for form in TEXTS
    }


@pytest.mark.parametrize("name", DRAWINGS)
def test_svg_holds_every_node_and_arrow(name: str) -> None:
    from selinon_core.graph import drawing_of

    drawing = drawing_of(**DRAWINGS[name])
    root = ElementTree.fromstring(draw(**DRAWINGS[name], format="svg"))
    groups = [group.get("class", "").split()[0] for group in root.iter(f"{SVG}g") if group.get("class")]
    assert groups.count("node") == len(drawing.nodes)
    assert groups.count("edge") == len(drawing.edges)
    assert groups.count("cluster") == len(drawing.clusters) + 1  # the title is one
    shown = "".join(root.itertext())
    for node in drawing.nodes:
        for line in node.lines:
            assert line.replace(" ", "\u00a0") in shown.replace(" ", "\u00a0")


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_pictures_are_pictures(form: str) -> None:
    if form == "pdf":
        import shutil

        if shutil.which("dot") is None:
            pytest.skip("pdf needs dot")
    picture = draw(**DRAWINGS["everything"], format=form)
    assert picture.startswith({"png": b"\x89PNG", "pdf": b"%PDF"}[form])


SCRIPT = """
import hashlib
from tests.graph.goldens import DRAWINGS
from selinon_core.graph import draw
for name in DRAWINGS:
    for form in ("svg", "png", "dot", "mermaid", "json", "ascii"):
        print(name, form, hashlib.sha256(draw(**DRAWINGS[name], format=form)).hexdigest())
"""


def test_same_bytes_whatever_the_hash_seed() -> None:
    root = str(Path(__file__).parents[2])
    runs = []
    for seed in ("0", "1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, check=True, text=True
        )
        runs.append(done.stdout)
    assert runs[0].count("\n") == 6 * len(DRAWINGS)
    assert runs[0] == runs[1] == runs[2]
