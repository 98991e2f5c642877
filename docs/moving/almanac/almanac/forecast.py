from .tasks import Task


class FetchModel(Task):
    pass


class CompareModel(Task):
    pass
