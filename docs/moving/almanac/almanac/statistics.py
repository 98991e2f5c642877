from .tasks import Task


class DailyMeans(Task):
    pass


class MonthlyMeans(Task):
    pass


class Records(Task):
    pass
