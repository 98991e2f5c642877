"""A letter to every reader, slowly."""

from __future__ import annotations

from selinon_core import SelinonTask

READERS = [{"name": name, "topic": topic} for name in ("Ada", "Grace", "Edsger") for topic in ("tea", "birds")]


class FindReaders(SelinonTask):
    """Returns the readers of ``node_args["topic"]``, by default all."""

    def run(self, node_args):
        topic = (node_args or {}).get("topic")
        return [reader for reader in READERS if topic in (None, reader["topic"])]


def readers(storage_pool, node_args):
    return storage_pool.get("FindReaders")


class SendLetter(SelinonTask):
    def run(self, reader):
        return f"Dear {reader['name']}, there is news about {reader['topic']}."


class UpdateStatistics(SelinonTask):
    def run(self, node_args):
        raise ConnectionError("the statistics server is down, as always")
