from selinon.predicates import *


def isYanked(message, node_args, names):
    return message['name'] in names or (node_args or {}).get('yanked', False)
