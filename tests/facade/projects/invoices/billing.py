import os

from selinon import SelinonTask, StoragePool

_asked = set()


def customers(storage_pool, node_args):
    assert node_args['mail'] in (True, False)
    return [{'customer': name} for name in storage_pool.get('LoadCustomers')['customers']]


class LoadCustomers(SelinonTask):
    def run(self, node_args):
        return {'customers': node_args['names'], 'mail': True}


class Usage(SelinonTask):
    def run(self, node_args):
        if node_args['customer'] == 'slow' and self.task_id not in _asked:
            _asked.add(self.task_id)
            self.retry(countdown=1)
        if node_args['customer'] == 'broken':
            raise ValueError('no meter')
        return {'used': {'hours': len(node_args['customer'])}}


class Discount(SelinonTask):
    def run(self, node_args):
        return 2 if self.task_name == 'Discount2' else 1


class Invoice(SelinonTask):
    def run(self, node_args):
        hours = self.parent_task_result('Usage')['used']['hours']
        off = sum(self.parent_flow_result('prices', name) for name in ('Discount', 'Discount2'))
        assert self.parent_flow_result(['prices'], 'Discount', 0) == 1
        return {'customer': node_args['customer'], 'sum': 10 * hours - off}


class Mail(SelinonTask):
    def run(self, node_args):
        if 'Invoice' not in self.parent['customer']:
            return None
        invoice = self.parent_flow_result('customer', 'Invoice')
        path = os.path.join(os.environ['INVOICES_DATA'], 'mail-%s' % invoice['customer'])
        with open(path, 'w') as mail:
            mail.write(str(invoice['sum']))
        return path


class Audit(SelinonTask):
    def run(self, node_args):
        self.log.info('audit')


class Apologize(SelinonTask):
    def run(self, node_args):
        assert StoragePool.get_storage_by_task_name('Usage') is self.storage
        return 'sorry, ' + node_args['customer']
