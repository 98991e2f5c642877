"""Masks secrets in what a report says: passwords in URLs, and values under keys that name secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from selinon_core.runtime.redaction import MASK, Redaction, texts_in

#: Keys of settings and configurations whose values are secrets.
_KEYS = ("*password*", "*passwd*", "*secret*", "*token*", "*_key", "*credential*")
#: The user and the password in a URL; a password may hold an ``@`` or a ``/`` that is not escaped.
_USER = re.compile(r"([a-z][a-z0-9+.-]*://)([^\s/:@]*):((?:(?!://)\S)*)@", re.IGNORECASE)
#: A secret in the query of a URL, or in the options of a connection.
_OPTION = re.compile(r"\b(password|passwd|pwd|secret|token)=[^\s&;'\"]+", re.IGNORECASE)


class SecretMasking:
    """Learns the secrets of a deployment from its settings, and finds them in texts of drivers."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self._redaction = Redaction((*_KEYS, *patterns))

    def learn(self, value: Any) -> None:
        """Remember the secrets in a setting: those under keys of ``_KEYS``, and passwords in URLs."""
        self._redaction.masked(value)
        for text in texts_in(value):
            for _, _, password in _USER.findall(text):
                self._redaction.masked({"password": [password, unquote(password)]})

    def masked(self, text: str) -> str:
        """A text without secrets."""
        text = _OPTION.sub(rf"\1={MASK}", _USER.sub(rf"\1\2:{MASK}@", text))
        return str(self._redaction.masked(text))
