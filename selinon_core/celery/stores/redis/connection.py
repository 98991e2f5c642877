"""Clients of Redis from URLs as Celery documents them: TLS, unix sockets, Sentinel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from selinon_core.errors import ConfigurationError

#: Seconds until an answer that does not come counts as the loss of the connection.
SOCKET_TIMEOUT = 30.0
#: No end to the connections: there may be as many threads or greenlets at once.
_NO_END = 1 << 30
#: Celery's words for the verification of certificates (those of the ``ssl`` module), and redis-py's.
_CERT_REQS = {"CERT_NONE": "none", "CERT_OPTIONAL": "optional", "CERT_REQUIRED": "required"}


class Server(NamedTuple):
    """Which server a client talks to, and as whom; the database does not matter."""

    host: str | None
    port: int | None
    path: str | None
    username: str | None
    password: str | None


def server_of(options: Mapping[str, Any]) -> Server | None:
    """The server in the options of a connection; None when they do not say it: Sentinel, for example."""
    if options.get("credential_provider") is not None or not (options.get("host") or options.get("path")):
        return None
    port = options.get("port")
    return Server(
        options.get("host"),
        None if port is None else int(port),
        options.get("path"),
        options.get("username") or None,
        options.get("password") or None,
    )


def client_of(redis: Any, url: str, options: Mapping[str, Any]) -> Any:
    """A client, not connected. ``options`` are keywords of redis-py's client, and for Sentinel ``master_name`` and
    ``sentinel_kwargs``. Raises ``ConfigurationError`` for a URL or an option that redis-py does not take.
    """
    given = dict(options)
    master_name, sentinel_kwargs = given.pop("master_name", None), given.pop("sentinel_kwargs", None)
    defaults = {"decode_responses": True, "health_check_interval": 0, "socket_timeout": SOCKET_TIMEOUT}
    keywords = {**defaults, "max_connections": _NO_END, **given}
    if "ssl_cert_reqs" in keywords:
        keywords["ssl_cert_reqs"] = _verification(keywords["ssl_cert_reqs"])
    try:
        if url.startswith("sentinel://"):
            return _through_sentinel(redis, url, keywords, master_name, sentinel_kwargs)
        if any(name.startswith("ssl_") for name in given) and not url.startswith("rediss://"):
            keywords["connection_class"] = redis.SSLConnection
        _check_database(url)
        client = redis.Redis.from_url(_plain_url(url), **keywords)
        client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)  # not connected
        return client
    except (TypeError, ValueError, redis.exceptions.RedisError) as error:
        raise ConfigurationError(
            f"the state store in Redis cannot be reached with this URL and options: {error}"
        ) from None


def _check_database(url: str) -> None:
    """Raise ``ValueError`` for a database that is not a number: redis-py would take the first one in its place."""
    parts = urlsplit(url)
    database = "" if "socket" in parts.scheme else parts.path.strip("/")
    if database and not database.isdecimal():
        raise ValueError(f'the database has to be a number, not "{database}"')


def _through_sentinel(
    redis: Any, url: str, keywords: dict[str, Any], master_name: str | None, sentinel_kwargs: Any
) -> Any:
    """Celery's form: ``sentinel://:password@host:26379/0;sentinel://host2:26379;...``"""
    if not master_name:
        raise ConfigurationError(
            'Redis Sentinel needs the name of its master: result_backend_transport_options = {"master_name": ...} '
            'or with selinon_state_url selinon_state_options = {"master_name": ...}'
        )
    from redis.sentinel import Sentinel

    parts = [urlsplit(part if "://" in part else f"sentinel://{part}") for part in url.split(";") if part]
    hosts = [(part.hostname or "localhost", part.port or 26379) for part in parts]
    first = parts[0]
    own: dict[str, Any] = {"db": int(first.path.strip("/") or 0)}
    if first.password:
        own["password"] = unquote(first.password)
    if first.username:
        own["username"] = unquote(first.username)
    timeouts = {"socket_timeout": min(2.0, keywords["socket_timeout"] or 2.0)}
    sentinel: Any = Sentinel(  # type: ignore[no-untyped-call]
        hosts, sentinel_kwargs={**timeouts, **(sentinel_kwargs or {})}, **own | keywords
    )
    return sentinel.master_for(master_name)


def _verification(value: Any) -> str:
    """``ssl.CERT_REQUIRED``, its name or redis-py's word, as redis-py's word."""
    name = getattr(value, "name", str(value))
    return _CERT_REQS.get(name, name)


def _plain_url(url: str) -> str:
    """A URL as Celery takes it in redis-py's form."""
    base, _, query = url.partition("?")
    options = dict(parse_qsl(query))
    if base.startswith(("redis+socket://", "socket://")):
        base = "unix://" + base.partition("://")[2]
        if "virtual_host" in options:
            options["db"] = options.pop("virtual_host")
    if base.startswith("valkey"):
        base = "redis" + base.removeprefix("valkey")
    if "ssl_cert_reqs" in options:
        options["ssl_cert_reqs"] = _verification(options["ssl_cert_reqs"])
    return f"{base}?{urlencode(options, quote_via=quote)}" if options else base
