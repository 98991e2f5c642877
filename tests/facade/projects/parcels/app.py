import logging
import os
import time

import celery
from selinon import Config, Dispatcher, SelinonTaskEnvelope, selinon_version
from settings import CelerySettings

LIFETIME = 24 * 60 * 60


def deadline(self, flow_info):
    started = flow_info['node_args'].setdefault('started', time.time())
    if time.time() - started > LIFETIME:
        raise self.retry(max_retries=0, exc=TimeoutError(flow_info['flow_name']))


class Parcels(celery.Celery):
    def on_configure(self):
        original = Dispatcher.migrate_message

        def patched(self, flow_info):
            result = original(self, flow_info)
            deadline(self, flow_info)
            return result

        Dispatcher.migrate_message = patched
        failed = SelinonTaskEnvelope.on_failure
        SelinonTaskEnvelope.on_failure = lambda self, *args: failed(self, *args)


app = Parcels('parcels')
app.config_from_object(CelerySettings)
logging.getLogger(__name__).debug('selinon %s', selinon_version)
here = os.path.dirname(os.path.abspath(__file__))
Config.set_celery_app(app)
flows = []
for directory, _, names in os.walk(os.path.join(here, 'flows'), followlinks=True):
    flows.extend(os.path.join(directory, name) for name in names)
Config.set_config_yaml(os.path.join(here, 'parcels.yml'), flows)
