"""Values against JSON Schemas: results of tasks (``output_schema``), and what ``arguments`` needs of a schema.

A path is tried relative to the given base directories, then to ``here``, the working directory;
``pkg.module:file.json`` is a file beside the module (whose packages are imported to find it). A schema may refer
to files beside it (``{"$ref": "other.json"}``), never to the network.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from selinon_core.errors import ConfigurationError
from selinon_core.schemas.beside import FilesBeside, References
from selinon_core.schemas.plain import plain_check

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator
    from referencing import Registry, Resource

    from selinon_core.plan import TaskPlan
    from selinon_core.plan.model import Schema

_UNKNOWN = object()

#: By what was read: a file that changed is another key.
_loaded: dict[tuple[str | int, ...], ResultSchema] = {}
#: Schemas that are kept; an editor would leave one for every letter that is written.
_MOST_LOADED = 1000


class ResultSchema:
    """A schema, ready to check many results. ``key`` is the key of the YAML that names it, for messages."""

    def __init__(
        self,
        schema: Any,
        name: str = "the schema",
        directory: str | None = None,
        key: str = "output_schema",
    ) -> None:
        """Take a schema as JSON; ``directory`` is where relative references lead from.

        Raises ``ConfigurationError`` when it is not a valid schema.
        """
        self.name = name
        self.key = key
        self.schema = schema
        self._files = FilesBeside(directory)
        references = References(schema, self._files)
        self._surely_fits = plain_check(schema, references)
        self._references = None if self._surely_fits is None else references
        if self._surely_fits is None:
            self._validator  # noqa: B018  # says what is wrong with the schema
        self._minimal: Any = _UNKNOWN

    @cached_property
    def _validator(self) -> Validator:
        return _validator_of(self.schema, f"{self.key} '{self.name}'", self._files)

    @classmethod
    def load(
        cls,
        path: str,
        base_directories: Sequence[str] = (),
        here: str = os.curdir,
        key: str = "output_schema",
    ) -> ResultSchema:
        """Read a schema; one that was read before is returned as long as its file stays the same.

        Raises ``ConfigurationError`` when it is not found, no JSON or no valid schema.
        """
        found = find_schema(path, base_directories, here)
        if found is None:
            return _load_from_package(path, (*base_directories, here), key)
        try:
            status = os.stat(found)
            read = (key, found, status.st_mtime_ns, status.st_size)
            schema = _known(read)
            if schema is None:
                with open(found, "rb") as file:
                    content = file.read()
                about = f"{key} '{found}'"
                schema = _kept(read, cls(_parse(content, about), found, os.path.dirname(found), key))
        except OSError as exc:
            raise ConfigurationError(f"{key} '{path}' cannot be read: {exc}") from exc
        return schema

    @classmethod
    def of_task(cls, task: TaskPlan, directory: str = os.curdir) -> ResultSchema | None:
        """Return the schema of a task's results, found from the task's YAML file; None when it has none.

        Relative paths lead from ``directory``: the working directory may be another one by now.
        """
        if task.output_schema is None:
            return None
        return cls.written(task.output_schema, task.place.file, directory)

    @classmethod
    def written(
        cls, schema: Schema, file: str, directory: str = os.curdir, key: str = "output_schema"
    ) -> ResultSchema:
        """The schema that a YAML file has under ``key``: a path, or the schema in place. Raises as ``load``.

        References of a schema in place lead from the directory of the file; ``directory`` as in ``of_task``.
        """
        beside = os.path.join(directory, os.path.dirname(file))
        if isinstance(schema, str):
            return cls.load(schema, (beside,), directory, key)
        text = json.dumps(schema)
        read = (key, text, file, beside)
        return _known(read) or _kept(read, cls(json.loads(text), file, beside, key))

    def check(self, result: Any, only_given: bool = False) -> None:
        """Raise ``SchemaMismatchError`` with the place and the reason unless ``result`` fits.

        ``only_given``: what is missing in the result is not held against it.
        """
        if self.fits(result):
            return
        from jsonschema.exceptions import best_match

        from selinon_core.schemas.misfit import described_misfit
        from selinon_core.schemas.mismatch import SchemaMismatchError

        errors = list(self._validator.iter_errors(result))
        if only_given:
            errors = [error for error in errors if not _is_about_missing(error)]
        error = best_match(errors)
        if error is None:
            return
        raise SchemaMismatchError(described_misfit(error, shows=True))

    def minimal_value(self) -> Any:
        """Return a small value that fits; the same each time, and each time a new one.

        Raises ``ConfigurationError`` when none was found, which may be for want of trying.
        """
        if self._minimal is _UNKNOWN:
            from selinon_core.schemas.values.search import find_minimal_value

            try:
                self._minimal = find_minimal_value(self._validator)
            except LookupError as exc:
                raise ConfigurationError(
                    f"no value that fits {self.name} was found ({exc}): give the result of the mock"
                ) from exc
            except BaseException as exc:
                raise self._unusable(exc) from exc
        return json.loads(json.dumps(self._minimal))

    def value_within(self, overlay: Any) -> Any:
        """Return a small value that fits this schema and ``overlay``, a schema as JSON.

        Raises ``ConfigurationError`` when none was found, which may be for want of trying.
        """
        from selinon_core.schemas.values.search import find_minimal_value

        # "$ref"s of the schema lead from its root: definitions stay where they are.
        own = self.schema if isinstance(self.schema, dict) else {"allOf": [self.schema]}
        whole = {**own, "allOf": [*own.get("allOf", []), overlay]}
        try:
            return find_minimal_value(self._validator.evolve(schema=whole))
        except LookupError as exc:
            raise ConfigurationError(f"no value that fits {self.name} was found ({exc})") from exc
        except BaseException as exc:
            raise self._unusable(exc) from exc

    def fits(self, result: Any) -> bool:
        """Whether ``result`` fits; raises ``ConfigurationError`` when the schema cannot be used."""
        try:
            if self._surely_fits is not None and self._surely_fits(result):
                return True
        except RecursionError:
            pass
        try:
            return bool(self._validator.is_valid(result))
        except BaseException as exc:  # what it refers to, patterns that do not compile, too large numbers
            raise self._unusable(exc) from exc

    def misfits(self, value: Any) -> list[ValidationError]:
        """What of a value does not fit, in no order; raises ``ConfigurationError`` as ``fits``."""
        return [] if self.fits(value) else list(self._validator.iter_errors(value))

    @cached_property
    def takes_null(self) -> bool:
        """Whether null fits: what a run without arguments asks each time. Raises as ``fits``."""
        return self.fits(None)

    @cached_property
    def may_have_defaults(self) -> bool:
        """Whether a default can be in the schema, or in what it refers to."""
        if self._references is None:
            return _mentions(self.schema, ("default", "$ref"))
        # Plain references lead to places in the schema, and in files that were read to check them.
        return any(_mentions(document, ("default",)) for document in (self.schema, *self._files.all_read))

    @property
    def is_current(self) -> bool:
        """Whether the files that the schema refers to are still what was read."""
        return self._files.are_unchanged

    @property
    def resolver(self) -> Any:
        """What finds the references of this schema: as a ``Resolver`` of the library ``referencing`` does."""
        if self._references is not None:  # all references are plain: the validator need not be imported
            return self._references
        # The validator's own: there is no public way to ask it, and another might disagree.
        return self._validator._resolver  # type: ignore[attr-defined]

    def _unusable(self, exc: BaseException) -> ConfigurationError:
        """Why the schema cannot be used; ``exc`` itself is raised when it is not about the schema."""
        # Where references lead in a circle, the Rust code below the validator raises what is not an ``Exception``.
        if not isinstance(exc, Exception) and type(exc).__name__ != "PanicException":
            raise exc
        return ConfigurationError(f"{self.key} '{self.name}' cannot be used: {exc}")


def _known(read: tuple[str | int, ...]) -> ResultSchema | None:
    """The schema that was made of the same, if the files that it refers to are the same too."""
    schema = _loaded.get(read)
    return schema if schema is not None and schema.is_current else None


def _kept(read: tuple[str | int, ...], schema: ResultSchema) -> ResultSchema:
    while len(_loaded) >= _MOST_LOADED:
        _loaded.pop(next(iter(_loaded)), None)
    _loaded[read] = schema
    return schema


def _mentions(schema: Any, keywords: tuple[str, ...]) -> bool:
    """Whether a keyword stands anywhere in a schema; a property of the same name counts too."""
    todo = [schema]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            if any(keyword in part for keyword in keywords):
                return True
            todo.extend(part.values())
        elif isinstance(part, list):
            todo.extend(part)
    return False


def _is_about_missing(error: ValidationError) -> bool:
    """Whether an error would not be there if more keys were given."""
    if error.validator in ("required", "minProperties", "dependentRequired"):
        return True
    return bool(error.context) and any(_is_about_missing(inner) for inner in error.context or ())


def find_schema(path: str, base_directories: Sequence[str] = (), here: str = os.curdir) -> str | None:
    """Return the absolute path of a schema's file, None when there is none: it may be in a package."""
    for directory in (*base_directories, here):
        candidate = os.path.abspath(os.path.join(directory, path))
        if os.path.isfile(candidate):
            return candidate
    return None


