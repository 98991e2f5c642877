import hashlib
import os

from selinon import FatalTaskError, StoragePool

from .base import BaseTask


class ListPackages(BaseTask):
    def execute(self, arguments):
        return {'packages': sorted(arguments['packages'])}


class Download(BaseTask):
    required = ('name',)

    def execute(self, arguments):
        name = arguments['name']
        if name == 'gone':
            raise FatalTaskError('%s is gone' % name)
        if name == 'flaky':
            marker = os.path.join(os.environ['MIRROR_DATA'], 'tried-%s' % self.task_id)
            if not os.path.exists(marker):
                open(marker, 'w').close()
                raise RuntimeError('try again')
        return {'name': name, 'size': len(name)}


class Checksum(BaseTask):
    def execute(self, arguments):
        downloaded = self.parent_task_result('Download')
        return hashlib.sha256(downloaded['name'].encode()).hexdigest()


class Report(BaseTask):
    def execute(self, arguments):
        store = StoragePool.get_connected_storage('JsonFiles')
        if self.task_name == 'ReportDone':
            store.report('done', arguments['name'], self.parent_task_result('Checksum')[:8])
        else:
            store.report('broken', arguments['name'], '')
