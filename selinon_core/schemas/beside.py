"""Files beside a schema that it refers to, and what its references lead to."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

#: What tells whether a file is still the same: its time of change in nanoseconds, and its size in bytes.
_Version = tuple[int, int]


class FilesBeside:
    """Reads the files that a schema refers to, each once. ``directory`` None: there are none."""

    def __init__(self, directory: str | None) -> None:
        self._directory = directory
        self._read: dict[str, Any] = {}
        self._versions: dict[str, _Version] = {}

    def contents(self, uri: str) -> Any:
        """What a file has, as JSON; raises ``LookupError`` where there is none, or what it has is no JSON.

        Only what is relative to the directory is read, nothing from the network.
        """
        if uri not in self._read:
            if self._directory is None or "://" in uri or os.path.isabs(uri):
                raise LookupError(uri)
            path = os.path.join(self._directory, uri)
            try:
                version = _version(path)
                with open(path, "rb") as file:
                    self._read[uri] = json.load(file)
            except (OSError, ValueError) as error:
                raise LookupError(uri) from error
            self._versions[path] = version
        return self._read[uri]

    @property
    def all_read(self) -> list[Any]:
        """What all files have that were read so far."""
        return list(self._read.values())

    @property
    def are_unchanged(self) -> bool:
        """Whether all that was read is still the same."""
        try:
            return all(_version(path) == version for path, version in self._versions.items())
        except OSError:
            return False


def _version(path: str) -> _Version:
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size


class Found(NamedTuple):
    """What a reference leads to, and what finds the references in it."""

    contents: Any
    resolver: References


class References:
    """Finds what references of a schema lead to, where that is plain: places in it, and in files beside it.

    Everything else is for the library ``referencing``, which knows identifiers and anchors as well, and which this
    agrees with. ``uri`` is the file that ``document`` is from, ``""`` for the schema itself.
    """

    __slots__ = ("_document", "_files", "uri")

    def __init__(self, document: Any, files: FilesBeside, uri: str = "") -> None:
        self._document = document
        self._files = files
        self.uri = uri

    def lookup(self, reference: str) -> Found:
        """What a reference in the document leads to; ``LookupError`` for what is not plain, or nowhere."""
        file, _, place = reference.partition("#")
        if file and self.uri and ("/" in self.uri or "/" in file):
            raise LookupError(reference)  # where it leads from is not plain
        target = References(self._files.contents(file), self._files, file) if file else self
        if (place and not place.startswith("/")) or "%" in reference:
            raise LookupError(reference)
        found = target._document
        for key in place.split("/")[1:]:
            if not isinstance(found, dict) or "$id" in found:
                raise LookupError(reference)
            found = found[key.replace("~1", "/").replace("~0", "~")]
        return Found(found, target)
