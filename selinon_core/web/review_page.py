"""The page of what waits for people: each with a form made of the schema of what it waits for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from selinon_core.web.markup import Markup, tag

#: The types of properties that have a field of their own.
_FIELDS = {"string", "number", "integer", "boolean"}


def review_main(waits: Sequence[Mapping[str, Any]], next: str | None, acts: bool) -> Markup:
    """The tasks that wait, the longest first. ``acts``: the viewer may answer them."""
    items: Sequence[Markup] = [_wait(wait, acts) for wait in waits]
    if not items:
        items = [tag("p", "Nothing waits for an answer.", class_="muted")]
    more = None if next is None else tag("p", tag("a", "More", href=f"review?cursor={next}"))
    return tag("section", tag("h2", "Needs review"), *items, more, aria_label="Needs review")


def _wait(wait: Mapping[str, Any], acts: bool) -> Markup:
    heading = wait["title"] or wait["node"]
    until = "" if wait["deadline"] is None else f", until {_time(wait['deadline'])}"
    facts = tag(
        "p",
        f"{wait['node']} of {wait['flow']}, run ",
        tag("a", tag("code", wait["run"][:8]), href=f"runs/{wait['run']}"),
        f", since {_time(wait['since'])}{until}",
        class_="muted",
    )
    form = _form(wait) if acts else tag("p", "Operators can answer it.", class_="muted")
    return tag("article", tag("h3", heading), facts, form, class_="wait")


def _form(wait: Mapping[str, Any]) -> Markup:
    schema = wait["schema"]
    properties = simple_properties(schema)
    if properties is None:
        text = "" if schema is None else json.dumps(schema, indent=2, ensure_ascii=False)
        fields = [
            tag("label", "Value (JSON) ", tag("textarea", "null", name="value", rows=4, data_json=True)),
            tag("details", tag("summary", "Its schema"), tag("pre", text)) if text else None,
        ]
    else:
        required = schema.get("required", ())
        fields = [tag("p", _field(name, each, name in required)) for name, each in properties.items()]
    buttons = tag(
        "p",
        tag("button", "Send", type="submit", class_="primary"),
        tag("label", "Why ", tag("input", name="reject", type="text", maxlength=1000, autocomplete="off")),
        tag("button", "Reject", type="button", data_reject=True),
        class_="buttons",
    )
    answer = tag("p", role="status", class_="answer")
    return tag("form", *fields, buttons, answer, data_run=wait["run"], data_node=wait["id"], class_="live")


def simple_properties(schema: Any) -> Mapping[str, Any] | None:
    """The properties of an object whose fields a form has; None for any other schema."""
    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        return None
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return None
    if not set(schema.get("required", ())) <= properties.keys():
        return None  # a form could not give what has no field
    return properties if all(_is_simple(each) for each in properties.values()) else None


def _is_simple(schema: Any) -> bool:
    if not isinstance(schema, Mapping):
        return False
    choices = schema.get("enum")
    if isinstance(choices, list):
        return all(isinstance(each, str | int | float | bool) for each in choices)
    kind = schema.get("type")
    return isinstance(kind, str) and kind in _FIELDS


def _field(name: str, schema: Mapping[str, Any], required: bool) -> Markup:
    about = {"data_field": name, "required": required, "title": schema.get("description")}
    label = f"{schema.get('title') or name}{'' if required else ' (optional)'} "
    choices = schema.get("enum")
    if isinstance(choices, list):
        options = [tag("option", str(each), value=json.dumps(each)) for each in choices]
        empty = None if required else tag("option", "", value="")
        return tag("label", label, tag("select", empty, *options, data_type="enum", **about))
    kind = schema["type"]
    if kind == "boolean":
        options = [
            tag("option", text, value=value) for text, value in (("", ""), ("yes", "true"), ("no", "false"))
        ]
        return tag("label", label, tag("select", *options, data_type="enum", **about))
    if kind == "string":
        return tag("label", label, tag("input", type="text", data_type="string", **about))
    step = "1" if kind == "integer" else "any"
    return tag("label", label, tag("input", type="number", step=step, data_type="number", **about))


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
