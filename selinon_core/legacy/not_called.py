"""Classes of the original that workers do not call any more, though projects read them and assign to them."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar


class NotCalled(type):
    """Warns, once per class, that what is assigned to the class changes nothing. ``instead`` says what does."""

    instead: ClassVar[str]
    _warned: ClassVar[set[str]] = set()

    def __setattr__(cls, name: str, value: Any) -> None:
        if not name.startswith("__") and cls.__name__ not in NotCalled._warned:
            NotCalled._warned.add(cls.__name__)
            warnings.warn(
                f"{cls.__name__}.{name} = ... has no effect: workers do not call {cls.__name__}. {cls.instead}",
                stacklevel=2,
            )
        super().__setattr__(name, value)


def do_nothing(self: Any, *args: Any, **kwargs: Any) -> None:
    """Do nothing: a method to be read, wrapped and called without harm."""
