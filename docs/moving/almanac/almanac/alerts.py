from .tasks import Task


class TellOperators(Task):
    pass
