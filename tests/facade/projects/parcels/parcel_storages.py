import os

from selinon.storages.filesystem import Filesystem
from selinon.storages.memory import InMemoryStorage

LABELS = set()


class Ledger(Filesystem):
    """One file for each flow and task."""

    def __init__(self, path, pattern):
        super().__init__(path)
        self.pattern = pattern
        self.notes = Filesystem('{PARCELS_DATA}/notes')

    def connect(self):
        if not os.path.isdir(self.path):
            os.makedirs(self.path)
        self._connected = True

    def is_connected(self):
        return self._connected

    def _construct_path(self, flow_name, task_name, task_id):
        return os.path.join(self.path, self.pattern.format(flow=flow_name, task=task_name))

    def seen(self):
        assert self.notes.path == os.path.join(self.path, 'notes')
        return os.path.exists(self._construct_path('pack', 'Weigh', None))


class Labels(InMemoryStorage):
    """Keeps labels by their text as well."""

    def __init__(self):
        super().__init__()
        self.database = {}

    def store(self, node_args, flow_name, task_name, task_id, result):
        assert task_id not in self.database
        LABELS.add(result['text'])
        self.database[task_id] = {
            'node_args': node_args,
            'task_name': task_name,
            'flow_name': flow_name,
            'task_id': task_id,
            'result': result,
        }
        return task_id
