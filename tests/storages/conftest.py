"""One backend per shipped storage, each private to its test and gone afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import need
from tests.services import SERVICES
from tests.services import private_name as new_name
from tests.storages.backends import Backend

AWS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """URL of an S3 server in a thread."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def mongo_client(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replace pymongo's client by one in memory; all clients of a test see one server."""
    import mongomock_ng
    import pymongo

    server = mongomock_ng.MongoClient()

    class Client(mongomock_ng.MongoClient):  # type: ignore[misc]
        def __init__(self, host: str, port: int) -> None:
            super().__init__(host, port, _store=server._store)

        def close(self) -> None:
            """Keep the data, as a server would."""

    monkeypatch.setattr(pymongo, "MongoClient", Client)
    return server


@pytest.fixture
def memory() -> Backend:
    return Backend("selinon_core.storages.memory", "InMemoryStorage", {}, shared=False, forks=False)


@pytest.fixture
def filesystem(tmp_path: Path) -> Backend:
    return Backend("selinon_core.storages.filesystem", "Filesystem", {"path": str(tmp_path / "results")})


@pytest.fixture
def sqlite(tmp_path: Path) -> Backend:
    url = f"sqlite:///{tmp_path / 'results.db'}"
    return Backend("selinon_core.storages.sql", "SqlStorage", {"connection_string": url})


@pytest.fixture
def sqlite_memory() -> Backend:
    configuration = {"connection_string": "sqlite://"}
    return Backend("selinon_core.storages.sql", "SqlStorage", configuration, shared=False, forks=False)


@pytest.fixture
def postgresql(private_name: str) -> Iterator[Backend]:
    url = need("postgres")
    backend = Backend("selinon_core.storages.sql", "PostgreSQL", {"connection_string": url, "table": private_name})
    yield backend
    storage = backend.build()
    storage._tables.metadata.drop_all(storage.engine)
    storage.disconnect()


@pytest.fixture
def redis_server(private_name: str) -> Iterator[Backend]:
    backend = Backend("selinon_core.storages.redis", "Redis", {"url": need("redis"), "prefix": f"{private_name}:"})
    yield backend
    storage = backend.build()
    for key in storage.conn.scan_iter(match=f"{private_name}:*", count=1000):
        storage.conn.delete(key)
    storage.disconnect()


@pytest.fixture
def mongodb_mock(mongo_client: Any) -> Backend:
    configuration = {"db_name": "test", "collection_name": "results"}
    return Backend("selinon_core.storages.mongodb", "MongoDB", configuration, forks=False, atomic=False)


@pytest.fixture
def mongodb(private_name: str) -> Iterator[Backend]:
    configuration = {"db_name": private_name, "collection_name": "results", "host": need("mongodb")}
    backend = Backend("selinon_core.storages.mongodb", "MongoDB", configuration)
    yield backend
    storage = backend.build()
    storage.client.drop_database(private_name)
    storage.disconnect()


@pytest.fixture
def s3(s3_endpoint: str) -> Backend:
    configuration = {"bucket": f"selinon-{uuid.uuid4().hex}", "endpoint_url": s3_endpoint, **AWS}
    return Backend("selinon_core.storages.s3", "S3", configuration)


@pytest.fixture
def s3_json(s3: Backend) -> Backend:
    return s3._replace(configuration={**s3.configuration, "serialize_json": True, "prefix": f"{new_name()}/"})


BACKENDS = (
    "memory",
    "filesystem",
    "sqlite",
    "sqlite_memory",
    "postgresql",
    "redis_server",
    "mongodb_mock",
    *(["mongodb"] if SERVICES["mongodb"].url else []),
    "s3",
    "s3_json",
)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend in turn."""
    found: Backend = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def storage(backend: Backend) -> Iterator[Any]:
    """A connected storage of each kind."""
    built = backend.build()
    built.connect()
    yield built
    built.disconnect()
