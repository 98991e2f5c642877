import json
import os

from selinon import DataStorage, SelinonMissingDataException


class JsonFileStorage(DataStorage):
    def __init__(self, directory):
        super().__init__()
        self.directory = directory.format(**os.environ)
        self.connected = False

    def is_connected(self):
        return self.connected

    def connect(self):
        os.makedirs(self.directory, exist_ok=True)
        self.connected = True

    def disconnect(self):
        self.connected = False

    def _path(self, *names):
        return os.path.join(self.directory, '-'.join(names) + '.json')

    def retrieve(self, flow_name, task_name, task_id):
        assert self.is_connected()
        try:
            with open(self._path(flow_name, task_name, task_id)) as record:
                return json.load(record)
        except FileNotFoundError as exc:
            raise SelinonMissingDataException(task_id) from exc

    def store(self, node_args, flow_name, task_name, task_id, result):
        assert self.is_connected()
        with open(self._path(flow_name, task_name, task_id), 'w') as record:
            json.dump(result, record)
        return task_id

    def report(self, kind, name, text):
        with open(self._path('report', kind, name), 'w') as record:
            json.dump([name, text], record)
