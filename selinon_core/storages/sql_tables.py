"""The two tables of the SQL storage. The only module that imports SQLAlchemy at its top."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Sequence, String, Table, Text, UniqueConstraint
from sqlalchemy.dialects.mysql import LONGTEXT
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from selinon_core.runtime.json_values import encode_json

_ENVELOPE = "selinon:json"
# What JSON text with one of these may become in JSONB is not worth finding out precisely.
_NOT_IN_JSONB = ("NaN", "Infinity", "\\u0000", "\\ud", "e+", "-0.0", _ENVELOPE)


#: The columns of an address and their lengths, as the original created them.
_LENGTHS = {"flow_name": 128, "task_name": 128, "task_id": 255}


def address_columns(address: Mapping[str, str]) -> dict[str, str]:
    """The names of an address as they are stored: the end of one that is too long for its column is a hash."""
    return {column: _fitting(str(name), _LENGTHS[column]) for column, name in address.items()}


def _fitting(name: str, length: int) -> str:
    if len(name) <= length:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{name[: length - len(digest) - 3]}...{digest}"  # no name of a flow or task has dots


class Json(TypeDecorator[Any]):
    """A JSON value that comes back exactly as it was.

    In PostgreSQL it is JSONB, so that results can be queried. JSONB refuses NaN, NUL characters and lone
    surrogates and reads 1e+22 as an integer: a value with one of these is kept in an envelope,
    ``{"selinon:json": "<its JSON text>"}``. Elsewhere it is text: SQLAlchemy's own JSON type has numeric
    affinity in SQLite, which turns 1.0 into 1 and long integers into floats.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(JSONB())
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(LONGTEXT())  # its TEXT ends at 64 KiB
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Encode."""
        text = encode_json(value)
        if dialect.name != "postgresql":
            return text
        return {_ENVELOPE: text} if any(part in text for part in _NOT_IN_JSONB) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Decode."""
        if dialect.name != "postgresql":
            return None if value is None else json.loads(value)
        if isinstance(value, dict) and value.keys() == {_ENVELOPE}:
            return json.loads(value[_ENVELOPE])
        return value


class Tables:
    """``<name>`` as the original created it, and ``<name>_error``.

    The original's table is unique by task id alone; it stays usable, as task ids are UUIDs.
    """

    def __init__(self, name: str) -> None:
        self.metadata = MetaData()
        self.results = _table(name, "result", self.metadata)
        self.errors = _table(f"{name}_error", "error", self.metadata)


def _table(name: str, content: str, metadata: MetaData) -> Table:
    return Table(
        name,
        metadata,
        # With a sequence by name, as the original's table has no default for the column.
        Column("id", Integer, Sequence(f"{name}_id"), primary_key=True),
        *(Column(column, String(length), nullable=False) for column, length in _LENGTHS.items()),
        Column(content, Json()),
        Column("node_args", Json()),
        UniqueConstraint("task_id", "task_name", "flow_name", name=f"{name}_address"),
    )
