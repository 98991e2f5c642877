"""Real workers behind what stands before servers in production: PgBouncer, Redis Sentinel with fail-overs, TLS."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from celery import Celery

from selinon_core.celery.stores import Store, open_store
from selinon_core.celery.stores.protocol import Commit
from selinon_core.celery.stores.sql.store import SqlStore
from selinon_core.errors import StateStoreError, StateStoreRefused
from tests.celery.workers import Site, wait_until
from tests.conftest import need
from tests.workers.proxies import (
    MASTER,
    SentinelGroup,
    certificates,
    pgbouncer,
    redis_with_tls,
    why_not,
)
from tests.workers.servers import PostgresCluster, RabbitNode

T = TypeVar("T")
pytestmark = [pytest.mark.xdist_group("workers"), pytest.mark.timeout(240)]

FLOW = """
tasks:
  - {name: A, import: MODULE, classname: Work}
  - {name: B, import: MODULE, classname: Work}
  - {name: C, import: MODULE, classname: Work}
flow-definitions:
  - name: main
    edges:
      - {from: , to: [A, B]}
      - {from: [A, B], to: C}
"""
TASKS = """
import time
from selinon_core import SelinonTask

class Work(SelinonTask):
    def run(self, node_args):
        time.sleep((node_args or {}).get("seconds", 0))
