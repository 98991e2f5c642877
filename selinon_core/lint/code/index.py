"""Questions about user code: is there such a module, what does a name in it stand for, has a class a method?

``CodeIndex`` answers from the text of the modules and imports nothing. Where a link cannot be followed the answer
is "unknown", and who asked says nothing about it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING

from selinon_core.diagnostics.location import Span
from selinon_core.lint.code import shipped_modules
from selinon_core.lint.code.finder import OPAQUE, Finder
from selinon_core.lint.code.symbols import UNKNOWN, Kind, ModuleFault, ModuleState, ResultRead, Symbol

if TYPE_CHECKING:
    from selinon_core.lint.code.parsed import Binding, ParsedModule

#: How many links (re-exports, base classes) are followed.
LONGEST_CHAIN = 40


class CodeIndex:
    """Answers from source text; ``pythonpath`` are the directories to look in first."""

    def __init__(self, pythonpath: tuple[str, ...]) -> None:
        self._finder = Finder(pythonpath)
        self._states: dict[str, ModuleState] = {}
        self._modules: dict[str, ParsedModule] = {}
        self._faults: dict[str, ModuleFault] = {}
        self._lookups: dict[tuple[str, str], Symbol | None] = {}
        self._methods: dict[tuple[str, str, str], Symbol | None] = {}
        self._results_read: dict[tuple[str, str], tuple[ResultRead, ...]] = {}

    # --- modules ---------------------------------------------------------------------------------------------

    def state(self, module: str) -> ModuleState:
        """Return whether a module is there and can be looked at."""
        if module in shipped_modules.CLASSES or module in shipped_modules.FUNCTIONS:
            return ModuleState.FOUND
        if module not in self._states:
            self._states[module] = self._load(module)
        return self._states[module]

    def path(self, module: str) -> str | None:
        """The file of a module; None when it is not known."""
        return self._finder.find(module) or None

    def like(self, module: str) -> str | None:
        """The module of the project that is probably meant by the name of a missing one."""
        return self._finder.like(module)

    def imports(self, module: str) -> Collection[str]:
        """The modules that a module imports on top, as far as its text shows it."""
        parsed = self._modules.get(module) if self.state(module) is ModuleState.FOUND else None
        return () if parsed is None else parsed.imports()

    def fault(self, module: str) -> ModuleFault:
        """Why a module is ``BROKEN``."""
        return self._faults[module]

    def _load(self, module: str) -> ModuleState:
        path = self._finder.find(module)
        if path is None:
            return ModuleState.MISSING
        if path == OPAQUE or module.partition(".")[0] in sys.stdlib_module_names:
            return ModuleState.OPAQUE
        from selinon_core.lint.code.parsed import ParsedModule

        shown = shown_path(path)
        try:
            self._modules[module] = ParsedModule(module, path, shown)
        except SyntaxError as error:
            line, column = error.lineno or 1, error.offset or 1
            self._faults[module] = ModuleFault(
                error.msg or "invalid syntax", Span(shown, line, column, line, column + 1), raised=False
            )
            return ModuleState.BROKEN
        except (OSError, ValueError, RecursionError, MemoryError):
            return ModuleState.OPAQUE
        return ModuleState.FOUND

    def names(self, module: str) -> Collection[str]:
        """The names of a module as far as they are known, for suggestions."""
        if module in shipped_modules.CLASSES or module in shipped_modules.FUNCTIONS:
            return (*shipped_modules.CLASSES.get(module, ()), *shipped_modules.FUNCTIONS.get(module, ()))
        seen: dict[str, None] = {}
        todo, done = [module], {module}
        for current in todo:
            if self.state(current) is not ModuleState.FOUND:
                continue
            if current not in self._modules:
                seen.update(dict.fromkeys(self.names(current)))
                continue
            parsed = self._modules[current]
            shown = parsed.bindings if current == module or parsed.public is None else parsed.public
            seen.update(dict.fromkeys(sorted(shown) if shown is parsed.public else shown))
            for star in self._modules[current].stars:
                if star not in done:
                    done.add(star)
                    todo.append(star)
        return tuple(seen)

    # --- names -----------------------------------------------------------------------------------------------

    def lookup(self, module: str, name: str) -> Symbol | None:
        """What ``name`` stands for in a module; None when the name certainly does not exist.

        Dotted names are followed through modules; inside of classes nothing is known.
        """
        key = (module, name)
        if key not in self._lookups:
            self._lookups[key] = self._lookup(module, name, LONGEST_CHAIN)
        return self._lookups[key]

    def _lookup(self, module: str, name: str, links: int) -> Symbol | None:
        if not links:
            return UNKNOWN
        first, _, rest = name.partition(".")
        found = self._lookup_plain(module, first, links - 1)
        if not rest or found is None:
            return found
        if found.kind is Kind.MODULE:
            return self._lookup(found.home, rest, links - 1)
        return UNKNOWN

    def _lookup_plain(self, module: str, name: str, links: int) -> Symbol | None:
        from_table = _shipped(module, name)
        if from_table is not None:
            return from_table
        if module in shipped_modules.FUNCTIONS:
            return None
        if module in shipped_modules.CLASSES and module not in self._states:
            self._states[module] = self._load(module)
        parsed = self._modules.get(module) if self.state(module) is ModuleState.FOUND else None
        if parsed is None:
            return UNKNOWN
        if name in parsed.bindings:
            return self._bound(parsed, name, links)
        unsure = parsed.dynamic
        for star in parsed.stars:
            if name.startswith("_") and not unsure:
                continue
            found = self._lookup_star(star, name, links)
            if found is UNKNOWN:
                unsure = True
            elif found is not None:
                return found
        if (
            not unsure
            and parsed.path.endswith("__init__.py")
            and self._finder.find(f"{module}.{name}") is not None
        ):
            return Symbol(Kind.MODULE, f"{module}.{name}")
        return UNKNOWN if unsure else None

    def _lookup_star(self, module: str, name: str, links: int) -> Symbol | None:
        if not links or (module not in shipped_modules.FUNCTIONS and self.state(module) is not ModuleState.FOUND):
            return UNKNOWN
        parsed = self._modules.get(module)
        if parsed is not None and parsed.public is not None and not parsed.dynamic and name not in parsed.public:
            return None
        return self._lookup_plain(module, name, links - 1)

    def _bound(self, parsed: ParsedModule, name: str, links: int) -> Symbol:
        from selinon_core.lint.code.bodies import returns
        from selinon_core.lint.code.parsed import FunctionNode, Import, Literal, signature

        binding = parsed.bindings[name]
        if binding is None:
            return UNKNOWN
        if isinstance(binding, str):
            found = self._lookup(parsed.name, binding, links) if binding != name else None
            return found or UNKNOWN
        if isinstance(binding, Import):
            if binding.name is None:
                return Symbol(Kind.MODULE, binding.module)
            itself = (binding.module, binding.name) == (parsed.name, name)  # from . import name
            found = None if itself else self._lookup(binding.module, binding.name, links)
            if found is None and self._finder.find(f"{binding.module}.{binding.name}") is not None:
                return Symbol(Kind.MODULE, f"{binding.module}.{binding.name}")
            return found or UNKNOWN
        if isinstance(binding, FunctionNode):
            called, gives = signature(binding, bound=False), returns(binding, bound=False)
            return Symbol(Kind.FUNCTION, parsed.name, name, parsed.span(binding), called, gives)
        if isinstance(binding, Literal):
            return Symbol(Kind.VALUE, parsed.name, name, binding.span)
        return Symbol(Kind.CLASS, parsed.name, name, parsed.span(binding))

    # --- classes ---------------------------------------------------------------------------------------------

    def method(self, cls: Symbol, name: str) -> Symbol | None:
        """What a class has under a name, its base classes included; None when it certainly has nothing."""
        key = (cls.home, cls.name, name)
        if key not in self._methods:
            try:
                self._methods[key] = self._method(cls, name, LONGEST_CHAIN)
            except RecursionError:  # a class body that is nested too deep
                self._methods[key] = UNKNOWN
        return self._methods[key]

    def _method(self, cls: Symbol, name: str, links: int) -> Symbol | None:
        if (cls.home, cls.name) in shipped_modules.PLAIN_BASES:
            return None if name == "run" else UNKNOWN
        import ast

        definition = _definition(self.text_of(cls))
        if not isinstance(definition, ast.ClassDef) or not links:
            return UNKNOWN
        from selinon_core.lint.code.bodies import returns
        from selinon_core.lint.code.parsed import dotted, members, signature

        parsed = self._modules[cls.home]
        own = members(definition)
        if name in own:
            function = own[name]
            if function is None:
                return UNKNOWN
            called, gives = signature(function, bound=True), returns(function, bound=True)
            return Symbol(Kind.FUNCTION, cls.home, f"{cls.name}.{name}", parsed.span(function), called, gives)
        if definition.keywords or definition.decorator_list or "__getattr__" in own:
            return UNKNOWN  # metaclasses and decorators add what they like
        for base in definition.bases:
            path = dotted(base)
            if path == "object":
                continue
            found = self._base(parsed, path, links - 1) if path else UNKNOWN
            inherited = UNKNOWN if found.kind is not Kind.CLASS else self._method(found, name, links - 1)
            if inherited is not None:
                return inherited
        return None

    def _base(self, parsed: ParsedModule, path: str, links: int) -> Symbol:
        imported = parsed.imported_as(path)
        if imported is not None and imported in shipped_modules.PLAIN_BASES:
            return Symbol(Kind.CLASS, *imported)
        return self._lookup(parsed.name, path, links) or UNKNOWN

    # --- what code reads -------------------------------------------------------------------------------------

    def results_read(self, symbol: Symbol) -> tuple[ResultRead, ...]:
        """The results that a task class (``self.parent_task_result("T")``, ``self.parent_flow_result("f", "T")``)
        or a function that gets a storage pool first (``storage_pool.get("T")``) asks for, as far as its own text
        shows it.
        """
        key = (symbol.home, symbol.name)
        if key not in self._results_read:
            found: tuple[ResultRead, ...] = ()
            text = self.text_of(symbol)
            if text is not None and text[1] is not None:
                from selinon_core.lint.code.bodies import results_read

                found = results_read(text[1], text[0].shown_path)
            self._results_read[key] = found
        return self._results_read[key]

    def words_of(self, symbol: Symbol, method: str | None = None) -> tuple[tuple[str, Span], ...]:
        """The attributes and texts in the code of a function, or of a method that a class itself defines."""
        text = self.text_of(symbol)
        if text is None or text[1] is None:
            return ()
        from selinon_core.lint.code.bodies import words_of

        return words_of(text[1], method, text[0].shown_path)

    def text_of(self, symbol: Symbol) -> tuple[ParsedModule, Binding] | None:
        """The module of a symbol, and what its text binds to the symbol; None where there is no text."""
        parsed = self._modules.get(symbol.home)
        return None if parsed is None else (parsed, parsed.bindings.get(symbol.name))


def _definition(text: tuple[ParsedModule, Binding] | None) -> Binding:
    return None if text is None else text[1]


def _shipped(module: str, name: str) -> Symbol | None:
    if name in shipped_modules.CLASSES.get(module, ()):
        return Symbol(Kind.CLASS, module, name)
    if name in shipped_modules.FUNCTIONS.get(module, ()):
        return Symbol(Kind.FUNCTION, module, name)
    if (module, name) in shipped_modules.PLAIN_BASES:
        return Symbol(Kind.CLASS, module, name)
    return None


def shown_path(path: str) -> str:
    """The path as people write it: relative to the working directory when it is below it."""
    path = os.path.abspath(path)
    here = os.path.join(os.getcwd(), "")
    return path.removeprefix(here)
