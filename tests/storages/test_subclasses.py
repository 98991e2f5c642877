"""Storages of projects that derive from the shipped ones, and use the attributes that selinon 1.x had."""

from __future__ import annotations

import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from selinon.storages.postgresql import Result
from selinon_core.errors import ConfigurationError, ResultMissingError, StorageError
from selinon_core.project import compile_data
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.storages import Storages
from selinon_core.storages.filesystem import Filesystem
from selinon_core.storages.memory import InMemoryStorage
from selinon_core.storages.mongodb import MongoDB
from selinon_core.storages.redis import Redis
from selinon_core.storages.s3 import S3
from selinon_core.storages.sql import PostgreSQL
from tests.storages.backends import Backend

#: Of each class of selinon 1.4.0, what its constructor and methods set or call on ``self``.
ATTRIBUTES = {
    "filesystem": ("path", "_connected", "_construct_base_path", "_construct_path"),
    "memory": ("database", "echo_file", "echo_json"),
    "mongodb_mock": ("client", "collection", "collection_name", "db", "db_name", "host", "port"),
    "postgresql": ("engine", "session"),
    "redis_server": (
        "charset",
        "conn",
        "connection_pool",
        "db",
        "errors",
        "host",
        "password",
        "port",
        "socket_timeout",
        "unix_socket_path",
    ),
    "s3": ("_bucket_name", "_endpoint_url", "_location", "_s3", "_serialize_json", "_session", "_use_ssl"),
}


@pytest.fixture(params=sorted(ATTRIBUTES))
def original(request: pytest.FixtureRequest) -> tuple[Any, tuple[str, ...]]:
    """Each storage of the original, not connected, and its attributes."""
    backend: Backend = request.getfixturevalue(request.param)
    return backend.build(), ATTRIBUTES[request.param]


def test_every_attribute_can_be_read_and_assigned(original: tuple[Any, tuple[str, ...]]) -> None:
    storage, names = original
    values = {name: getattr(storage, name) for name in names}
    for name, value in values.items():
        setattr(storage, name, value)
    for name, value in values.items():
        if not callable(value) or name not in vars(type(storage)):
            assert getattr(storage, name) == value
    storage.store(None, "flow", "Task", "1", [1])
    assert storage.retrieve("flow", "Task", "1") == [1]
    storage.disconnect()


def test_no_attribute_connects_unless_it_is_asked_for(tmp_path: Path) -> None:
    nowhere = [
        S3("b", aws_access_key_id="k", aws_secret_access_key="s", region_name="r"),
        Redis(host="127.0.0.1", port=1),
        PostgreSQL("postgresql://nobody@127.0.0.1:1/none"),
        Filesystem(str(tmp_path / "none")),
    ]
    assert [storage.is_connected() for storage in nowhere] == [False] * 4
    assert nowhere[0]._bucket_name == "b"  # type: ignore[attr-defined]
    assert nowhere[0]._session.region_name == "r"  # type: ignore[attr-defined]
    assert not nowhere[3]._connected  # type: ignore[attr-defined]
    assert not (tmp_path / "none").exists()


# -- S3 ---------------------------------------------------------------------------------------------------------


class LogStorage(S3):
    """Stores under keys of its own, by the resource."""

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> str:
        key = f"logs/{node_args['repo']}.json"
        self._s3.Object(self._bucket_name, key).put(Body=json.dumps(result).encode())
        return key

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        return json.loads(self._s3.Object(self._bucket_name, task_id).get()["Body"].read())


def test_a_storage_that_uses_the_resource_of_s3(s3: Backend) -> None:
    storage = LogStorage(**s3.configuration)
    key = storage.store({"repo": "six"}, "flow", "Task", "1", {"lines": 3})
    assert storage.retrieve("flow", "Task", key) == {"lines": 3}
    resource, seen = storage._s3, []
    thread = threading.Thread(target=lambda: seen.append(storage._s3))
    thread.start()
    thread.join()
    assert storage._s3 is resource
    assert seen[0] is not resource  # boto3's resources must not be used by two threads
    storage.disconnect()
    assert not storage.is_connected()


