import logging
from abc import abstractmethod

from selinon import SelinonTask


class BaseTask(SelinonTask):
    """Arguments checked, a logger per class."""

    required = ()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.log = logging.getLogger(self.__class__.__name__)

    @classmethod
    def create_test_instance(cls, flow_name=None, task_name=None, parent=None, task_id=None, dispatcher_id=None):
        return cls(flow_name, task_name, parent, task_id, dispatcher_id)

    def run(self, node_args):
        for name in self.required:
            assert name in node_args, "%s needs %r" % (self.task_name, name)
        return self.execute(node_args)

    @abstractmethod
    def execute(self, arguments):
        pass
