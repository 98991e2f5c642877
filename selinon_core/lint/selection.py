"""Which findings are reported: codes that are selected and ignored, in general and for some files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from selinon_core.config.pyproject import ProjectSettings
from selinon_core.config.yaml.files import PathError
from selinon_core.diagnostics import Diagnostic, Severity


class Selection:
    """Codes and beginnings of codes (``SEL3``): the longest beginning decides, ``ignore`` if both are as long."""

    def __init__(
        self, select: Sequence[str] = (), ignore: Sequence[str] = (), settings: ProjectSettings | None = None
    ) -> None:
        """``select`` takes the place of what the settings say, ``ignore`` is added to it.

        Raises ``PathError`` for a code in the settings that no rule has.
        """
        self._select = tuple(select)
        self._ignore = tuple(ignore)
        self._files: tuple[tuple[str, tuple[str, ...]], ...] = ()
        if settings is not None:
            _check(settings)
            self._select = self._select or settings.select
            self._ignore = (*ignore, *settings.ignore)
            root = os.path.abspath(settings.root)
            self._files = tuple((os.path.join(root, glob), codes) for glob, codes in settings.per_file_ignores)

    def names(self, code: str) -> bool:
        """Return whether a rule is asked for, and not just one of a whole range."""
        return _longest(code, self._select) > len("SEL9")

    def wants(self, diagnostic: Diagnostic) -> bool:
        """Return whether a finding is reported. A file that cannot be read as YAML always is."""
        code = diagnostic.code
        if code.startswith("SEL0") and diagnostic.severity is Severity.ERROR:
            return True
        ignore = self._ignore
        if self._files:
            from fnmatch import fnmatch

            path = os.path.abspath(diagnostic.span.file)
            ignore = (*ignore, *(c for glob, codes in self._files if fnmatch(path, glob) for c in codes))
        refused = _longest(code, ignore)
        chosen = _longest(code, self._select)
        return chosen > refused if chosen >= 0 else refused < 0 and not self._select


#: Nothing is left out.
EVERYTHING = Selection()


def _longest(code: str, beginnings: Iterable[str]) -> int:
    return max((len(beginning) for beginning in beginnings if code.startswith(beginning)), default=-1)


def is_beginning(code: str) -> bool:
    """Return whether a rule has the code, or a code that begins so; ``SEL`` and a digit always count."""
    if code == "SEL" or (len(code) == 4 and code.startswith("SEL") and code[3].isdigit()):
        return True
    from selinon_core.lint.registry import every_rule

    return bool(code) and any(rule.code.startswith(code) for rule in every_rule())


def _check(settings: ProjectSettings) -> None:
    lists = (("select", settings.select), ("ignore", settings.ignore), *settings.per_file_ignores)
    for key, codes in lists:
        for code in codes:
            if not is_beginning(code):
                text = f'{settings.place(key, code)}: {key}: no rule has the code "{code}"'
                raise PathError(f"{text}; selinon lint --list-rules shows all codes")
