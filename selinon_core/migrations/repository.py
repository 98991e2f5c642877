"""The migration files of a directory: their versions, and their changes of a flow after a version."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from selinon_core.errors import MigrationError, MigrationSkew, RequestError
from selinon_core.migrations.files import MigrationFile, read_migration
from selinon_core.plan.flow_diff import FlowChange, MigrationStep


class Migrations:
    """The migrations a worker knows. Version 0 is the project before the first of them.

    The listing is read once; a file is read when its content is first asked for. Safe under threads.
    """

    def __init__(self, directory: str | None, versions: Iterable[int]) -> None:
        self.directory = directory
        self.versions = tuple(sorted(versions))
        self._read: dict[int, MigrationFile] = {}

    @classmethod
    def load(cls, directory: str | None) -> Migrations:
        """List a directory; None, or one that does not exist, has no migrations.

        Raises ``MigrationError`` for a JSON file whose name is not a number.
        """
        if directory is None:
            return cls(None, ())
        try:
            names = os.listdir(directory)
        except FileNotFoundError:
            names = []
        except OSError as error:
            raise MigrationError(f"the directory {directory} cannot be read: {error.strerror}") from error
        return cls(directory, versions_among(names, directory))

    @property
    def latest(self) -> int:
        """The number of the newest file, 0 when there is none."""
        return self.versions[-1] if self.versions else 0

    def path(self, version: int) -> str:
        """Where the file of a version is or would be."""
        return os.path.join(self.directory or "", f"{version}.json")

    def file(self, version: int) -> MigrationFile:
        """Read a file. Raises ``MigrationError`` when it is wrong, ``MigrationSkew`` when there is none."""
        known = self._read.get(version)
        if known is None:
            try:
                known = self._read[version] = read_migration(self.path(version))
            except FileNotFoundError:
                raise MigrationSkew(
                    f"the migration file {self.path(version)} is missing", available_migration_version=version
                ) from None
            except OSError as error:
                raise MigrationError(f"{self.path(version)}: {error.strerror}") from error
        return known

    def steps(self, flow: str, from_version: int, to_version: int | None = None) -> tuple[MigrationStep, ...]:
        """The changes of a flow in the files after ``from_version`` (up to ``to_version``, default all), in order.

        Files without a change of it are left out. Raises ``MigrationSkew`` when the
        version is newer than all files or one of them is missing, ``MigrationError`` when one is wrong.
        """
        last = self.latest if to_version is None else to_version
        if from_version > last:
            raise MigrationSkew(
                f"a run of flow {flow} is at migration version {from_version}, "
                + (f"the newest known here is {last}" if last else "no migration is known here"),
                available_migration_version=last or None,
            )
        steps = []
        for version in range(from_version + 1, last + 1):
            found = self.file(version)
            change = found.changes.get(flow)
            if change:
                steps.append(MigrationStep(version, found.strategy, change))
        return tuple(steps)

    def version_of(self, flow: str) -> int:
        """The version a new run of a flow is at: that of the last file with a change of it.

        So a run of a flow that no migration concerns is never newer than a worker with older files. Raises as
        ``steps`` does.
        """
        for version in reversed(self.versions):
            if self.file(version).changes.get(flow):
                return version
        return 0


def versions_among(names: Iterable[str], directory: str) -> list[int]:
    """The versions among the names in a directory. Hidden files and names without .json are not migrations.

    Raises ``MigrationError`` for a name that is not a number.
    """
    found = []
    for name in names:
        if not name.endswith(".json") or name.startswith("."):
            continue
        stem = name[: -len(".json")]
        if not (stem.isascii() and stem.isdigit()) or len(stem) > 9 or stem != str(int(stem)) or stem == "0":
            raise MigrationError(
                f"{os.path.join(directory, name)}: migration files are called 1.json, 2.json, ..."
            )
        found.append(int(stem))
    return found


def same_as_newest(migrations: Migrations, changes: Mapping[str, FlowChange]) -> bool:
    """Whether the newest file has the same changes of the same flows."""
    if not migrations.latest:
        return False
    newest = migrations.file(migrations.latest).changes
    return {flow: change for flow, change in newest.items() if change} == dict(changes)


def write_migration(migrations: Migrations, text: str) -> str:
    """Write the next file and return its path; the directory is created if need be.

    Never overwrites: if another process wrote that file meanwhile, the next number is taken. Raises
    ``RequestError`` when it cannot be written.
    """
    assert migrations.directory is not None
    try:
        os.makedirs(migrations.directory, exist_ok=True)
        version = migrations.latest + 1
        while True:
            path = migrations.path(version)
            try:
                with open(path, "x", encoding="utf-8") as file:
                    file.write(text)
            except FileExistsError:
                version += 1
                continue
            return path
    except OSError as error:
        raise RequestError(f"cannot write a migration to {migrations.directory}: {error.strerror}") from error
