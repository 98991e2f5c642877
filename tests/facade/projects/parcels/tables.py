"""What a page of the project shows of its configuration."""
import json

from app import app
from selinon import Config, Dispatcher

app.conf.broker_url
print(json.dumps({
    'flows': Config.flows,
    'queues': Config.dispatcher_queues,
    'storages': Config.task2storage_mapping,
    'arguments': Config.propagate_node_args,
    'without': [name for name in Config.task_classes if Config.task2storage_mapping[name] is None],
}))
try:
    Dispatcher().migrate_message({'flow_name': 'send', 'node_args': {'started': 0}})
except TimeoutError as error:
    print('too old:', error)
