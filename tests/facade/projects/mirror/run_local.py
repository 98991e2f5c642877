#!/usr/bin/env python3
import json
import sys

from selinon import StoragePool
from selinon.executor import Executor

executor = Executor('nodes.yml', ['flows/mirror_index.yml', 'flows/mirror_package.yml'], show_progressbar=False)
executor.run('mirror_index', {'packages': json.loads(sys.argv[1])})
print(type(StoragePool.get_connected_storage('JsonFiles')).__name__)
