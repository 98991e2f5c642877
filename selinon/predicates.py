"""The shipped predicates, under their original module path. See ``selinon_core.predicates``.

In the original each predicate also is a module of its name (``selinon.predicates.fieldEqual``).
"""

import sys as _sys
from types import ModuleType as _ModuleType

from selinon_core import predicates as _predicates
from selinon_core.predicates import *  # noqa: F403

__all__ = _predicates.__all__
__path__: list[str] = []  # makes this a package, so that its modules can be imported

for _name in __all__:
    _module = _sys.modules.setdefault(f"{__name__}.{_name}", _ModuleType(f"{__name__}.{_name}"))
    setattr(_module, _name, getattr(_predicates, _name))
