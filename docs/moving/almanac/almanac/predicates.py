from selinon.predicates import *  # noqa: F403


def isCurrent(message, hours):
    return message["hours"] <= hours
