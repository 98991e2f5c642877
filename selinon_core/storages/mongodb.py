"""Results in MongoDB, one document per result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    from pymongo import MongoClient
    from pymongo.collection import Collection
    from pymongo.database import Database

    Document = dict[str, Any]


class MongoDB(ConnectedStorage["MongoClient[Document]"]):
    """Keeps results as documents of ``collection_name``, errors as documents of ``<collection_name>_error``.

    A document has the three names, ``node_args`` and ``result``, and the three names joined as ``_id``.
    Documents of the original, which have another ``_id``, are found as well. What BSON cannot express (an
    integer of more than 64 bits, for example) is kept as JSON text under ``result_json``.

    ``host`` may be a ``mongodb://`` URI with everything in it.
    """

    _db: Database[Document] | None = None
    _collection: Collection[Document] | None = None

    def __init__(
        self, db_name: str, collection_name: str, host: str | None = None, port: int | str = 27017
    ) -> None:
        super().__init__()
        require_driver("pymongo", "mongodb", self)
        self.host = by_hand(host) or "localhost"
        self.port = int(by_hand(port))
        self.db_name = by_hand(db_name)
        self.collection_name = by_hand(collection_name)

    # The three can be assigned, as storages of projects do in a ``connect`` of their own.

    @property
    def client(self) -> MongoClient[Document]:
        """The driver's client of this process."""
        return self._opened()

    @client.setter
    def client(self, client: MongoClient[Document] | None) -> None:
        self._connection.put(client)

    @property
    def db(self) -> Database[Document]:
        """The database."""
        client = self.client  # first: connecting may assign a database
        return client[self.db_name] if self._db is None else self._db

    @db.setter
    def db(self, db: Database[Document] | None) -> None:
        self._db = db

    @property
    def collection(self) -> Collection[Document]:
        """The collection of results."""
        db = self.db  # first: connecting may assign a collection
        return db[self.collection_name] if self._collection is None else self._collection

    @collection.setter
    def collection(self, collection: Collection[Document] | None) -> None:
        self._collection = collection

    @property
    def error_collection(self) -> Collection[Document]:
        """The collection of errors."""
        return self.db[f"{self.collection_name}_error"]

    def _open(self) -> MongoClient[Document]:
        import pymongo

        client: MongoClient[Document] = pymongo.MongoClient(self.host, self.port)
        try:
            client.admin.command("ping")
        except BaseException:
            client.close()
            raise
        return client

    def _close(self, connection: MongoClient[Document]) -> None:
        self.db = self.collection = None
        connection.close()

    def _driver_errors(self) -> tuple[type[Exception], ...]:
        from bson.errors import BSONError
        from pymongo.errors import PyMongoError

        return (PyMongoError, BSONError, OSError, UnicodeError)

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Return a result."""
        address = Address(flow_name, task_name, task_id)
        with self._translated(f"read {address}"):
            document = self.collection.find_one({"_id": _id(address)})
            if document is None:
                document = self.collection.find_one(address._asdict())
        if document is None:
            raise address.missing()
        return _value(document, "result", address)

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> str:
        """Insert or replace a document; returns the task id."""
        address = Address(flow_name, task_name, task_id)
        with self._translated(f"write {address}"):
            _replace(self.collection, address, {"node_args": node_args, "result": result})
        return task_id

    def store_error(self, node_args: Any, flow_name: str, task_name: str, task_id: str, exc_info: ExcInfo) -> str:
        """Insert or replace an error's document; returns the task id."""
        address = Address(flow_name, task_name, task_id)
        with self._translated(f"write {address}"):
            error = describe_error(exc_info)
            _replace(self.error_collection, address, {"node_args": node_args, "error": error})
        return task_id

    def retrieve_error(self, flow_name: str, task_name: str, task_id: str) -> dict[str, Any]:
        """Return the error that ``store_error`` kept."""
        address = Address(flow_name, task_name, task_id)
        with self._translated(f"read {address}"):
            document = self.error_collection.find_one({"_id": _id(address)})
        if document is None:
            raise address.missing("error")
        return address.record(_value(document, "node_args", address), error=_value(document, "error", address))

    def delete(self, flow_name: str, task_name: str, task_id: str) -> None:
        """Delete the documents of a result and an error."""
        address = Address(flow_name, task_name, task_id)
        with self._translated(f"delete the result of {address}"):
            deleted = self.collection.delete_many(address._asdict()).deleted_count
            deleted += self.error_collection.delete_one({"_id": _id(address)}).deleted_count
        if not deleted:
            raise address.missing()


def _replace(collection: Collection[Document], address: Address, values: dict[str, Any]) -> None:
    document: Document = {"_id": _id(address), **address._asdict()}
    for name, value in values.items():
        text = to_json(value, address)  # also for what BSON can hold: dates and NaN are not JSON
        if _fits_bson(value):
            document[name] = value
        else:
            document[f"{name}_json"] = text
    collection.replace_one({"_id": document["_id"]}, document, upsert=True)


def _id(address: Address) -> str:
    return "/".join(safe_name(name) for name in address)


def _fits_bson(value: Any) -> bool:
    import bson

    try:
        bson.encode({"value": value})
    except (bson.errors.InvalidDocument, OverflowError, UnicodeError):
        return False
    return True


def _value(document: Document, name: str, address: Address) -> Any:
    if f"{name}_json" in document:
        return from_json(document[f"{name}_json"], address)
    return document.get(name)
