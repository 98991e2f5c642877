"""Which program draws, and what happens without one."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from selinon_core.errors import MissingExtraError, RequestError, UnknownFlowError
from selinon_core.graph import ENGINE_VARIABLE, draw, find_engine
from selinon_core.graph.layout import engine as engines
from tests.graph.plans import dinner

PYTHON = os.path.realpath(sys.executable)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any engine; the directory is its PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(ENGINE_VARIABLE, raising=False)
    monkeypatch.setattr(engines.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(engines.sys, "executable", str(tmp_path / "python"))
    return tmp_path


def program(directory: Path, name: str, body: str) -> Path:
    file = directory / name
    file.write_text(f"#!{PYTHON}\n{body}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def test_the_wheel_comes_before_dot(bare: Path) -> None:
    dot = program(bare, "dot", "")
    assert find_engine("svg") == str(dot)
    wheel = program(bare, "graphviz-pure", "")
    assert find_engine("svg") == str(wheel)
    assert find_engine("png") == str(wheel)
    assert find_engine("pdf") == str(dot)


def test_option_before_variable_before_search(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare, "graphviz-pure", "")
    one, two = program(bare, "one", ""), program(bare, "two", "")
    monkeypatch.setenv(ENGINE_VARIABLE, "one")
    assert find_engine("svg") == str(one)
    assert find_engine("svg", "two") == str(two)
    assert find_engine("svg", str(two)) == str(two)


@pytest.mark.parametrize("form", ["svg", "png"])
def test_without_engine_there_is_a_hint(bare: Path, form: str) -> None:
    with pytest.raises(MissingExtraError, match=r"pip install graphviz-pure.*dot, mermaid, json and ascii"):
        draw(dinner(), "dinner", format=form)


def test_pdf_needs_dot(bare: Path) -> None:
    program(bare, "graphviz-pure", "")
    with pytest.raises(MissingExtraError, match=r"pdf needs 'dot'.*apt install graphviz"):
        draw(dinner(), "dinner", format="pdf")


@pytest.mark.parametrize("form", ["dot", "mermaid", "json", "ascii"])
def test_texts_need_no_engine(bare: Path, form: str) -> None:
    assert draw(dinner(), "dinner", format=form)


def test_an_unknown_engine_is_named(bare: Path) -> None:
    with pytest.raises(MissingExtraError, match="'nosuch'"):
        draw(dinner(), "dinner", format="svg", engine="nosuch")


def test_a_failing_engine_is_an_error_with_its_words(bare: Path) -> None:
    program(bare, "dot", "import sys; sys.stderr.write('syntax is hard\\nmore'); sys.exit(3)")
    with pytest.raises(RequestError, match="dot could not draw svg: syntax is hard"):
        draw(dinner(), "dinner", format="svg")


def test_a_silent_engine_is_an_error(bare: Path) -> None:
    program(bare, "dot", "")
    with pytest.raises(RequestError, match="dot could not draw svg: exit 0"):
        draw(dinner(), "dinner", format="svg")


def test_dot_draws_the_same_nodes_as_the_wheel() -> None:
    import re
    import shutil

    if shutil.which("dot") is None:
        pytest.skip("dot is not installed")
    pictures = [draw(dinner(), "prepare", format="svg", engine=each) for each in ("dot", "graphviz-pure")]
    ids = [sorted(re.findall(r'<g id="([^"]*)" class="node', picture.decode())) for picture in pictures]
    assert ids[0] == ids[1]
    titles = [sorted(re.findall(r"<title>([^<]*)</title>", picture.decode())) for picture in pictures]
    assert titles[0] == titles[1]


def test_unknown_formats_and_flows() -> None:
    with pytest.raises(RequestError, match="unknown format 'gif'"):
        draw(dinner(), "dinner", format="gif")
    with pytest.raises(UnknownFlowError, match="'lunch'"):
        draw(dinner(), "lunch", format="dot")
