import odd_modules  # noqa: F401
from jsonschema import ValidationError
from parcel_storages import LABELS
from selinon import SelinonTask


class Parcel(SelinonTask):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.log.debug('%s of %s', self.task_name, self.flow_name)


class Weigh(Parcel):
    def run(self, node_args):
        return {'weight': len(node_args['content']), 'seen': self.storage.seen()}


class Label(Parcel):
    def run(self, node_args):
        weight = self.parent_task_result('Weigh')['weight']
        return {'text': '%s, %d kg' % (node_args['content'], weight)}


class Explain(Parcel):
    def run(self, node_args):
        error = self.parent_task_exception('Label')
        print('too long' if isinstance(error, ValidationError) else repr(error))


class CountLabels(Parcel):
    def run(self, node_args):
        print('labels:', len(self.storage.database), sorted(LABELS))
