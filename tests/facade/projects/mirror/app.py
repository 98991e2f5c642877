#!/usr/bin/env python3
from celery import Celery
from selinon import Config

app = Celery('app')
app.config_from_object('celeryconfig')

Config.set_celery_app(app)
Config.set_config_yaml('nodes.yml', ['flows/mirror_index.yml', 'flows/mirror_package.yml'])