class OwnSession(S3):
    """Connects by itself, as the original did."""

    def connect(self) -> None:
        self._s3 = self._session.resource("s3", use_ssl=self._use_ssl, endpoint_url=self._endpoint_url)
        self._s3.create_bucket(Bucket=self._bucket_name)

    def is_connected(self) -> bool:
        return self._s3 is not None

    def disconnect(self) -> None:
        if self._s3:
            self._s3.meta.client.close()
            self._s3 = None


def test_a_storage_that_connects_to_s3_by_itself(s3: Backend) -> None:
    storage = OwnSession(**s3.configuration)
    storage.store(None, "flow", "Task", "1", {"a": 1})
    assert storage.retrieve("flow", "Task", "1") == {"a": 1}
    storage.disconnect()


# -- Redis ------------------------------------------------------------------------------------------------------


class Counting(Redis):
    """Has a connection of its own, and asks it directly."""

    connects = 0

    def connect(self) -> None:
        import redis

        if self.conn is None:
            self.connects += 1
            self.conn = redis.Redis.from_url(str(self.url), decode_responses=True)

    def is_connected(self) -> bool:
        return self.conn is not None

    def disconnect(self) -> None:
        if self.is_connected():
            self.conn.connection_pool.disconnect()
            self.conn = None

    def count(self, key: str) -> int:
        return int(self.conn.incr(f"{self.prefix}{key}"))


def test_a_storage_that_connects_to_redis_by_itself(redis_server: Backend) -> None:
    storage = Counting(**redis_server.configuration)
    assert [storage.count("a"), storage.count("a")] == [1, 2]
    assert storage.connects == 1
    assert storage.conn.get(f"{storage.prefix}a") == "2"  # its own client, which decodes
    storage.store({"x": 1}, "flow", "Task", "1", [1])
    assert storage.retrieve("flow", "Task", "1") == [1]
    storage.disconnect()
    storage.connect()
    assert storage.connects == 2
    storage.disconnect()


class Unfinished(Redis):
    """Its constructor does not call the shipped one's."""

    def __init__(self, host: str, port: int) -> None:
        self.conn = None
        self.host, self.port = host, port
        self.charset = "utf-8"

    def connect(self) -> None:
        import redis

        self.conn = redis.Redis(host=self.host, port=self.port)


def test_a_constructor_that_does_not_call_the_shipped_one(redis_server: Backend, private_name: str) -> None:
    from redis.connection import parse_url

    found = parse_url(redis_server.configuration["url"])
    storage = Unfinished(found.get("host", "localhost"), found.get("port", 6379))
    storage.store(None, private_name, "Task", "1", 5)
    assert storage.retrieve(private_name, "Task", "1") == 5
    storage.delete(private_name, "Task", "1")
    storage.disconnect()


def test_a_server_that_is_away_is_told_by_the_own_connect_too() -> None:
    class Away(Redis):
        def connect(self) -> None:
            raise ConnectionError("no route")

    storage = Away()
    with pytest.raises(StorageError, match="no route"):
        storage.retrieve("flow", "Task", "1")


# -- MongoDB ----------------------------------------------------------------------------------------------------


class Documents(MongoDB):
    """Keeps its results in a collection for each task."""

    def connect(self) -> None:
        import pymongo

        self.client = pymongo.MongoClient(self.host, self.port)
        self.db = self.client[self.db_name]
        self.collection = self.db["other"]


def test_a_storage_that_chooses_its_collection(mongodb_mock: Backend, mongo_client: Any) -> None:
    storage = Documents(**mongodb_mock.configuration)
    storage.store(None, "flow", "Task", "1", {"a": 1})
    assert storage.retrieve("flow", "Task", "1") == {"a": 1}
    assert mongo_client["test"]["other"].count_documents({"task_id": "1"}) == 1
    assert storage.db.list_collection_names() == ["other"]
    storage.disconnect()
    assert mongo_client["test"]["results"].count_documents({}) == 0


