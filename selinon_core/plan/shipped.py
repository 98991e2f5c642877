"""What ships: names and signatures as literal tables, for readers that must not import the functions.

Tests hold them against the real signatures.
"""

from __future__ import annotations

from typing import NamedTuple

#: Where the tables' functions and classes live, and where the original's configurations say they do.
PREDICATE_MODULES = ("selinon_core.predicates", "selinon.predicates")
STRATEGY_MODULES = ("selinon_core.strategies", "selinon.strategies")
CACHE_MODULES = ("selinon_core.caches", "selinon.caches")


class PredicateSignature(NamedTuple):
    """``args`` are all required; ``message`` and ``node_args`` are handed in, never configured."""

    takes_message: bool
    takes_node_args: bool
    args: tuple[str, ...]


class CacheSignature(NamedTuple):
    """Keyword arguments of a cache's class."""

    required: tuple[str, ...]
    optional: tuple[str, ...]


class StorageSignature(NamedTuple):
    """Keyword arguments of a storage's class, each with its type as annotations write it."""

    required: dict[str, str]
    optional: dict[str, str]


_ON_MESSAGE: dict[str, tuple[str, ...]] = {
    "empty": (),
    "isNone": (),
    "isBool": (),
    "isInt": (),
    "isFloat": (),
    "isStr": (),
    "isList": (),
    "isDict": (),
    "fieldExist": ("key",),
    "fieldNone": ("key",),
    "fieldBool": ("key",),
    "fieldInt": ("key",),
    "fieldFloat": ("key",),
    "fieldStr": ("key",),
    "fieldList": ("key",),
    "fieldDict": ("key",),
    "fieldEqual": ("key", "value"),
    "fieldNotEqual": ("key", "value"),
    "fieldGreater": ("key", "value"),
    "fieldGreaterEqual": ("key", "value"),
    "fieldLess": ("key", "value"),
    "fieldLessEqual": ("key", "value"),
    "fieldContain": ("key", "value"),
    "fieldLenEqual": ("key", "length"),
    "fieldLenNotEqual": ("key", "length"),
    "fieldLenGreater": ("key", "length"),
    "fieldLenGreaterEqual": ("key", "length"),
    "fieldLenLess": ("key", "length"),
    "fieldLenLessEqual": ("key", "length"),
    "fieldUrlScheme": ("key", "scheme"),
    "fieldUrlNetloc": ("key", "netloc"),
    "fieldUrlPath": ("key", "path"),
}

#: Every shipped predicate. Each of those on a result has its ``args`` twin on the flow's arguments.
PREDICATES: dict[str, PredicateSignature] = {
    "alwaysTrue": PredicateSignature(False, False, ()),
    "alwaysFalse": PredicateSignature(False, False, ()),
    "envExist": PredicateSignature(False, False, ("env",)),
    "envEqual": PredicateSignature(False, False, ("env", "value")),
    "httpStatus": PredicateSignature(False, False, ("host", "path", "status")),
    **{name: PredicateSignature(True, False, args) for name, args in _ON_MESSAGE.items()},
    **{
        f"args{name[0].upper()}{name[1:]}": PredicateSignature(False, True, args)
        for name, args in _ON_MESSAGE.items()
    },
}

#: Every shipped sampling strategy: what it takes besides ``status``, all required.
STRATEGIES: dict[str, tuple[str, ...]] = {
    "constant": ("retry",),
    "linear_increase": ("start_retry", "max_retry", "step"),
    "linear_adapt": ("start_retry", "max_retry", "step"),
    "biexponential_increase": ("start_retry", "max_retry"),
    "biexponential_decrease": ("start_retry", "stop_retry"),
    "biexponential_adapt": ("start_retry", "max_retry"),
    "random": ("start_retry", "max_retry"),
}

#: Every shipped cache.
CACHES: dict[str, CacheSignature] = {
    "FIFO": CacheSignature((), ("max_cache_size",)),
    "LIFO": CacheSignature((), ("max_cache_size",)),
    "LRU": CacheSignature((), ("max_cache_size",)),
    "MRU": CacheSignature((), ("max_cache_size",)),
    "RR": CacheSignature((), ("max_cache_size", "seed")),
}

#: Types of arguments by name. The predicates and strategies that take one of a name all mean the same.
PREDICATE_TYPES: dict[str, str] = {
    "env": "str",
    "host": "str",
    "length": "int | float",
    "netloc": "str",
    "path": "str",
    "scheme": "str",
    "status": "int",
}
STRATEGY_TYPES: dict[str, str] = {
    "max_retry": "float",
    "retry": "float",
    "start_retry": "float",
    "step": "float",
    "stop_retry": "float",
}
CACHE_TYPES: dict[str, str] = {"max_cache_size": "int", "seed": "int"}

_SQL = StorageSignature({"connection_string": "str"}, {"encoding": "str | None", "echo": "bool", "table": "str"})

#: Every shipped storage.
STORAGES: dict[str, StorageSignature] = {
    "Filesystem": StorageSignature({}, {"path": "str | None"}),
    "InMemoryStorage": StorageSignature({}, {"echo": "bool | str", "json": "bool"}),
    "MongoDB": StorageSignature(
        {"db_name": "str", "collection_name": "str"}, {"host": "str | None", "port": "int | str"}
    ),
    "PostgreSQL": _SQL,
    "Redis": StorageSignature(
        {},
        {
            "host": "str | None",
            "port": "int | str",
            "db": "int | str",
            "password": "str | None",
            "socket_timeout": "float | None",
            "connection_pool": "None",
            "charset": "str | None",
            "errors": "str | None",
            "unix_socket_path": "str | None",
            "url": "str | None",
            "prefix": "str",
            "expire": "int | None",
        },
    ),
    "S3": StorageSignature(
        {"bucket": "str"},
        {
            "location": "str | None",
            "endpoint_url": "str | None",
            "use_ssl": "bool | str | None",
            "aws_access_key_id": "str | None",
            "aws_secret_access_key": "str | None",
            "region_name": "str | None",
            "serialize_json": "bool",
            "prefix": "str",
        },
    ),
    "SqlStorage": _SQL,
}
