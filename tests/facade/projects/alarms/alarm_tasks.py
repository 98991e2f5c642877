from selinon import StoragePool, Trace


class Measure:
    """Any class with this constructor and ``run`` is a task."""

    def __init__(self, task_name, flow_name, parent, task_id, dispatcher_id):
        self.task_name = task_name
        self.flow_name = flow_name
        self.parent = parent
        self.task_id = task_id

    def run(self, node_args):
        level = 0
        if self.parent:
            level = StoragePool.retrieve(self.flow_name, 'Measure', self.parent['Measure'])['level']
        return {'level': level + 1}


class Raise(Measure):
    def run(self, node_args):
        level = StoragePool.retrieve('watch', 'Measure', self.parent['Measure'])['level']
        Trace.log('ALARM', {'level': level, 'flow_name': self.flow_name})
        return 'level %d' % level
