from .tasks import Task


class DrawCharts(Task):
    pass


class WritePage(Task):
    pass


class Publish(Task):
    pass
