import celery
from selinon import Config, Dispatcher
from selinon.task_envelope import SelinonTaskEnvelope

Dispatcher.soft_time_limit = 600
assert SelinonTaskEnvelope.name.startswith('selinon.')


class Settings(object):
    task_acks_late = True


app = celery.Celery('alarms')
app.config_from_object('celeryconfig')
Config.set_config_yaml('alarms.yml', 'alarms.yml')
Config.set_celery_app(app)
