"""A letter to every reader, slowly."""

from __future__ import annotations

from typing import TypedDict

from selinon_core import SelinonTask


class Reader(TypedDict):
    name: str
    topic: str


READERS: list[Reader] = [
    {"name": name, "topic": topic} for name in ("Ada", "Grace", "Edsger") for topic in ("tea", "birds")
]


class FindReaders(SelinonTask):
    """Returns the readers of a topic, or of all."""

    def run(self, *, topic: str | None) -> list[Reader]:
        return [reader for reader in READERS if topic in (None, reader["topic"])]


class SendLetter(SelinonTask):
    def run(self, *, name: str, topic: str) -> str:
        return f"Dear {name}, there is news about {topic}."


class UpdateStatistics(SelinonTask):
    def run(self, node_args):
        raise ConnectionError("the statistics server is down, as always")
