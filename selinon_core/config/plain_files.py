"""Files beside the project that are YAML or JSON and hold plain data: style files, mocks.

They are read as the project's own files are: no surprise of YAML that is refused there is taken here.
"""

from __future__ import annotations

from typing import Any

from selinon_core.config.read_context import ReadContext
from selinon_core.config.schema.types import plain_data
from selinon_core.config.yaml.document import decode, read_document
from selinon_core.config.yaml.files import read_bytes
from selinon_core.diagnostics import Severity
from selinon_core.diagnostics.kinds import Collector
from selinon_core.errors import ConfigurationError


def read_plain_file(path: str) -> Any:
    """The content of a file, None for an empty one.

    Raises ``OSError`` (also for named pipes and for what is too large), ``ConfigurationError`` with the place of
    the first mistake.
    """
    return plain_content(read_bytes(path), path)


def plain_content(content: bytes, file: str) -> Any:
    """The data of a YAML text, None for an empty one; raises ``ConfigurationError`` with a place."""
    collector = Collector()
    document = read_document(decode(content, file, collector), file, collector)
    data = None if document.root is None else plain_data(ReadContext(document, collector), document.root)
    for found in collector.found:
        if found.severity is Severity.ERROR:
            raise ConfigurationError(f"{found.span.place}: {found.message}")
    return data
