"""What goes wrong outside of a storage, and what is said about it."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from selinon_core.errors import MissingExtraError, ResultMissingError, SelinonException, StorageError
from selinon_core.project import compile_text
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.storages import Storages
from selinon_core.storages.filesystem import Filesystem
from selinon_core.storages.mongodb import MongoDB
from selinon_core.storages.names import safe_name
from selinon_core.storages.redis import Redis
from selinon_core.storages.s3 import S3
from selinon_core.storages.sql import PostgreSQL, SqlStorage

ADDRESS = ("flow", "Task", "id")
IN_MEMORY = """
tasks:
  - {name: Task, import: tasks, storage: Memory}
storages:
  - {name: Memory, import: selinon_core.storages.memory, classname: InMemoryStorage}
flow-definitions:
  - {name: flow, edges: [{from: , to: Task}]}
"""


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(params=["redis", "postgresql", "mongodb", "s3", "sqlite", "filesystem"])
def out_of_order(
    request: pytest.FixtureRequest, closed_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    if request.param == "redis":
        return Redis(host="127.0.0.1", port=closed_port)
    if request.param == "postgresql":
        return PostgreSQL(f"postgresql://u@127.0.0.1:{closed_port}/d")
    if request.param == "mongodb":
        return MongoDB("d", "c", host=f"mongodb://127.0.0.1:{closed_port}/?serverSelectionTimeoutMS=50")
    if request.param == "s3":
        return S3(
            "bucket",
            endpoint_url=f"http://127.0.0.1:{closed_port}",
            aws_access_key_id="a",
            aws_secret_access_key="s",
            region_name="us-east-1",
        )
    if request.param == "sqlite":
        return SqlStorage(f"sqlite:///{in_the_way}/results.db")
    return Filesystem(str(in_the_way / "results"))


def test_a_server_that_is_away_is_a_storage_error(out_of_order: Any) -> None:
    for use in (
        out_of_order.connect,
        lambda: out_of_order.retrieve(*ADDRESS),
        lambda: out_of_order.store(None, *ADDRESS, 1),
        lambda: out_of_order.delete(*ADDRESS),
    ):
        with pytest.raises(StorageError, match=f"{type(out_of_order).__name__} cannot") as caught:
            use()
        assert not isinstance(caught.value, ResultMissingError)
        assert caught.value.__cause__ is not None
    assert not out_of_order.is_connected()
    out_of_order.disconnect()


@pytest.mark.parametrize(
    ("driver", "extra", "build"),
    [
        ("redis", "redis", lambda: Redis()),
        ("sqlalchemy", "sql", lambda: SqlStorage("sqlite://")),
        ("sqlalchemy", "postgresql", lambda: PostgreSQL("postgresql://h/d")),
        ("pymongo", "mongodb", lambda: MongoDB("d", "c")),
        ("boto3", "s3", lambda: S3("b")),
    ],
)
def test_a_missing_driver_names_the_extra(
    driver: str, extra: str, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(MissingExtraError, match=rf"'{driver}'.*pip install 'selinon\[{extra}\]'"):
        build()


def test_a_missing_driver_of_a_database_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for driver in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'selinon\[postgresql\]'") as caught:
        SqlStorage("postgresql://user:secret@h/d").connect()
    assert "secret" not in str(caught.value)


def test_modules_of_storages_can_be_imported_without_drivers() -> None:
    import subprocess

    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys('redis sqlalchemy pymongo bson boto3 botocore'.split()))\n"
        "import selinon_core.storages.memory, selinon_core.storages.filesystem, selinon_core.storages.sql\n"
        "import selinon_core.storages.redis, selinon_core.storages.mongodb, selinon_core.storages.s3\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("url", ["", "nonsense", "nosuchdialect://x"])
def test_a_url_that_is_none_is_a_selinon_error(url: str) -> None:
    with pytest.raises(SelinonException):
        SqlStorage(url).connect()


def test_a_result_in_the_memory_of_another_process_is_not_just_missing() -> None:
    plan = compile_text({"nodes.yaml": IN_MEMORY}).plan
    assert plan is not None
    storages = Storages(plan, Imports(()), lambda event, details: None)
    with pytest.raises(ResultMissingError) as caught:
        storages.retrieve("flow", "Task", "id")
    assert str(caught.value) == (
        'storage "Memory" has no result of Task (run id, flow flow): '
        "it keeps results in the memory of one process, where others do not find them; "
        "on workers, name a storage that processes share (files, Redis, SQL, ...)"
    )


def test_a_file_that_is_not_json_is_a_storage_error(tmp_path: Path) -> None:
    storage = Filesystem(str(tmp_path))
    path = Path(storage.store(None, *ADDRESS, 1))
    path.write_text("{")
    with pytest.raises(StorageError, match="not JSON"):
        storage.retrieve(*ADDRESS)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Filesystem(str(tmp_path))
    path = Path(storage.store(None, *ADDRESS, "old"))

    def refuse(source: str, destination: str) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(StorageError, match="disk full"):
        storage.store(None, *ADDRESS, "new")
    assert storage.retrieve(*ADDRESS) == "old"
    assert list(path.parent.iterdir()) == [path]


def test_names_never_lead_out_of_the_directory(tmp_path: Path) -> None:
    root = tmp_path / "root"
    storage = Filesystem(str(root))
    for name in ("..", "../..", "/etc/passwd", "a/../../..", ".", "", "\\..\\x", "~", "\x00"):
        for address in ((name, "T", "i"), ("f", name, "i"), ("f", "T", name)):
            path = Path(storage.store(None, *address, 1))
            assert path.resolve().is_relative_to(root)
            assert len(path.relative_to(root).parts) == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["root"]


def test_safe_names_differ() -> None:
    names = ["a", "%61", "a.", ".", "..", "", "%", "%-", "a" * 300, "a" * 301, "ü", "Ü", "\ud800", "a b", "a%20b"]
    written = [safe_name(name) for name in names]
    assert len(set(written)) == len(names)
    assert all(len(name) <= 200 for name in written)
    assert safe_name("Task_1-x") == "Task_1-x"


def test_the_directory_does_not_move_with_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    storage = Filesystem("results")
    storage.store(None, *ADDRESS, 1)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert storage.retrieve(*ADDRESS) == 1


def test_files_get_the_usual_permissions(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    path = Path(Filesystem(str(tmp_path)).store(None, *ADDRESS, 1))
    assert path.stat().st_mode == plain.stat().st_mode
