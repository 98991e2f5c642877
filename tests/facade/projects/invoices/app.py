import logging

from celery import Celery
from selinon import Config
from selinon.config import Config as SameConfig

assert Config is SameConfig
logging.getLogger('selinon').setLevel(logging.WARNING)
app = Celery('invoices')
app.config_from_object('celeryconfig')
Config.init(app, 'nodes.yaml', ['flows/monthly.yaml', 'flows/customer.yaml'])