"""


def requires(program: str) -> Any:
    return pytest.mark.skipif(why_not(program) is not None, reason=str(why_not(program)))


class Behind(Site):
    """A site whose servers are given by their URLs."""

    def __init__(self, directory: Path, broker: str, backend: str, state: str, **settings: Any) -> None:
        super().__init__(directory, "redis", **settings)
        prefix = self.name + ("_" if state.startswith("postgresql") else ":")
        self.environment |= {
            "TESTED_BROKER": broker,
            "TESTED_BACKEND": backend,
            "TESTED_STATE": state,
            "TESTED_PREFIX": prefix,
        }
        self.app.close()
        self.app = Celery("caller", broker=broker, backend=backend, set_as_current=False)
        self.app.conf.update(
            task_default_queue=self.name, selinon_state_url=state, selinon_state_prefix=prefix, **settings
        )
        self.write(FLOW.replace("MODULE", f"tasks_{self.name}"), TASKS)


@contextmanager
def behind(
    directory: Path, broker: str, backend: str | None = None, state: str | None = None, **settings: Any
) -> Iterator[Behind]:
    made = Behind(directory, broker, backend or broker, state or broker, **settings)
    try:
        yield made
    finally:
        made.close()


def all_succeed(place: Site, count: int, seconds: float = 0.0) -> None:
    runs = [place.selinon.run_flow("main", {"seconds": seconds}) for _ in range(count)]
    for run in runs:
        assert set(run.result(timeout=60)["finished_nodes"]) == {"A", "B", "C"}, place.logs()


# -- PgBouncer --------------------------------------------------------------------------------------------------

UNPREPARED = {"connect_args": {"prepare_threshold": None}}


@requires("pgbouncer")
@pytest.mark.service("redis", "postgres")
def test_flows_run_with_the_state_behind_pgbouncer(tmp_path: Path) -> None:
    with (
        pgbouncer(need("postgres")) as state,
        behind(tmp_path, need("redis"), state=state, selinon_state_options=UNPREPARED) as place,
    ):
        place.start("-c", "4")
        all_succeed(place, 60)
        assert "prepared statement" not in place.logs().lower()
        assert "trying again" not in place.logs()


@requires("pgbouncer")
@pytest.mark.service("postgres")
def test_without_that_option_the_error_names_it(private_name: str) -> None:
    with pgbouncer(need("postgres"), pool_size=2) as state:
        stores = [open_store(state, f"{private_name}_") for _ in range(3)]
        try:
            stores[0].prepare()
            said = next(filter(None, (_refusal(stores[turn % len(stores)]) for turn in range(600))), None)
            if said is None:
                pytest.skip("this PgBouncer keeps the prepared statements of its clients apart")
            assert 'selinon_state_options = {"connect_args": {"prepare_threshold": None}}' in said
        finally:
            for store in stores:
                store.close()
            direct = open_store(need("postgres"), f"{private_name}_")
            direct.clear()
            direct.close()


def _refusal(store: Store) -> str | None:
    """What a store says of a step that fails, None when it does not fail."""
    try:
        store.acquire_lease("F", 0, 5.0, 1.0)
    except StateStoreRefused as error:
        return str(error)
    except StateStoreError as error:
        return str(error)
    return None


# -- Redis Sentinel ---------------------------------------------------------------------------------------------

OPTIONS = {"master_name": MASTER}
SENTINEL = {
    "broker_transport_options": OPTIONS,
    "result_backend_transport_options": OPTIONS,
    "selinon_state_options": OPTIONS,
}


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[SentinelGroup]:
    directory = tmp_path / "servers"
    directory.mkdir()
    group = SentinelGroup(directory)
    try:
        group.start()
        yield group
    finally:
        group.stop()


@requires("redis-sentinel")
def test_the_store_writes_to_the_master_that_sentinel_names(sentinels: SentinelGroup) -> None:
    store = open_store(sentinels.url, options=OPTIONS)
    store.prepare()
    header = {"flow": "main", "queue": "q", "status": "running"}
    assert store.commit(Commit("run", 0, 1.0, create=header, batch="[]")).ok
    assert store.header("run") is not None
    sentinels.fail_over(kill=True)
    fields = retried(lambda: store.header("run"))
    assert fields is not None
    assert fields["version"] == "1"
    assert retried(lambda: store.commit(Commit("run", 1, 2.0, batch="[]"))).ok
    store.close()


def retried(step: Callable[[], T]) -> T:
    """As workers do: again, while the store cannot be reached."""
    found: list[T] = []

    def tried() -> bool:
        try:
            found.append(step())
        except StateStoreError:
            return False
        return True

    wait_until(tried, 30)
    return found[-1]


@pytest.mark.slow
@requires("redis-sentinel")
@pytest.mark.service("redis")
@pytest.mark.parametrize("kill", [True, False], ids=["killed", "swapped"])
def test_a_fail_over_under_load_loses_nothing(sentinels: SentinelGroup, tmp_path: Path, kill: bool) -> None:
    with behind(tmp_path, sentinels.url, **SENTINEL) as place:
        workers = [place.start("-c", "2"), place.start("-c", "2")]
        runs = [place.selinon.run_flow("main", {"seconds": 0.05}) for _ in range(60)]
        wait_until(lambda: any(run.status() == "success" for run in runs), told=place.logs)
        assert any(run.status() != "success" for run in runs)
        sentinels.fail_over(kill=kill)
        for run in runs:
            assert set(run.result(timeout=100)["finished_nodes"]) == {"A", "B", "C"}, place.logs()
        all_succeed(place, 5)
        assert [worker.poll() for worker in workers] == [None, None], place.logs()


# -- TLS --------------------------------------------------------------------------------------------------------


@requires("openssl")
@pytest.mark.service("redis")
def test_flows_run_on_a_redis_with_tls(tmp_path: Path) -> None:
    directory = tmp_path / "servers"
    directory.mkdir()
    made = certificates(directory)
    with redis_with_tls(directory, made) as server:
        url = f"{server}/0?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs={made.authority}"
        with behind(tmp_path, url) as place:
            place.start("-c", "2")
            all_succeed(place, 10)


@pytest.mark.slow
@requires("openssl")
@requires("rabbitmq-server")
@pytest.mark.service("redis")
def test_flows_run_on_a_rabbitmq_with_tls(tmp_path: Path) -> None:
    (tmp_path / "servers").mkdir()
    made = certificates(tmp_path / "servers")
    made.key.chmod(0o644)  # the server may run as another user
    node = RabbitNode(tmp_path / "servers" / "rabbit", made)
    try:
        node.start()
        url = f"amqps://guest:guest@127.0.0.1:{node.tls_port}//"
        tls = {"ca_certs": str(made.authority), "cert_reqs": int(ssl.CERT_REQUIRED)}
        redis = need("redis")
        with behind(tmp_path, url, redis, redis, broker_use_ssl=tls) as place:
            place.start("-c", "2")
            all_succeed(place, 5)
    finally:
        node.stop()


@pytest.mark.slow
@requires("openssl")
@pytest.mark.service("redis", "postgres")
def test_flows_run_with_the_state_in_a_postgresql_with_tls(tmp_path: Path) -> None:
    (tmp_path / "servers").mkdir()
    made = certificates(tmp_path / "servers")
    cluster = PostgresCluster(tmp_path / "servers" / "postgres", made)
    try:
        cluster.start()
        url = f"{cluster.url}?sslmode=verify-full&sslrootcert={made.authority}"
        with behind(tmp_path, need("redis"), state=url) as place:
            place.start("-c", "2")
            all_succeed(place, 5)
            encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            store = place.selinon.store
            assert isinstance(store, SqlStore)
            assert store.database.do(lambda connection: connection.exec_driver_sql(encrypted).scalar())
    finally:
        cluster.stop()


@requires("openssl")
def test_a_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    for name in ("server", "other"):
        (tmp_path / name).mkdir()
    other = certificates(tmp_path / "other")
    with redis_with_tls(tmp_path / "server", certificates(tmp_path / "server")) as server:
        store = open_store(f"{server}/0?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs={other.authority}")
        with pytest.raises(StateStoreError, match="certificate"):
            store.prepare()
