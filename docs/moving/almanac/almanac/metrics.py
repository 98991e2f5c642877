from selinon import Trace

waits = {}


def count(event, report):
    if event == Trace.DISPATCHER_RETRY:
        waits[report["flow_name"]] = waits.get(report["flow_name"], 0) + 1
