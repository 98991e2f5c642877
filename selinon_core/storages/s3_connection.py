"""The two ways in which boto3 talks to S3: a client, which threads share, and resources, which they do not."""

from __future__ import annotations

import threading
from typing import Any


class S3Connection:
    """A client, and resources made on first use."""

    def __init__(self, session: Any, *, use_ssl: bool, endpoint_url: str | None) -> None:
        from botocore.client import Config  # type: ignore[import-untyped]

        self._session = session
        self._lock = threading.Lock()
        self._of_thread = threading.local()
        self._clients: list[Any] = []
        # Signature version 4: newer regions know no other.
        self._settings = {
            "config": Config(signature_version="s3v4"),
            "use_ssl": use_ssl,
            "endpoint_url": endpoint_url,
        }
        self.client = session.client("s3", **self._settings)

    @property
    def resource(self) -> Any:
        """The resource of this thread."""
        found = getattr(self._of_thread, "resource", None)
        if found is None:
            with self._lock:  # a session may not be used by two threads at once
                found = self._of_thread.resource = self._session.resource("s3", **self._settings)
                self._clients.append(found.meta.client)
        return found

    def close(self) -> None:
        """Close the client and those of the resources."""
        for client in (self.client, *self._clients):
            client.close()


class AssignedResource(S3Connection):
    """A resource that a project made itself, with its client."""

    def __init__(self, resource: Any) -> None:
        self.client = resource.meta.client
        self._clients = []
        self._resource = resource

    @property
    def resource(self) -> Any:
        """The resource."""
        return self._resource