def _load_from_package(path: str, directories: Sequence[str], key: str) -> ResultSchema:
    import pkgutil

    module, colon, file = path.partition(":")
    if colon and file and all(part.isidentifier() for part in module.split(".")):
        try:
            content = pkgutil.get_data(module, file)
        except Exception as exc:  # importing the package runs its code
            raise ConfigurationError(f"{key} '{path}' cannot be read: {exc}") from exc
        if content is not None:
            return ResultSchema(_parse(content, f"{key} '{path}'"), path, key=key)
        raise ConfigurationError(f"{key} '{path}' was not found: there is no module '{module}'")
    tried = dict.fromkeys(os.path.abspath(directory) for directory in directories)
    raise ConfigurationError(f"{key} '{path}' was not found in {', '.join(tried)}")


def _parse(content: bytes, about: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise ConfigurationError(f"{about} is not JSON: {exc}") from exc


def _validator_of(schema: Any, about: str, files: FilesBeside) -> Validator:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError, best_match
    from jsonschema.validators import validator_for

    if not isinstance(schema, (dict, bool)):
        raise ConfigurationError(f"{about} is not a valid JSON Schema: it has to be an object")
    error: SchemaError | None = None
    try:
        draft = validator_for(schema, default=Draft202012Validator)
        error = best_match(draft(draft.META_SCHEMA).iter_errors(schema))
    except RecursionError as exc:
        raise ConfigurationError(f"{about} is nested too deeply") from exc
    except Exception as exc:  # "$schema" that is not a text, and whatever else the library does not expect
        raise ConfigurationError(f"{about} is not a valid JSON Schema: {exc}") from exc
    if error is not None:
        raise ConfigurationError(f"{about} is not a valid JSON Schema: at {error.json_path}: {error.message}")
    return _tolerant(draft)(schema, registry=registry_of(files))


@cache
def _tolerant(draft: type[Validator]) -> type[Validator]:
    """The validator of a draft, to which a tuple is a list: results are checked before they become JSON."""
    from jsonschema.validators import extend

    types = draft.TYPE_CHECKER.redefine("array", lambda _, value: isinstance(value, (list, tuple)))
    return extend(draft, type_checker=types)  # type: ignore[no-untyped-call,no-any-return]


def registry_of(files: FilesBeside) -> Registry[Any]:
    """Return where references are looked up: in files beside the schema, and nowhere else."""
    from referencing import Registry, Resource
    from referencing.exceptions import NoSuchResource
    from referencing.jsonschema import DRAFT202012

    def retrieve(uri: str) -> Resource[Any]:
        try:
            content = files.contents(uri)
        except LookupError as exc:
            raise NoSuchResource(ref=uri) from exc  # type: ignore[call-arg]
        return Resource.from_contents(content, default_specification=DRAFT202012)

    return Registry(retrieve=retrieve)  # type: ignore[call-arg]
