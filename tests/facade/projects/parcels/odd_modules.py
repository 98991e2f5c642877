"""What some packages leave in ``sys.modules``."""
import sys
import types


class Lazy(types.ModuleType):
    def __getattr__(self, name):
        raise ImportError('%s of %s needs what is not installed' % (name, 'lazy'))


old = types.ModuleType('odd_old')
old.__spec__ = '0.4.0'
bare = types.ModuleType('odd_bare')
del bare.__spec__
sys.modules.update({'odd_old': old, 'odd_bare': bare, 'odd_lazy': Lazy('odd_lazy'), 'odd_none': None})