# -- SQL --------------------------------------------------------------------------------------------------------


class Rows(PostgreSQL):
    """Asks the database by its session."""

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        found = self.session.query(Result).filter_by(task_id=task_id).one()
        assert found.task_name == task_name
        return found.result

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> int:
        record: Any = Result(node_args, flow_name, task_name, task_id, result)
        try:
            self.session.add(record)
            self.session.commit()
        except Exception:
            self.session.rollback()
            raise
        return int(record.id)


@pytest.fixture
def rows(postgres_url: str) -> Any:
    storage = Rows(postgres_url)
    yield storage
    storage.disconnect()


def test_a_storage_that_uses_the_session(rows: Rows, private_name: str) -> None:
    number = rows.store({"a": 1}, "flow", "Task", private_name, {"x": 2.0})
    assert rows.retrieve("flow", "Task", private_name) == {"x": 2.0}
    assert PostgreSQL.retrieve(rows, "flow", "Task", private_name) == {"x": 2.0}
    session, seen = rows.session, []
    thread = threading.Thread(target=lambda: seen.append((rows.session, rows.session.close())))
    thread.start()
    thread.join()
    assert rows.session is session
    assert seen[0][0] is not session
    row = rows.session.get(Result, number)
    rows.session.delete(row)
    rows.session.commit()
    with pytest.raises(ResultMissingError):
        PostgreSQL.retrieve(rows, "flow", "Task", private_name)


def test_a_session_may_be_the_projects_own(rows: Rows) -> None:
    from sqlalchemy import text
    from sqlalchemy.orm import Session

    class Own(Rows):
        def connect(self) -> None:
            super().connect()
            self.session = Session(self.engine, autoflush=False)

    storage = Own(rows.connection_string)
    assert not storage.session.autoflush
    assert storage.session.execute(text("SELECT 1")).scalar() == 1
    storage.disconnect()


# -- files and memory -------------------------------------------------------------------------------------------


class Flat(Filesystem):
    """Keeps all its files in one directory."""

    def connect(self) -> None:
        os.makedirs(self.path, exist_ok=True)
        self._connected = True

    def _construct_path(self, flow_name: str, task_name: str, task_id: str) -> str:
        return os.path.join(self.path, f"{flow_name}-{task_name}-{task_id}")


def test_a_storage_with_paths_of_its_own(tmp_path: Path) -> None:
    storage = Flat(str(tmp_path / "flat"))
    path = storage.store(None, "flow", "Task", "1", [1])
    assert path == str(tmp_path / "flat" / "flow-Task-1")
    assert storage.retrieve("flow", "Task", "1") == [1]
    assert storage._construct_base_path("flow", "Task") == str(tmp_path / "flat" / "flow" / "Task")
    storage.delete("flow", "Task", "1")
    assert not os.path.exists(path)
    storage._connected = False
    assert not storage.is_connected()


class Plain(InMemoryStorage):
    """Fills its database itself, under a constructor that does not call the shipped one's."""

    def __init__(self) -> None:
        self.database = {}
        self.echo_file = None
        self.echo_json = False

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> str:
        assert task_id not in self.database
        self.database[task_id] = {
            "node_args": node_args,
            "task_name": task_name,
            "flow_name": flow_name,
            "task_id": task_id,
            "result": result,
        }
        self.database[f"seen-{task_id}"] = {"result": "seen"}
        return task_id


def test_a_storage_that_fills_the_database_in_memory() -> None:
    storage = Plain()
    storage.store({"x": 1}, "flow", "Task", "1", [1])
    assert storage.retrieve("flow", "Task", "1") == [1]
    assert storage.retrieve("flow", "Task", "seen-1") == "seen"
    assert list(storage.database) == ["1", "seen-1"]
    assert storage.database["1"]["node_args"] == {"x": 1}
    storage.delete("flow", "Task", "seen-1")
    del storage.database["1"]
    assert (len(storage.database), repr(storage.database)) == (0, "{}")
    for missing in ("1", "seen-1"):
        with pytest.raises(ResultMissingError):
            storage.retrieve("flow", "Task", missing)
        with pytest.raises(KeyError):
            del storage.database[missing]
    storage.database = {"2": {"no": "result"}}
    with pytest.raises(ResultMissingError):
        storage.retrieve("flow", "Task", "2")


