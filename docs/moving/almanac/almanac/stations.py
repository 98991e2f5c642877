from .tasks import Task


class ListStations(Task):
    pass


class StationInfo(Task):
    pass


def each(storage_pool, node_args):
    return [{"station": name} for name in storage_pool.get("ListStations")["stations"]]
