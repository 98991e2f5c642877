"""Every place where a mapping of the configuration becomes keyword arguments: of a predicate, a sampling
strategy, a cache or a storage; and what is certainly wrong with the arguments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from selinon_core.config.model import CacheDef, Definition, ImportDef, NameRef, ProjectModel, StorageDef
from selinon_core.diagnostics import Related
from selinon_core.diagnostics.location import NOWHERE, SourceLocation, Span
from selinon_core.diagnostics.wording import plural, quoted, suggested
from selinon_core.lint.analysis.keywords import argument_location, mismatch
from selinon_core.lint.analysis.predicates import PROVIDED, Predicates
from selinon_core.lint.analysis.uses import cache_uses, is_shipped_cache, leaf_uses
from selinon_core.lint.code.index import CodeIndex
from selinon_core.lint.code.symbols import Kind, Signature
from selinon_core.plan import shipped

#: The one strategy that has arguments of its own when none are given.
DEFAULT_SAMPLING = "biexponential_increase"


class Callee(Enum):
    """What gets the arguments."""

    PREDICATE = "predicate"
    STRATEGY = "strategy"
    SHIPPED_CACHE = "cache"
    SHIPPED_STORAGE = "storage"
    OWN_CLASS = "class"


class Configured:
    """A call with keyword arguments as configured under ``key`` of ``definition``.

    ``name`` is the callee in the configuration, ``title`` in messages. ``signature`` is without ``self``;
    ``handed_in`` are parameters that are never configured.
    """

    __slots__ = ("arguments", "callee", "definition", "handed_in", "key", "name", "signature", "span", "title")

    def __init__(
        self,
        callee: Callee,
        title: str,
        name: NameRef,
        definition: Definition,
        key: str,
        arguments: Mapping[str, Any],
        signature: Signature,
        span: Span = NOWHERE,
        handed_in: frozenset[str] = frozenset(),
    ) -> None:
        self.callee = callee
        self.title = title
        self.name = name
        self.definition = definition
        self.key = key
        self.arguments = arguments
        self.signature = signature
        self.span = span
        self.handed_in = handed_in

    def spot_of(self, argument: str) -> SourceLocation:
        """Where the name of an argument is written."""
        return argument_location(self.definition, self.key, argument)

    def value_spot_of(self, argument: str) -> SourceLocation:
        """Where the value of an argument is written."""
        return argument_location(self.definition, self.key, argument, value=True)

    @property
    def related(self) -> tuple[Related, ...]:
        """Where the function or class is defined, if it is not a shipped one."""
        return () if self.span is NOWHERE else (Related(self.span, f'"{self.name.name}" is defined here'),)


class ArgumentFault:
    """What is wrong with the names of some arguments."""

    __slots__ = ("help", "location", "message", "note")

    def __init__(self, location: SourceLocation, message: str, note: str, help: str) -> None:
        self.location = location
        self.message = message
        self.note = note
        self.help = help


def argument_faults(call: Configured) -> Iterator[ArgumentFault]:
    """Yield the arguments that are not taken, and those that are missing."""
    differs = mismatch(call.arguments, call.signature, call.handed_in)
    for argument, meant in differs.unknown:
        yield ArgumentFault(
            call.spot_of(argument),
            f'{call.title} does not take an argument "{argument}"',
            "is handed in, not configured" if argument in call.handed_in else "unknown argument",
            suggested(meant, differs.taken, "" if meant in call.arguments else str(argument)),
        )
    if differs.missing:
        yield ArgumentFault(
            call.name.location,
            f"{call.title} needs {plural('argument', differs.missing)}",
            "not given",
            f'add {quoted(differs.missing)} to "{call.key}"',
        )


def configured(model: ProjectModel, predicates: Predicates, code: CodeIndex) -> Iterator[Configured]:
    """Yield the calls whose signature is known."""
    yield from _predicates(model, predicates)
    yield from _strategies(model, code)
    for cache in cache_uses(model):
        yield from _cache(cache, code)
    for storage in model.storages:
        yield from _storage(storage, code)


def _predicates(model: ProjectModel, predicates: Predicates) -> Iterator[Configured]:
    for use in leaf_uses(model):
        leaf, name = use.leaf, use.leaf.name.name
        signature = predicates.signature(name)
        if signature is None or leaf.args is None:
            continue
        symbol = predicates.own_symbol(name)
        span = NOWHERE if symbol is None else symbol.span
        title = f'predicate "{name}"'
        yield Configured(
            Callee.PREDICATE, title, leaf.name, leaf, "args", leaf.args, signature, span, handed_in=PROVIDED
        )


def _strategies(model: ProjectModel, code: CodeIndex) -> Iterator[Configured]:
    for flow in model.flows:
        sampling = flow.sampling
        if sampling is None or sampling.function is None:
            continue
        name, args = sampling.function.name, sampling.args
        if args is None:
            if sampling.given("args") or name.name == DEFAULT_SAMPLING:
                continue  # broken, or the defaults
            args = {}
        signature, span = _strategy_signature(code, sampling.function)
        if signature is not None:
            title = f'strategy "{name.name}"'
            handed_in = frozenset({"status"})
            yield Configured(
                Callee.STRATEGY, title, name, sampling, "args", args, signature, span, handed_in=handed_in
            )


def _strategy_signature(code: CodeIndex, function: ImportDef) -> tuple[Signature | None, Span]:
    name = function.name.name
    if function.module.name in shipped.STRATEGY_MODULES:
        args = shipped.STRATEGIES.get(name)
        if args is None:
            return None, NOWHERE
        return Signature(args, frozenset(args), frozenset(args), types=shipped.STRATEGY_TYPES), NOWHERE
    symbol = code.lookup(function.module.name, name)
    if symbol is None or symbol.kind is not Kind.FUNCTION or symbol.signature is None:
        return None, NOWHERE
    called = symbol.signature
    if not called.positional:
        return None, NOWHERE  # another rule's matter
    # The first parameter gets the status, whatever its name.
    first = called.positional[0]
    return called._replace(
        positional=called.positional[1:], by_name=called.by_name - {first}, required=called.required - {first}
    ), symbol.span


def _cache(cache: CacheDef, code: CodeIndex) -> Iterator[Configured]:
    if cache.function is None or cache.configuration_broken:
        return
    name, given = cache.function.name, cache.configuration
    if not is_shipped_cache(cache):
        yield from _own_class(cache.function, "cache", name, cache, given, code)
        return
    taken = shipped.CACHES.get(name.name)
    if taken is not None:
        names = (*taken.required, *taken.optional)
        signature = Signature(names, frozenset(names), frozenset(taken.required), types=shipped.CACHE_TYPES)
        title = f'cache "{name.name}"'
        yield Configured(Callee.SHIPPED_CACHE, title, name, cache, "configuration", given, signature)


def _storage(storage: StorageDef, code: CodeIndex) -> Iterator[Configured]:
    function, given = storage.function, storage.configuration
    if function is None or storage.configuration_broken:
        return
    if given is None:
        given = {}
    if not isinstance(given, dict):
        return  # one argument, by position
    symbol = code.lookup(function.module.name, function.name.name)
    if symbol is None or symbol.kind is not Kind.CLASS:
        return
    if not _is_shipped_storage(symbol.home, symbol.name):
        yield from _own_class(function, "storage", storage.name, storage, given, code)
        return
    taken = shipped.STORAGES[symbol.name]
    types = {**taken.required, **taken.optional}
    signature = Signature(tuple(types), frozenset(types), frozenset(taken.required), types=types)
    title = f'storage "{storage.name.name}" ({symbol.name})'
    yield Configured(Callee.SHIPPED_STORAGE, title, function.name, storage, "configuration", given, signature)


def _is_shipped_storage(module: str, name: str) -> bool:
    package = module.removeprefix("selinon_core.").removeprefix("selinon.")
    return name in shipped.STORAGES and package != module and package.startswith("storages.")


def _own_class(
    function: ImportDef, what: str, name: NameRef, definition: Definition, given: dict[str, Any], code: CodeIndex
) -> Iterator[Configured]:
    """The call of a class of the project, whose constructor can be seen."""
    symbol = code.lookup(function.module.name, function.name.name)
    if symbol is None or symbol.kind is not Kind.CLASS:
        return
    init, new = code.method(symbol, "__init__"), code.method(symbol, "__new__")
    if new is not None and (init is None or new.kind is Kind.FUNCTION):
        return  # it may be built in other ways
    signature, span = (
        (Signature((), frozenset(), frozenset()), symbol.span)
        if init is None
        else (
            init.signature,
            init.span,
        )
    )
    if signature is not None:
        title = f'{what} class "{function.name.name}"'
        yield Configured(
            Callee.OWN_CLASS, title, function.name, definition, "configuration", given, signature, span
        )
