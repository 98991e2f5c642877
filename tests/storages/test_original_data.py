"""Results that the original stored can be read and deleted, and its constructor keywords are understood."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from selinon_core.errors import StorageError
from selinon_core.storage import SelinonMissingDataException
from selinon_core.storages.filesystem import Filesystem
from selinon_core.storages.memory import InMemoryStorage
from selinon_core.storages.mongodb import MongoDB
from selinon_core.storages.redis import Redis
from selinon_core.storages.s3 import S3
from selinon_core.storages.sql import PostgreSQL, SqlStorage
from tests.storages.backends import Backend

TASK_ID = "3f6f5a1e-9d0c-4b43-a9a8-0d1f6a6f0a11"
ADDRESS = ("flow", "Task", TASK_ID)
RECORD = {"flow_name": "flow", "task_name": "Task", "task_id": TASK_ID, "node_args": None, "result": {"a": 1}}


def can_be_read_and_deleted(storage: Any) -> None:
    assert storage.retrieve(*ADDRESS) == {"a": 1}
    storage.delete(*ADDRESS)
    with pytest.raises(SelinonMissingDataException):
        storage.retrieve(*ADDRESS)


def test_filesystem(tmp_path: Path) -> None:
    path = tmp_path / "flow" / "Task" / f"{TASK_ID}.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"a": 1}')
    storage = Filesystem(path=str(tmp_path))
    can_be_read_and_deleted(storage)
    assert storage.store(None, *ADDRESS, {"a": 1}) == str(path)
    assert path.read_text() == '{"a": 1}'


def test_redis(redis_server: Backend, private_name: str) -> None:
    storage = redis_server.build()
    address = ("flow", "Task", f"{private_name}:id")
    storage.conn.set(address[2], json.dumps({**RECORD, "task_id": address[2]}))
    with pytest.raises(SelinonMissingDataException):
        storage.retrieve("flow", "Other", address[2])
    with pytest.raises(SelinonMissingDataException):
        storage.delete("other", "Task", address[2])
    assert storage.retrieve(*address) == {"a": 1}
    storage.delete(*address)
    assert storage.conn.get(address[2]) is None
    storage.disconnect()


@pytest.mark.parametrize("value", [b"\xff\xfe", b"no json", b"[1]", b'{"result": 1}'])
def test_somebody_elses_key_in_redis_is_no_result(redis_server: Backend, private_name: str, value: bytes) -> None:
    storage = redis_server.build()
    key = f"{private_name}:id"
    storage.conn.set(key, value)
    with pytest.raises(SelinonMissingDataException):
        storage.retrieve("flow", "Task", key)
    storage.conn.delete(key)
    storage.conn.rpush(key, "a list")
    with pytest.raises(SelinonMissingDataException):
        storage.retrieve("flow", "Task", key)
    storage.disconnect()


# The original's table as PostgreSQL describes it.
OLD_TABLE = """
CREATE SEQUENCE {name}_id;
CREATE TABLE {name} (
    id INTEGER NOT NULL PRIMARY KEY,
    flow_name VARCHAR(128),
    task_name VARCHAR(128),
    task_id VARCHAR(255) UNIQUE,
    result JSONB,
    node_args JSONB
);
INSERT INTO {name} VALUES (nextval('{name}_id'), 'flow', 'Task', '{task_id}', '{{"a": 1}}', NULL);
"""


def test_postgresql(postgresql: Backend, private_name: str) -> None:
    storage = postgresql.build()
    # not through the storage, which would create the table
    engine = create_engine(storage._url())
    with engine.begin() as connection:
        connection.execute(text(OLD_TABLE.format(name=private_name, task_id=TASK_ID)))
    engine.dispose()
    with pytest.raises(SelinonMissingDataException):
        storage.retrieve("flow", "Other", TASK_ID)
    with pytest.raises(StorageError, match="unique by task id"):
        storage.store(None, "other", "Task", TASK_ID, 1)
    can_be_read_and_deleted(storage)
    number = storage.store({"x": 1}, *ADDRESS, [1])
    assert storage.store({"x": 2}, *ADDRESS, [2]) == number
    assert storage.retrieve(*ADDRESS) == [2]
    storage.disconnect()


def test_mongodb(mongodb_mock: Backend) -> None:
    storage = mongodb_mock.build()
    storage.collection.insert_one(dict(RECORD))
    with pytest.raises(SelinonMissingDataException):
        storage.retrieve("flow", "Other", TASK_ID)
    can_be_read_and_deleted(storage)


@pytest.mark.parametrize("serialize_json", [True, False])
def test_s3(s3: Backend, serialize_json: bool) -> None:
    storage = S3(**{**s3.configuration, "serialize_json": serialize_json})
    storage.client.put_object(Bucket=storage.bucket, Key=TASK_ID, Body=b'{"a": 1}')
    assert storage.retrieve(*ADDRESS) == ({"a": 1} if serialize_json else b'{"a": 1}')
    storage.delete(*ADDRESS)
    with pytest.raises(SelinonMissingDataException):
        storage.retrieve(*ADDRESS)
    storage.disconnect()


def test_an_id_is_no_way_to_the_key_of_another_result(s3: Backend) -> None:
    storage = s3.build()
    storage.store(None, *ADDRESS, "secret")
    detour = "/".join(ADDRESS)
    with pytest.raises(SelinonMissingDataException):
        storage.retrieve("flow", "Task", detour)
    with pytest.raises(SelinonMissingDataException):
        storage.delete("flow", "Task", detour)
    storage.disconnect()


def test_s3_keeps_text_and_bytes_as_they_are(s3: Backend) -> None:
    storage = s3.build()
    for number, result in enumerate(["text", b"bytes \xff"]):
        key = storage.store(None, "flow", "Task", f"id-{number}", result)
        body = storage.client.get_object(Bucket=storage.bucket, Key=key)["Body"].read()
        assert body == (result.encode() if isinstance(result, str) else result)
        assert storage.retrieve("flow", "Task", f"id-{number}") == result
    storage.disconnect()


def test_the_keywords_of_the_original() -> None:
    InMemoryStorage(echo="stderr", json=True)
    Filesystem(path="x")
    Filesystem()
    redis = Redis(
        host="redis",
        port="6380",
        db="2",
        password="p",
        socket_timeout=3,
        connection_pool=None,
        charset="utf-8",
        errors="strict",
        unix_socket_path=None,
    )
    assert (redis.host, redis.port, redis.db, redis.charset) == ("redis", 6380, 2, "utf-8")
    mongo = MongoDB(db_name="d", collection_name="c", host="h", port="27018")
    assert (mongo.host, mongo.port, mongo.db_name, mongo.collection_name) == ("h", 27018, "d", "c")
    PostgreSQL(connection_string="postgresql://u@h/d", encoding="utf-8", echo=False)
    S3(
        bucket="b",
        location="eu-west-1",
        endpoint_url="http://h",
        use_ssl="1",
        aws_access_key_id="a",
        aws_secret_access_key="s",
        region_name="eu-west-1",
        serialize_json=True,
    )


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("postgresql://u@h/d", "postgresql+psycopg"),
        ("postgres://u@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg2://u@h/d", "postgresql+psycopg2"),
        ("sqlite:///x.db", "sqlite"),
    ],
)
def test_the_driver_of_an_old_url(given: str, driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg2", None)
    assert SqlStorage(given)._url().drivername == driver


def test_postgresql_creates_a_missing_database(postgres_url: str, private_name: str) -> None:
    from sqlalchemy import make_url

    url = make_url(postgres_url).set(database=private_name)
    storage = PostgreSQL(url.render_as_string(hide_password=False))
    storage.store(None, *ADDRESS, 1)
    assert storage.retrieve(*ADDRESS) == 1
    storage.disconnect()
    with create_engine(postgres_url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"DROP DATABASE {private_name}"))
        connection.detach()
        connection.close()


def test_memory_shows_what_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    storage = InMemoryStorage()
    storage.store({"x": 1}, *ADDRESS, {"a": 1})
    assert storage.database == {TASK_ID: {**RECORD, "node_args": {"x": 1}}}
    assert capsys.readouterr() == ("", "")


PLAIN = "{'flow_name': 'f', 'task_name': 'T', 'task_id': 'i', 'node_args': None, 'result': 1}\n1\n"
AS_JSON = """{
  "flow_name": "f",
  "node_args": null,
  "result": 1,
  "task_id": "i",
  "task_name": "T"
}
1
"""


@pytest.mark.parametrize(
    ("configuration", "out", "err"),
    [
        ({"echo": True}, PLAIN, ""),
        ({"echo": "stderr"}, "", PLAIN),
        ({"echo": "stdout", "json": True}, AS_JSON, ""),
    ],
)
def test_memory_echoes(
    configuration: dict[str, Any], out: str, err: str, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = InMemoryStorage(**configuration)
    storage.store(None, "f", "T", "i", 1)
    storage.retrieve("f", "T", "i")
    assert capsys.readouterr() == (out, err)


@pytest.mark.parametrize("configuration", [{"json": True}, {"echo": "file"}])
def test_memory_refuses_what_it_does_not_understand(configuration: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="echo"):
        InMemoryStorage(**configuration)