def test_one_id_under_two_names_is_one_record_in_the_database() -> None:
    storage = InMemoryStorage()
    storage.store(None, "flow", "One", "1", 1)
    storage.store(None, "flow", "Two", "1", 2)
    assert storage.database["1"]["task_name"] == "Two"
    assert storage.retrieve("flow", "One", "1") == 1


def test_where_memory_is_echoed_to_can_be_assigned() -> None:
    storage, file = InMemoryStorage(), io.StringIO()
    storage.echo_file = file
    storage.store(None, "flow", "Task", "1", 7)
    storage.retrieve("flow", "Task", "1")
    assert file.getvalue().endswith("7\n")
    assert storage.echo_file is file


# -- environment variables --------------------------------------------------------------------------------------


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {"PLACE": str(tmp_path), "NAME": "n", "PORT": "7", "ODD": "a{b}"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environment")
def test_what_is_built_by_hand_fills_in_environment_variables(tmp_path: Path) -> None:
    assert Filesystem("{PLACE}/x").path == str(tmp_path / "x")
    redis = Redis(host="{NAME}", port="{PORT}", db="{PORT}", password="{{{NAME}}}{ODD}")
    assert (redis.host, redis.port, redis.db, redis.password) == ("n", 7, 7, "{n}a{b}")
    mongo = MongoDB("{NAME}", "{NAME}s", host="{NAME}", port="{PORT}")
    assert (mongo.db_name, mongo.collection_name, mongo.host, mongo.port) == ("n", "ns", "n", 7)
    s3 = S3("{NAME}", "{NAME}", "http://{NAME}", "{NAME}", "{NAME}", "{NAME}", "{NAME}")
    assert (s3.bucket, s3.location, s3.endpoint_url, s3.region_name) == ("n", "n", "http://n", "n")
    assert (s3.aws_access_key_id, s3.aws_secret_access_key, s3.use_ssl) == ("n", "n", True)
    assert PostgreSQL("postgresql://{NAME}/x").connection_string == "postgresql://n/x"
    with pytest.raises(ConfigurationError, match="MISSING"):
        Filesystem("{MISSING}/x")


class Below(Filesystem):
    """Adds to the path that is configured."""

    def __init__(self, path: str, name: str) -> None:
        super().__init__(path + "/{NAME}")
        self.name = name
        self.other = Filesystem("{PLACE}/other")


@pytest.mark.usefixtures("environment")
def test_what_a_configuration_says_is_filled_in_once(tmp_path: Path) -> None:
    plan = compile_data(
        {
            "storages": [
                {"name": "A", "import": "selinon_core.storages.filesystem", "classname": "Filesystem"},
                {"name": "B", "import": "tests.storages.test_subclasses", "classname": "Below"},
                {"name": "C", "import": "selinon_core.storages.redis", "classname": "Redis"},
            ],
        }
    ).plan
    assert plan is not None
    storages = Storages(plan, Imports(), lambda event, details: None)

    def made(name: str, configuration: Any) -> Any:
        return storages.make(plan.storages[name]._replace(configuration=configuration))

    assert made("A", {"path": "{PLACE}/{{NAME}}"}).path == str(tmp_path / "{NAME}")
    assert made("A", "{PLACE}/{{NAME}}").path == str(tmp_path / "{NAME}")
    assert made("C", {"password": "{ODD}{{MISSING}}"}).password == "a{b}{MISSING}"
    below = made("B", {"path": "{PLACE}", "name": "{{org}}/{{repo}}"})
    assert (below.path, below.name) == (str(tmp_path / "n"), "{org}/{repo}")
    assert below.other.path == str(tmp_path / "other")
