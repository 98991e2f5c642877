import logging
import os

from celery.signals import setup_logging


class CelerySettings:
    broker_url = os.environ['BROKER_URL']
    result_backend = os.environ['RESULT_BACKEND_URL']
    task_acks_late = True


@setup_logging.connect
def configure_logging(**kwargs):
    logging.config.dictConfig({
        'version': 1,
        'disable_existing_loggers': False,
        'formatters': {'plain': {'format': 'parcels %(levelname)s %(name)s %(message)s'}},
        'handlers': {'plain': {'class': 'logging.StreamHandler', 'formatter': 'plain'}},
        'root': {'handlers': ['plain'], 'level': 'INFO'},
    })
