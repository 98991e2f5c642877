from celery import Celery

from selinon import Config

app = Celery("almanac")
app.config_from_object("celeryconfig")
Config.set_celery_app(app)
Config.set_config_yaml("nodes.yaml", ["flows/nightly.yaml", "flows/station.yaml", "flows/others.yaml"])
