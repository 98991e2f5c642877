"""What stands between workers and their servers in production: PgBouncer, Redis Sentinel, TLS.

Started here on free ports, gone afterwards. ``why_not`` says which program is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.workers.servers import Certificates, free_port, redis_program, wait_until_open

MASTER = "mymaster"


def why_not(program: str) -> str | None:
    """Why a test that needs this program cannot run here, None when it can."""
    return None if _found(program) else f"{program} is not installed"


def _found(program: str) -> str | None:
    return shutil.which(
        program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    )


@contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        wait_until_open(port)
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def pgbouncer(postgres: str, pool_size: int = 4) -> Iterator[str]:
    """A PgBouncer with transaction pooling before the server of a SQLAlchemy URL; gives the URL through it."""
    url, port = urlsplit(postgres), free_port()
    directory = Path(
        tempfile.mkdtemp()
    )  # of the test's own directory the user that PgBouncer runs as sees nothing
    directory.chmod(0o755)
    user, password = url.username or "postgres", f" password={url.password}" if url.password else ""
    (directory / "pgbouncer.ini").write_text(
        "[databases]\n"
        f"* = host={url.hostname} port={url.port or 5432} user={user}{password}\n"
        "[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = transaction\ndefault_pool_size = {pool_size}\nmax_client_conn = 200\n"
    )
    program = _found("pgbouncer")
    assert program is not None
    command = [program, str(directory / "pgbouncer.ini")]
    if os.getuid() == 0:  # it refuses to be root
        command[1:1] = ["-u", "nobody"]
    try:
        with _running(command, port, directory / "log"):
            yield f"{url.scheme}://{user}@127.0.0.1:{port}{url.path}"
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class SentinelGroup:
    """A Redis, its replica, and a Sentinel that watches them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.ports = [free_port(), free_port()]
        self.sentinel = free_port()
        self.url = f"sentinel://127.0.0.1:{self.sentinel}"
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def _client(self, port: int) -> Any:
        import redis

        return redis.Redis(port=port, decode_responses=True, socket_timeout=5)

    def start(self) -> None:
        """Start all three, and wait until the Sentinel knows the replica."""
        first, second = self.ports
        self._start_redis(first)
        self._start_redis(second, "--replicaof", f"127.0.0.1 {first}")
        configuration = self._directory / "sentinel.conf"
        configuration.write_text(
            f"port {self.sentinel}\nbind 127.0.0.1\ndir {self._directory}\n"
            f"sentinel monitor {MASTER} 127.0.0.1 {first} 1\n"
            f"sentinel down-after-milliseconds {MASTER} 1000\n"
            f"sentinel failover-timeout {MASTER} 10000\n"
        )
        self._start(self.sentinel, [redis_program(), str(configuration), "--sentinel"])
        self._until(lambda: self._client(first).info("replication")["connected_slaves"] == 1)
        self._until(lambda: self._client(self.sentinel).sentinel_slaves(MASTER))
        self._until(lambda: self._client(second).info("replication")["master_link_status"] == "up")

    def _start_redis(self, port: int, *options: str) -> None:
        directory = self._directory / str(port)
        directory.mkdir(exist_ok=True)
        command = [
            redis_program(),
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(directory),
        ]
        self._start(port, [*command, "--repl-diskless-sync-delay", "0", *options])

    def _start(self, port: int, command: list[str]) -> None:
        with (self._directory / f"{port}.log").open("ab") as out:
            self._processes[port] = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
        wait_until_open(port)

    @staticmethod
    def _until(what: Any, seconds: float = 60.0) -> None:
        import redis

        until = time.monotonic() + seconds
        while True:
            try:
                if what():
                    return
            except (redis.exceptions.RedisError, KeyError):
                pass
            assert time.monotonic() < until, "the servers did not get there"
            time.sleep(0.05)

    def master(self) -> int:
        """The port of the present master, as the Sentinel has it."""
        return int(self._client(self.sentinel).sentinel_get_master_addr_by_name(MASTER)[1])

    def fail_over(self, *, kill: bool) -> None:
        """Make the replica the master, when it has all that the master has: kill the master, or swap them."""
        old = self.master()
        new = next(port for port in self.ports if port != old)
        # Sentinel waits for nothing: what a master took and did not pass on is lost. That is not tested here.
        self._client(old).client_pause(20_000, all=False)
        self._until(
            lambda: (
                self._client(old).info("replication")["master_repl_offset"]
                <= self._client(new).info("replication")["slave_repl_offset"]
            )
        )
        if kill:
            self._processes[old].kill()
            self._processes[old].wait()
        else:
            self._client(self.sentinel).execute_command("SENTINEL FAILOVER", MASTER)
        from redis.sentinel import Sentinel

        known: Any = Sentinel([("127.0.0.1", self.sentinel)])  # type: ignore[no-untyped-call]
        self._until(lambda: known.discover_master(MASTER)[1] == new)
        self._until(lambda: self._client(new).info("replication")["role"] == "master")

    def stop(self) -> None:
        """End all of them."""
        for process in self._processes.values():
            process.kill()
            process.wait()


def certificates(directory: Path) -> Certificates:
    """Make them with ``openssl``: the certificate is its own authority."""
    key, certificate = directory / "key.pem", directory / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return Certificates(certificate, certificate, key)


@contextmanager
def redis_with_tls(directory: Path, made: Certificates) -> Iterator[str]:
    """A Redis that speaks TLS only; gives its URL as Celery documents it, without a database's number."""
    port = free_port()
    command = [redis_program(), "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", ""]
    command += ["--dir", str(directory), "--tls-auth-clients", "no", "--tls-ca-cert-file", str(made.authority)]
    command += ["--tls-cert-file", str(made.certificate), "--tls-key-file", str(made.key)]
    with _running(command, port, directory / "redis.log"):
        yield f"rediss://127.0.0.1:{port}"
