"""What the shipped predicates hold for: examples, and laws over arbitrary values."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core import predicates
from selinon_core.plan.shipped import PREDICATES

ON_MESSAGE = sorted(name for name, signature in PREDICATES.items() if signature.takes_message)
DOCUMENT = {
    "n": 3,
    "x": 1.5,
    "yes": True,
    "none": None,
    "name": "selinon",
    "list": [1, {"deep": "value"}],
    "map": {"a": {"b": [10, 20]}},
    "url": "https://example.com:8080/a/b?c=d",
}


def twin_of(name: str) -> str:
    return f"args{name[0].upper()}{name[1:]}"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("empty", None, True),
        ("empty", [], True),
        ("empty", {}, True),
        ("empty", "", True),
        ("empty", [0], False),
        ("empty", 0, False),
        ("empty", False, False),
        ("isNone", None, True),
        ("isNone", 0, False),
        ("isBool", True, True),
        ("isBool", 1, False),
        ("isInt", 1, True),
        ("isInt", True, False),
        ("isInt", 1.0, False),
        ("isFloat", 1.0, True),
        ("isFloat", 1, False),
        ("isStr", "", True),
        ("isStr", None, False),
        ("isList", [], True),
        ("isList", {}, False),
        ("isList", "ab", False),
        ("isDict", {}, True),
        ("isDict", [], False),
    ],
)
def test_on_the_whole_value(name: str, value: Any, expected: bool) -> None:
    assert getattr(predicates, name)(value) is expected
    assert getattr(predicates, name)(message=value) is expected
    assert getattr(predicates, twin_of(name))(node_args=value) is expected


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("fieldExist", {"key": "none"}, True),
        ("fieldExist", {"key": "nope"}, False),
        ("fieldExist", {"key": ["map", "a", "b", 1]}, True),
        ("fieldExist", {"key": ["map", "a", "b", 2]}, False),
        ("fieldExist", {"key": ["map", "a", "b", -1]}, True),
        ("fieldExist", {"key": ["map", "a", "b", True]}, False),
        ("fieldExist", {"key": ["map", "a", "b", "1"]}, False),
        ("fieldExist", {"key": ["name", 0]}, True),
        ("fieldExist", {"key": ["name", -1]}, True),
        ("fieldExist", {"key": ["name", 7]}, False),
        ("fieldExist", {"key": ["name", "0"]}, False),
        ("fieldExist", {"key": ["name", True]}, False),
        ("fieldEqual", {"key": ["name", 0], "value": "s"}, True),
        ("fieldEqual", {"key": ["list", 1, "deep", -1], "value": "e"}, True),
        ("fieldExist", {"key": []}, True),
        ("fieldExist", {"key": [["map"]]}, False),
        ("fieldExist", {"key": {}}, False),
        ("fieldNone", {"key": "none"}, True),
        ("fieldNone", {"key": "nope"}, False),
        ("fieldNone", {"key": "n"}, False),
        ("fieldBool", {"key": "yes"}, True),
        ("fieldBool", {"key": "n"}, False),
        ("fieldInt", {"key": "n"}, True),
        ("fieldInt", {"key": "yes"}, False),
        ("fieldFloat", {"key": "x"}, True),
        ("fieldFloat", {"key": "n"}, False),
        ("fieldStr", {"key": "name"}, True),
        ("fieldStr", {"key": "n"}, False),
        ("fieldList", {"key": "list"}, True),
        ("fieldList", {"key": "map"}, False),
        ("fieldDict", {"key": "map"}, True),
        ("fieldDict", {"key": "list"}, False),
        ("fieldDict", {"key": "nope"}, False),
        ("fieldEqual", {"key": "n", "value": 3}, True),
        ("fieldEqual", {"key": "n", "value": "3"}, False),
        ("fieldEqual", {"key": "none", "value": None}, True),
        ("fieldEqual", {"key": "nope", "value": None}, False),
        ("fieldEqual", {"key": ["list", 1, "deep"], "value": "value"}, True),
        ("fieldEqual", {"key": ["map", "a"], "value": {"b": [10, 20]}}, True),
        ("fieldNotEqual", {"key": "n", "value": 4}, True),
        ("fieldNotEqual", {"key": "n", "value": 3}, False),
        ("fieldNotEqual", {"key": "n", "value": "3"}, True),
        ("fieldNotEqual", {"key": "nope", "value": 3}, False),
        ("fieldGreater", {"key": "n", "value": 2}, True),
        ("fieldGreater", {"key": "n", "value": 3}, False),
        ("fieldGreater", {"key": "n", "value": "2"}, False),
        ("fieldGreater", {"key": "nope", "value": -1}, False),
        ("fieldGreaterEqual", {"key": "n", "value": 3}, True),
        ("fieldGreaterEqual", {"key": "n", "value": 4}, False),
        ("fieldLess", {"key": "x", "value": 2}, True),
        ("fieldLess", {"key": "x", "value": 1.5}, False),
        ("fieldLess", {"key": "none", "value": 1}, False),
        ("fieldLessEqual", {"key": "x", "value": 1.5}, True),
        ("fieldLessEqual", {"key": "x", "value": 1}, False),
        ("fieldContain", {"key": "name", "value": "lino"}, True),
        ("fieldContain", {"key": "name", "value": "x"}, False),
        ("fieldContain", {"key": "name", "value": 1}, False),
        ("fieldContain", {"key": "list", "value": 1}, True),
        ("fieldContain", {"key": "map", "value": "a"}, True),
        ("fieldContain", {"key": "map", "value": ["a"]}, False),
        ("fieldContain", {"key": "n", "value": 3}, False),
        ("fieldLenEqual", {"key": "name", "length": 7}, True),
        ("fieldLenEqual", {"key": "name", "length": 6}, False),
        ("fieldLenEqual", {"key": "n", "length": 1}, False),
        ("fieldLenEqual", {"key": "nope", "length": 0}, False),
        ("fieldLenNotEqual", {"key": "list", "length": 1}, True),
        ("fieldLenNotEqual", {"key": "list", "length": 2}, False),
        ("fieldLenNotEqual", {"key": "n", "length": 1}, False),
        ("fieldLenGreater", {"key": "list", "length": 1}, True),
        ("fieldLenGreater", {"key": "list", "length": 2}, False),
        ("fieldLenGreater", {"key": "list", "length": "1"}, False),
        ("fieldLenGreaterEqual", {"key": "list", "length": 2}, True),
        ("fieldLenGreaterEqual", {"key": "list", "length": 3}, False),
        ("fieldLenLess", {"key": "map", "length": 2}, True),
        ("fieldLenLess", {"key": "map", "length": 1}, False),
        ("fieldLenLessEqual", {"key": "map", "length": 1}, True),
        ("fieldLenLessEqual", {"key": "map", "length": 0}, False),
        ("fieldUrlScheme", {"key": "url", "scheme": "https"}, True),
        ("fieldUrlScheme", {"key": "url", "scheme": "http"}, False),
        ("fieldUrlNetloc", {"key": "url", "netloc": "example.com:8080"}, True),
        ("fieldUrlNetloc", {"key": "url", "netloc": "example.com"}, False),
        ("fieldUrlPath", {"key": "url", "path": "/a/b"}, True),
        ("fieldUrlPath", {"key": "url", "path": "/a"}, False),
        ("fieldUrlPath", {"key": "n", "path": ""}, False),
        ("fieldUrlPath", {"key": "nope", "path": ""}, False),
    ],
)
def test_on_a_field(name: str, args: dict[str, Any], expected: bool) -> None:
    assert getattr(predicates, name)(message=DOCUMENT, **args) is expected
    assert getattr(predicates, twin_of(name))(node_args=DOCUMENT, **args) is expected


def test_an_invalid_url_is_no_url() -> None:
    assert predicates.fieldUrlNetloc({"u": "http://[::1"}, "u", "") is False


def test_the_path_of_a_url_ends_before_its_parameters() -> None:
    document = {"u": "http://h/x;y?z#w"}
    assert predicates.fieldUrlPath(document, "u", "/x") is True
    assert predicates.fieldUrlPath(document, "u", "/x;y") is False


@pytest.mark.parametrize("name", [name for name in ON_MESSAGE if name.startswith("field")])
def test_what_a_foreign_object_raises_is_false(name: str) -> None:
    for message in ({"k": Raising()}, {"k": "http://h/x"}, {"k": "http://[::1"}, RaisingMapping()):
        given = {arg: "k" if arg == "key" else Raising() for arg in PREDICATES[name].args}
        result = getattr(predicates, name)(message, **given)
        assert result is True or result is False
        assert getattr(predicates, twin_of(name))(message, **given) is result


def test_constants() -> None:
    assert predicates.alwaysTrue() is True
    assert predicates.alwaysFalse() is False


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELINON_SOME", "")
    monkeypatch.delenv("SELINON_OTHER", raising=False)
    assert predicates.envExist("SELINON_SOME") is True
    assert predicates.envExist("SELINON_OTHER") is False
    assert predicates.envExist(3) is False
    assert predicates.envExist("\ud800") is False
    assert predicates.envEqual("SELINON_SOME", "") is True
    assert predicates.envEqual("SELINON_SOME", None) is False
    assert predicates.envEqual("SELINON_OTHER", None) is False


class Raising:
    """Raises whatever is asked of it."""

    def __len__(self) -> int:
        raise RuntimeError("len")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    __hash__ = None  # type: ignore[assignment]


class RaisingMapping(dict[str, Any]):
    """A mapping as lazy ones are: looking into it may raise anything."""

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError("getitem")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
some_values = json_values | st.just(DOCUMENT) | st.builds(Raising) | st.tuples(json_values)
some_keys = st.sampled_from(sorted(DOCUMENT)) | json_values


@given(name=st.sampled_from(ON_MESSAGE), value=some_values, data=st.data())
def test_never_raises_and_twins_agree(name: str, value: Any, data: st.DataObject) -> None:
    args = {arg: data.draw(some_keys if arg == "key" else some_values, label=arg) for arg in PREDICATES[name].args}
    result = getattr(predicates, name)(value, **args)
    assert result is True or result is False
    assert getattr(predicates, twin_of(name))(value, **args) is result


@given(value=json_values, other=json_values)
def test_equal_and_not_equal_are_opposites_on_a_field_that_exists(value: Any, other: Any) -> None:
    message = {"k": value}
    assert predicates.fieldEqual(message, "k", other) is not predicates.fieldNotEqual(message, "k", other)


def path_to_a_leaf(value: Any) -> list[Any]:
    if isinstance(value, dict) and value:
        key = next(iter(value))
        return [key, *path_to_a_leaf(value[key])]
    if isinstance(value, list) and value:
        return [len(value) - 1, *path_to_a_leaf(value[-1])]
    return []


@given(value=json_values)
def test_every_path_into_a_value_exists(value: Any) -> None:
    path = path_to_a_leaf(value)
    assert predicates.fieldExist(value, path) is True
    assert predicates.fieldExist(value, [*path, "x"]) is False


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response({"/ok": 200, "/base/ok": 204, "/": 418}.get(self.path, 404))
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("host", "path", "status", "expected"),
    [
        ("{}", "/ok", 200, True),
        ("{}", "ok", 200, True),
        ("http://{}", "/ok", 200, True),
        ("http://{}/base", "/ok", 204, True),
        ("http://{}/base/", "ok", 204, True),
        ("{}", "", 418, True),
        ("{}", "/nope", 200, False),
        ("{}", "/nope", 404, True),
        ("{}", "/ok", "200", False),
        ("{}", "/o k", 200, False),
        ("https://{}", "/ok", 200, False),
        ("ftp://{}", "/ok", 200, False),
        ("", "/ok", 200, False),
        ("http://{}:x", "/ok", 200, False),
        (None, None, None, False),
    ],
)
def test_http_status(server: str, host: Any, path: Any, status: Any, expected: bool) -> None:
    host = host.format(server) if isinstance(host, str) else host
    assert predicates.httpStatus(host=host, path=path, status=status) is expected


def test_http_status_of_a_closed_port_is_false() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _Answer) as closed:
        host = f"127.0.0.1:{closed.server_port}"
    assert predicates.httpStatus(host, "/ok", 200) is False
