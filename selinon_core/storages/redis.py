"""Results in Redis or Valkey, one JSON record per result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selinon_core.errors import StorageError
from selinon_core.runtime.environment import by_hand
from selinon_core.storage import ExcInfo
from selinon_core.storages.base import (
    Address,
    ConnectedStorage,
    describe_error,
    from_json,
    require_driver,
    to_json,
)
from selinon_core.storages.names import safe_name

if TYPE_CHECKING:
    import redis

_CONNECT_TIMEOUT = 10.0  # seconds


class Redis(ConnectedStorage["redis.Redis"]):
    """Keeps results under ``<prefix><flow>/<task>/<task id>``, errors under the same key and ``.error``.

    A record is an object of the three names, ``node_args`` and ``result``. Records of the original, which are
    the same under the bare task id, are found as well.

    ``url`` (``redis://``, ``rediss://``, ``unix://``) stands for host, port, db and password. ``charset`` and
    ``errors`` say how records are decoded. ``expire`` seconds after it was stored a result is gone.
    """

    # For storages of projects whose constructor does not call this one's.
    charset, errors = "utf-8", "strict"
    url: str | None = None
    prefix = "selinon:result:"
    expire: int | None = None

    def __init__(
        self,
        host: str | None = None,
        port: int | str = 6379,
        db: int | str = 0,
        password: str | None = None,
        socket_timeout: float | None = None,
        connection_pool: redis.ConnectionPool | None = None,
        charset: str | None = None,
        errors: str | None = None,
        unix_socket_path: str | None = None,
        *,
        url: str | None = None,
        prefix: str = "selinon:result:",
        expire: int | None = None,
    ) -> None:
        super().__init__()
        require_driver("redis", "redis", self)
        self.host = by_hand(host) or "localhost"
        self.port = int(by_hand(port))
        self.db = int(by_hand(db))
        self.password = by_hand(password)
        self.socket_timeout = socket_timeout
        self.connection_pool = connection_pool
        self.charset = charset or "utf-8"
        self.errors = errors or "strict"
        self.unix_socket_path = by_hand(unix_socket_path)
        self.url = by_hand(url)
        self.prefix = by_hand(prefix)
        self.expire = expire

    @property
    def conn(self) -> redis.Redis:
        """The driver's client of this process."""
        return self._opened()

    @conn.setter
    def conn(self, client: redis.Redis | None) -> None:
        self._connection.put(client)

    def _open(self) -> redis.Redis:
        import redis
        from redis.backoff import ExponentialBackoff
        from redis.retry import Retry

        common: dict[str, Any] = {
            "socket_timeout": self.socket_timeout,
            "socket_connect_timeout": _CONNECT_TIMEOUT,
            # The driver's own default retries for seconds; the callers of a storage retry anyway.
            "retry": Retry(ExponentialBackoff(cap=0.2, base=0.02), 3),
        }
        if self.connection_pool is not None:
            client = redis.Redis(connection_pool=self.connection_pool)
        elif self.url is not None:
            client = redis.Redis.from_url(self.url, **common)
        else:
            client = redis.Redis(
                host=self.host,
                port=self.port,
                db=self.db,
                password=self.password,
                unix_socket_path=self.unix_socket_path,
                **common,
            )
        client.ping()  # the driver connects per command; a server that is away is better known now
        return client

    def _close(self, connection: redis.Redis) -> None:
        connection.connection_pool.disconnect()

    def _driver_errors(self) -> tuple[type[Exception], ...]:
        import redis

        return (redis.RedisError, OSError)

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Return a result."""
        address = Address(flow_name, task_name, task_id)
        record = self._read(address, self._key_of(address))
        if record is None:
            record = self._read_original(address)
        if record is None:
            raise address.missing()
        return record.get("result")

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> str:
        """Set a result; returns the task id."""
        address = Address(flow_name, task_name, task_id)
        self._write(address, self._key_of(address), address.record(node_args, result=result))
        return task_id

    def store_error(self, node_args: Any, flow_name: str, task_name: str, task_id: str, exc_info: ExcInfo) -> str:
        """Set an error; returns the task id."""
        address = Address(flow_name, task_name, task_id)
        record = address.record(node_args, error=describe_error(exc_info))
        self._write(address, self._key_of(address) + ".error", record)
        return task_id

    def retrieve_error(self, flow_name: str, task_name: str, task_id: str) -> dict[str, Any]:
        """Return the error that ``store_error`` kept."""
        address = Address(flow_name, task_name, task_id)
        record = self._read(address, self._key_of(address) + ".error")
        if record is None:
            raise address.missing("error")
        return record

    def delete(self, flow_name: str, task_name: str, task_id: str) -> None:
        """Delete a result and an error."""
        address = Address(flow_name, task_name, task_id)
        keys = [self._key_of(address), self._key_of(address) + ".error"]
        if self._read_original(address) is not None:
            keys.append(task_id)
        with self._translated(f"delete the result of {address}"):
            if not self.conn.delete(*keys):
                raise address.missing()

    def _key_of(self, address: Address) -> str:
        return self.prefix + "/".join(safe_name(name) for name in address)

    def _read(self, address: Address, key: str) -> dict[str, Any] | None:
        with self._translated(f"read {address}"):
            found = self.conn.get(key)
        if found is None:
            return None
        try:
            # A pool of the user's may decode answers itself.
            text = found if isinstance(found, str) else found.decode(self.charset, self.errors)
        except UnicodeDecodeError as exc:
            raise StorageError(f"the key '{key}' is not encoded in {self.charset}: {exc}") from exc
        record = from_json(text, address)
        if not isinstance(record, dict):
            raise StorageError(f"the key '{key}' holds no record of {address}")
        return record

    def _read_original(self, address: Address) -> dict[str, Any] | None:
        import redis

        try:
            record = self._read(address, address.task_id)
        except StorageError as exc:
            if exc.__cause__ is None or isinstance(exc.__cause__, (redis.ResponseError, ValueError)):
                return None  # a key of another program: another type, or not one of our records
            raise
        if record is None or any(record.get(name) != value for name, value in address._asdict().items()):
            return None
        return record

    def _write(self, address: Address, key: str, record: dict[str, Any]) -> None:
        text = to_json(record, address)
        with self._translated(f"write {address}"):
            self.conn.set(key, text.encode(self.charset, self.errors), ex=self.expire)
