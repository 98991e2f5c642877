import pytest
from selinon import Config, DataStorage, FatalTaskError, SelinonTask
from selinon.storage_pool import StoragePool
from selinon.system import System

from mirror_worker.tasks import Checksum, Download

FLOWS = ['flows/mirror_index.yml', 'flows/mirror_package.yml']


def test_configuration():
    system = System.from_files('nodes.yml', FLOWS)
    assert set(system.task_queue_names()) >= {'Download', 'Checksum'}


def test_download():
    task = Download.create_test_instance(task_name='Download')
    assert isinstance(task, SelinonTask)
    assert task.run({'name': 'six'}) == {'name': 'six', 'size': 3}
    with pytest.raises(FatalTaskError):
        task.run({'name': 'gone'})
    with pytest.raises(AssertionError):
        task.run({})


def test_checksum(monkeypatch):
    task = Checksum(flow_name='mirror_package', task_name='Checksum', parent={'Download': '1'}, task_id='2',
                    dispatcher_id='3')
    monkeypatch.setattr(task, 'parent_task_result', lambda name: {'name': name})
    assert len(task.run({})) == 64


def test_checksum_with_storage():
    Config.set_config_yaml('nodes.yml', FLOWS)
    storage = StoragePool.get_connected_storage('JsonFiles')
    assert isinstance(storage, DataStorage)
    storage.store({}, 'mirror_package', 'Download', 'by-hand', {'name': 'six', 'size': 3})
    task = Checksum('mirror_package', 'Checksum', {'Download': 'by-hand'}, 'id', None)
    assert task.storage is storage
    assert task.run({}).startswith('44778d82')
