from .tasks import Task


class CollectGarbage(Task):
    pass
