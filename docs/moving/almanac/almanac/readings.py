from .tasks import Task


class FetchReadings(Task):
    pass


class CleanReadings(Task):
    pass


class FillGaps(Task):
    pass
