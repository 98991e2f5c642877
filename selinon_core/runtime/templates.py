"""Templates (``args``, ``output``): JSON values with expressions in them, bound once and worked out often.

A value that is worked out shares nothing with the results it comes from. Values up to ``INLINE`` bytes of JSON are
in it. A larger one that is a plain path (``${LoadOrder.lines}``) can stand there as a reference to the stored
result instead; whatever is computed is in the value, up to a limit for all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from selinon_core.dispatch.references import Referring, written
from selinon_core.errors import ArgumentError
from selinon_core.expressions.evaluate import Bound, bind_of_plan
from selinon_core.expressions.names import constant_key, name_of, path_of
from selinon_core.expressions.tree import Name
from selinon_core.expressions.values import EvaluationError
from selinon_core.expressions.values import written as as_text
from selinon_core.plan.expression_uses import tree_of
from selinon_core.plan.model import Computed, ComputedText, Expression, ForeachItems, Template
from selinon_core.runtime.json_values import copy_json, describe_json_error, encode_json, is_scalar
from selinon_core.runtime.results import Limits
from selinon_core.runtime.scope import Scope

#: Bytes of JSON up to which a value is always in the arguments, and never a reference.
INLINE = 8 * 1024


class _Filling:
    """What one value is worked out with, and how much there is of it so far."""

    __slots__ = ("inline", "limits", "references", "scope", "seen")

    def __init__(self, scope: Scope, limits: Limits, seen: dict[str, Any] | None) -> None:
        self.scope = scope
        self.limits = limits
        self.seen = seen
        self.inline = 0
        self.references = 0


_Part = Callable[[_Filling], Any]


class BoundTemplate:
    """A template whose expressions are bound. ``name`` is how messages call it: ``args``, ``output``.

    ``item_name`` is how its expressions call the item of a foreach.
    """

    __slots__ = ("_fill", "_item_name", "_name", "template")

    def __init__(self, template: Template, name: str, item_name: str) -> None:
        self.template = template
        self._name = name
        self._item_name = item_name
        self._fill = self._bind(template.value, name)

    def is_called(self, name: str, item_name: str) -> bool:
        """Whether it was bound with these names."""
        return self._name == name and self._item_name == item_name

    def value(self, scope: Scope, limits: Limits, seen: dict[str, Any] | None = None) -> Any:
        """Work it out: a JSON value of its own, a ``Referring`` if there are references in it.

        ``seen`` collects what was read: ``{"LoadOrder.total": 0}``. Raises ``ArgumentError`` with the place of the
        part that cannot be worked out, and as ``Scope.value`` for results that cannot be read.
        """
        filling = _Filling(scope, limits, seen)
        value = self._fill(filling)
        if filling.inline > limits.most:
            raise ArgumentError(
                f"{self._name} at {self.template.place}: {filling.inline} bytes of JSON are too many, "
                f"selinon_max_args_bytes is {limits.most}: store the value, and give its id or the whole result"
            )
        if not filling.references:
            return value
        return Referring(written(value))

    def _bind(self, part: Any, path: str) -> _Part:
        if isinstance(part, Computed):
            return _computed(part.expression, path, self._item_name)
        if isinstance(part, ComputedText):
            return _text(part, path, self._item_name)
        if isinstance(part, dict):
            items = [(key, self._bind(inner, f"{path}.{key}")) for key, inner in part.items()]
            return lambda filling: {key: fill(filling) for key, fill in items}
        if isinstance(part, list):
            parts = [self._bind(inner, f"{path}[{number}]") for number, inner in enumerate(part)]
            return lambda filling: [fill(filling) for fill in parts]
        return lambda filling: part


class BoundExpressions:
    """The templates and lists of one plan, bound when first needed and kept.

    By identity, as ``BoundConditions`` are: what is bound holds on to what it was bound from. ``like`` are those
    of a plan that differs little: its templates are used where they are the same, and call the item the same.
    """

    def __init__(self, like: BoundExpressions | None = None) -> None:
        self._like = like
        self._templates: dict[int, BoundTemplate] = {}
        self._lists: dict[int, tuple[ForeachItems, Bound]] = {}

    def template(self, template: Template, name: str, item_name: str = "item") -> BoundTemplate:
        """A template that can be worked out; ``name`` and ``item_name`` as of ``BoundTemplate``."""
        bound = self._templates.get(id(template))
        if bound is None:
            bound = None if self._like is None else self._like.known(template, name, item_name)
            if bound is None:
                bound = BoundTemplate(template, name, item_name)
            self._templates[id(template)] = bound
        return bound

    def known(self, template: Template, name: str, item_name: str) -> BoundTemplate | None:
        """A template that is bound already, to the same names."""
        bound = self._templates.get(id(template))
        return bound if bound is not None and bound.is_called(name, item_name) else None

    def items(self, foreach: ForeachItems) -> Bound:
        """The expression of a foreach."""
        known = self._lists.get(id(foreach))
        if known is None:
            known = self._lists[id(foreach)] = (foreach, bound_expression(foreach.expression))
        return known[1]


def bound_expression(expression: Expression, item_name: str = "item") -> Bound:
    """An expression of the plan."""
    return bind_of_plan(expression.text, item_name)


def _computed(expression: Expression, path: str, item_name: str) -> _Part:
    bound = bound_expression(expression, item_name)
    plain = _plain_path(expression.text, item_name)

    def fill(filling: _Filling) -> Any:
        try:
            value = bound(filling.scope, filling.seen)
        except EvaluationError as error:
            raise ArgumentError(f"{path} at {expression.place}: {error}") from None
        if value.__class__ is not str:
            if is_scalar(value):
                return value
        elif len(value) <= INLINE:
            filling.inline += len(value)
            return value
        try:
            text = encode_json(value)
        except (TypeError, ValueError, RecursionError):
            what = f"{expression.text} is not a JSON value: {describe_json_error(value)}"
            raise ArgumentError(f"{path} at {expression.place}: {what}") from None
        if len(text) > INLINE and filling.limits.refers and plain is not None:
            reference = filling.scope.reference(*plain)
            if reference is not None:
                filling.references += 1
                return reference
        filling.inline += len(text)
        return copy_json(value, text)

    return fill


def _text(part: ComputedText, path: str, item_name: str) -> _Part:
    bound = [one if isinstance(one, str) else (bound_expression(one, item_name), one) for one in part.parts]

    def fill(filling: _Filling) -> str:
        texts = []
        for one in bound:
            if isinstance(one, str):
                texts.append(one)
                continue
            evaluate, expression = one
            try:
                value = evaluate(filling.scope, filling.seen)
            except EvaluationError as error:
                raise ArgumentError(f"{path} at {expression.place}: {error}") from None
            try:
                texts.append(as_text(value))
            except EvaluationError as error:
                raise ArgumentError(f"{path} at {expression.place}: {expression.text}: {error}") from None
        text = "".join(texts)
        filling.inline += len(text)
        return text

    return fill


@lru_cache(maxsize=4096)
def _plain_path(text: str, item_name: str) -> tuple[str, str, tuple[str | int, ...]] | None:
    """Kind, name and path of an expression that is a node or ``args`` with keys behind it; None for any other."""
    root, steps = path_of(tree_of(text))
    if not isinstance(root, Name):
        return None
    use, taken = name_of(root, steps, item_name)
    path: list[str | int] = []
    for step in steps[taken:]:
        key = constant_key(step)
        if key is None:
            return None
        path.append(key)
    return (use.kind, use.name, tuple(path)) if use.kind in ("node", "args") else None
