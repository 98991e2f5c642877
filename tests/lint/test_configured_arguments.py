"""Configured arguments of storages, caches, strategies and predicates are held against what takes them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from selinon_core.lint.analysis.literal_types import misfit
from tests.lint.example_projects import WITH_IMPORT, lint_text

CODES = ("SEL213", "SEL214", "SEL215", "SEL218", "SEL219", "SEL610")


def found_in(configuration: str, storage: str, tmp_path: Path, code: str = "", imports: bool = False) -> list[str]:
    """The codes and messages about arguments in a project whose storage ``R`` has a configuration."""
    head = WITH_IMPORT + "\n" if imports else ""
    python = "".join(f"#   {line}\n" for line in textwrap.dedent(code).strip().splitlines())
    module, name = storage.rsplit(".", 1)
    text = f"""
    storages:
      - name: R
        import: {module}
        classname: {name}
        {configuration}
    tasks:
      - {{name: Fetch, import: nothing_to_see, storage: R}}
    flow-definitions:
      - name: f
        edges: [{{from: , to: Fetch}}]
    """
    own = f"# {tmp_path.name}_mine.py\n{python}" if code else ""
    text = head + own + textwrap.dedent(text).replace("mine", f"{tmp_path.name}_mine")
    return [f"{d.code} {d.message}" for d in lint_text(text, tmp_path) if d.code in CODES]


@pytest.mark.parametrize("package", ["selinon", "selinon_core"])
@pytest.mark.parametrize(
    ("storage", "configuration", "expected"),
    [
        ("sql.SqlStorage", "{conection_string: a}", 'does not take an argument "conection_string"'),
        ("sql.SqlStorage", "", 'needs the argument "connection_string"'),
        ("sql.SqlStorage", "{}", 'needs the argument "connection_string"'),
        ("memory.InMemoryStorage", "{ecko: true}", 'does not take an argument "ecko"'),
        ("mongodb.MongoDB", "{db_name: a}", 'needs the argument "collection_name"'),
        ("s3.S3", "{region: a}", 'does not take an argument "region"'),
        ("filesystem.Filesystem", "{1: a}", 'does not take an argument "1"'),
        ("redis.Redis", "{port: [1]}", "has to be a text or an integer, not a list"),
        ("redis.Redis", "{expire: soon}", 'has to be an integer or null, not the text "soon"'),
        ("sql.SqlStorage", "{connection_string: 5}", "has to be a text, not the number 5"),
    ],
)
def test_shipped_storages(package: str, storage: str, configuration: str, expected: str, tmp_path: Path) -> None:
    line = f"configuration: {configuration}" if configuration else ""
    found = found_in(line, f"{package}.storages.{storage}", tmp_path)
    assert any(expected in message for message in found), found


@pytest.mark.parametrize(
    ("storage", "configuration"),
    [
        ("sql.SqlStorage", "{connection_string: 'sqlite:///{FILE}', echo: true}"),
        ("sql.SqlStorage", "'sqlite:///x'"),
        ("redis.Redis", "{host: h, port: '{PORT}', db: '0', socket_timeout: 3, expire: '{EXPIRE}'}"),
        ("memory.InMemoryStorage", "{echo: stderr, json: true}"),
        ("memory.InMemoryStorage", ""),
        ("filesystem.Filesystem", "{path: null}"),
    ],
)
def test_shipped_storages_that_are_right(storage: str, configuration: str, tmp_path: Path) -> None:
    line = f"configuration: {configuration}" if configuration else ""
    assert found_in(line, f"selinon_core.storages.{storage}", tmp_path) == []


OWN = """
from selinon_core import DataStorage
class Archive(DataStorage):
    def __init__(self, path: str, *, size: int = 3, deep: dict | None = None): ...
class Inherits(Archive):
    pass
class Anything(DataStorage):
    def __init__(self, **names): ...
class Base(DataStorage):
    pass
class Nothing:
    pass
class Made:
    def __new__(cls, a): ...
"""


@pytest.mark.parametrize("imports", [False, True], ids=["parsed", "imported"])
@pytest.mark.parametrize(
    ("name", "configuration", "expected"),
    [
        ("Archive", "{path: a}", []),
        ("Archive", "{path: a, size: 4, deep: {}}", []),
        ("Archive", "{pth: a}", ["SEL610"]),
        ("Archive", "{}", ["SEL610"]),
        ("Archive", "{path: 1, size: '4', deep: []}", ["SEL219", "SEL219", "SEL219"]),
        ("Inherits", "{path: a, more: 1}", ["SEL610"]),
        ("Anything", "{a: 1, b: [2]}", []),
        ("Anything", "{1: a}", ["SEL610"]),
        ("Base", "{a: 1}", []),
        ("Nothing", "{a: 1}", ["SEL610"]),
        ("Made", "{b: 1}", []),
    ],
)
def test_storage_classes_of_the_project(
    name: str, configuration: str, expected: list[str], imports: bool, tmp_path: Path
) -> None:
    line = f"configuration: {configuration}"
    found = found_in(line, f"mine.{name}", tmp_path, OWN, imports)
    assert [message[:6] for message in found] == expected


def test_cache_classes_of_the_project(tmp_path: Path) -> None:
    cache = "cache: {import: mine, name: Mine, configuration: {sise: 3}}"
    code = """
    class Mine:
        def __init__(self, size: int): ...
    """
    found = found_in(cache, "selinon_core.storages.memory.InMemoryStorage", tmp_path, code)
    assert len(found) == 1
    assert 'cache class "Mine" does not take an argument "sise"' in found[0]


def test_types_of_the_arguments_of_caches_and_strategies(tmp_path: Path) -> None:
    cache = "cache: {name: LRU, configuration: {max_cache_size: '3'}}"
    found = found_in(cache, "selinon_core.storages.memory.InMemoryStorage", tmp_path)
    assert found == ['SEL219 "max_cache_size" of cache "LRU" has to be an integer, not the text "3"']


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (1, "float", ""),
        (True, "int", ""),
        (1.5, "int", "an integer"),
        ("a", "int | None", "an integer or null"),
        (None, "str", "a text"),
        (None, "Optional[str]", ""),
        (3, "typing.Optional[str] | None", "a text or null"),
        ([], "list[str]", ""),
        ({}, "list[str] | str", "a text or a list"),
        ("a", "Path", ""),
        ("a", "Path | int", ""),
        (3, "Union[str, None]", ""),
        (3, "Literal['a']", ""),
    ],
)
def test_misfit(value: object, annotation: str, expected: str) -> None:
    assert misfit(value, annotation) == expected
