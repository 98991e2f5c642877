"""Results as objects in Amazon S3 or anything that speaks its protocol."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from selinon_core.runtime.environment import by_hand
from selinon_core.storage import ExcInfo
from selinon_core.storages.alias import Alias
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
    from collections.abc import Mapping

    from selinon_core.storages.s3_connection import S3Connection

_JSON = "application/json"
_TEXT = "text/plain"
_BYTES = "binary/octet-stream"


class S3(ConnectedStorage["S3Connection"]):
    """Keeps results as objects ``<prefix><flow>/<task>/<task id>``, errors under the same key and ``.error``.

    The bucket is created if it is missing, in the region ``location``. Credentials not given here are found
    the way boto3 finds them.

    Objects are JSON, with one exception, the original's: without ``serialize_json`` a result that is a string
    or bytes is the object's content as it is. Objects of the original, under the bare task id, are found as
    well; without ``serialize_json`` these give bytes.
    """

    # For storages of projects whose constructor does not call this one's.
    location = endpoint_url = aws_access_key_id = aws_secret_access_key = region_name = None
    use_ssl = True
    serialize_json = False
    prefix = ""

    def __init__(
        self,
        bucket: str,
        location: str | None = None,
        endpoint_url: str | None = None,
        use_ssl: bool | str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        region_name: str | None = None,
        serialize_json: bool = False,
        *,
        prefix: str = "",
    ) -> None:
        super().__init__()
        require_driver("boto3", "s3", self)
        self.bucket = by_hand(bucket)
        self.location = by_hand(location)
        self.endpoint_url = by_hand(endpoint_url)
        self.use_ssl = by_hand(use_ssl) not in (False, "", "0", "false", "False", "no")
        self.aws_access_key_id = by_hand(aws_access_key_id)
        self.aws_secret_access_key = by_hand(aws_secret_access_key)
        self.region_name = by_hand(region_name)
        self.serialize_json = serialize_json
        self.prefix = by_hand(prefix)

    @property
    def client(self) -> Any:
        """boto3's S3 client of this process."""
        return self._opened().client

    def _open(self) -> S3Connection:
        from selinon_core.storages.s3_connection import S3Connection

        connection = S3Connection(self._session, use_ssl=self.use_ssl, endpoint_url=self.endpoint_url)
        self._ensure_bucket(connection.client)
        return connection

    # -- under the names that storages of projects, which derive from this one, know from selinon 1.x -------------

    _bucket_name = Alias("bucket")
    _location = Alias("location")
    _endpoint_url = Alias("endpoint_url")
    _use_ssl = Alias("use_ssl")
    _serialize_json = Alias("serialize_json")

    @cached_property
    def _session(self) -> Any:
        """boto3's session."""
        import boto3  # type: ignore[import-untyped]

        return boto3.session.Session(
            aws_access_key_id=self.aws_access_key_id,
            aws_secret_access_key=self.aws_secret_access_key,
            region_name=self.region_name,
        )

    @property
    def _s3(self) -> Any:
        """boto3's S3 resource of this thread."""
        connection = self._opened()
        return None if connection is None else connection.resource

    @_s3.setter
    def _s3(self, resource: Any) -> None:
        if resource is None:
            self._connection.put(None)
        else:
            from selinon_core.storages.s3_connection import AssignedResource

            self._connection.put(AssignedResource(resource))

    def _ensure_bucket(self, client: Any) -> None:
        from botocore.exceptions import ClientError  # type: ignore[import-untyped]

        try:
            client.head_bucket(Bucket=self.bucket)
        except ClientError as exc:
            if not _is_missing(exc):
                raise
            region = self.location or client.meta.region_name
            # S3 refuses its first region as a constraint, and every other one without.
            constraint = (
                {"CreateBucketConfiguration": {"LocationConstraint": region}}
                if region and region not in ("us-east-1", "aws-global")
                else {}
            )
            client.create_bucket(Bucket=self.bucket, **constraint)

    def _close(self, connection: S3Connection) -> None:
        connection.close()

    def _driver_errors(self) -> tuple[type[Exception], ...]:
        from botocore.exceptions import BotoCoreError, ClientError

        return (BotoCoreError, ClientError, OSError)

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Return a result."""
        address = Address(flow_name, task_name, task_id)
        found = self._get(address, self._key_of(address))
        if found is not None:
            content, kind = found
            if kind == _JSON:
                return from_json(content, address)
            return content.decode("utf-8") if kind == _TEXT else content
        found = self._get(address, task_id) if _is_original(task_id) else None
        if found is None:
            raise address.missing()
        return from_json(found[0], address) if self.serialize_json else found[0]

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> str:
        """Put an object; returns its key."""
        address = Address(flow_name, task_name, task_id)
        content, kind = self._content_of(result, address)
        return self._put(address, self._key_of(address), content, kind)

    def store_error(self, node_args: Any, flow_name: str, task_name: str, task_id: str, exc_info: ExcInfo) -> str:
        """Put an error's object; returns its key."""
        address = Address(flow_name, task_name, task_id)
        record = address.record(node_args, error=describe_error(exc_info))
        content = to_json(record, address).encode()
        return self._put(address, self._key_of(address) + ".error", content, _JSON)

    def retrieve_error(self, flow_name: str, task_name: str, task_id: str) -> dict[str, Any]:
        """Return the error that ``store_error`` kept."""
        address = Address(flow_name, task_name, task_id)
        found = self._get(address, self._key_of(address) + ".error")
        if found is None:
            raise address.missing("error")
        record: dict[str, Any] = from_json(found[0], address)
        return record

    def delete(self, flow_name: str, task_name: str, task_id: str) -> None:
        """Delete the objects of a result and an error."""
        address = Address(flow_name, task_name, task_id)
        keys = [self._key_of(address), self._key_of(address) + ".error"]
        if _is_original(task_id):
            keys.append(task_id)
        # S3 reports no error for a missing object, so the object is looked up first.
        removed = [self._delete(address, key) for key in keys]
        if not any(removed):
            raise address.missing()

    def _key_of(self, address: Address) -> str:
        return self.prefix + "/".join(safe_name(name) for name in address)

    def _content_of(self, result: Any, address: Address) -> tuple[bytes, str]:
        if not self.serialize_json:
            if isinstance(result, bytes):
                return result, _BYTES
            if isinstance(result, str):
                try:
                    return result.encode("utf-8"), _TEXT
                except UnicodeEncodeError:  # a lone surrogate, which only JSON can escape
                    pass
        return to_json(result, address).encode(), _JSON

    def _get(self, address: Address, key: str) -> tuple[bytes, str] | None:
        from botocore.exceptions import ClientError

        with self._translated(f"read {address}"):
            try:
                answer: Mapping[str, Any] = self.client.get_object(Bucket=self.bucket, Key=key)
            except ClientError as exc:
                if _is_missing(exc):
                    return None
                raise
            with answer["Body"] as body:
                # Servers are free to spell and to add parameters.
                return body.read(), answer.get("ContentType", _BYTES).partition(";")[0].strip().lower()

    def _put(self, address: Address, key: str, content: bytes, kind: str) -> str:
        with self._translated(f"write {address}"):
            self.client.put_object(Bucket=self.bucket, Key=key, Body=content, ContentType=kind)
        return key

    def _delete(self, address: Address, key: str) -> bool:
        from botocore.exceptions import ClientError

        with self._translated(f"delete the result of {address}"):
            try:
                self.client.head_object(Bucket=self.bucket, Key=key)
            except ClientError as exc:
                if _is_missing(exc):
                    return False
                raise
            self.client.delete_object(Bucket=self.bucket, Key=key)
            return True


def _is_original(task_id: str) -> bool:
    # The original's key is the bare id. An id with a slash in it would be the way to another result's key.
    return safe_name(task_id) == task_id


def _is_missing(exc: Any) -> bool:
    # A missing bucket is a fault, not a missing result; for HEAD there is only the status.
    return exc.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "NotFound")
