"""``global.links``: from the YAML to the plan and through its JSON, and the addresses that templates give."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core.plan.json_form import plan_from_json, plan_to_json
from selinon_core.plan.link_templates import VALUES, address_of
from selinon_core.project import compile_text

FLOW = "tasks: [{name: A, import: m}]\nflow-definitions: [{name: f, edges: [{from: , to: A}]}]\n"


def test_links_are_in_the_plan_and_in_its_json() -> None:
    links = {"logs": "https://logs.example.com/?q={task_id}", "trace of it": "{TRACES}/{trace_id}"}
    plan = compile_text({"nodes.yaml": f"{FLOW}global: {json.dumps({'links': links})}\n"}).plan
    assert plan is not None
    assert plan.settings.links == links
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan


def test_plans_without_links_are_written_as_before() -> None:
    plan = compile_text({"nodes.yaml": FLOW}).plan
    assert plan is not None
    assert plan_to_json(plan)["version"] == 1
    assert "links" not in plan_to_json(plan)["settings"]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("javascript:alert(1)", "is not the address of a web server"),
        ("//logs.example.com/{task_id}", "is not the address of a web server"),
        ("{{x}}://e/{task_id}", "is not the address of a web server"),
        ("https://", "whose server is the same for all runs"),
        ("https://{task_name}.example.com/", "whose server is the same for all runs"),
        ("https://logs.example.com{task_id}", "whose server is the same for all runs"),
        ("https://e:{task_id}/", "whose server is the same for all runs"),
        ("https://e/a b", "whose server is the same for all runs"),
        ("https://e\\@f/{task_id}", "whose server is the same for all runs"),
        ("{task_id}", "begins with a value of a run"),
        ("https://e/?q={task}", 'has an unknown value "{task}"'),
        ("", "must not be empty"),
        (7, "has to be a URL"),
    ],
)
def test_a_wrong_template_is_a_mistake_at_its_place(template: object, said: str) -> None:
    found = compile_text({"nodes.yaml": f"{FLOW}global: {json.dumps({'links': {'logs': template}})}\n"})
    assert found.plan is None
    (mistake,) = found.diagnostics
    assert said in mistake.message
    assert 'link "logs"' in mistake.message
    assert mistake.span.line == 3


def test_an_unknown_value_is_answered_with_what_was_meant() -> None:
    found = compile_text({"nodes.yaml": f'{FLOW}global: {{links: {{logs: "https://e/?q={{task_ids}}"}}}}\n'})
    (mistake,) = found.diagnostics
    assert 'did you mean "task_id"' in mistake.help
    assert "environment variables are written in upper case" in mistake.note


@pytest.mark.parametrize("name", ["", " logs", "x" * 33, "a\nb"])
def test_the_name_of_a_link_is_short_text(name: str) -> None:
    found = compile_text({"nodes.yaml": f"{FLOW}global: {json.dumps({'links': {name: 'https://e/'}})}\n"})
    assert found.plan is None


def test_variables_are_put_in_as_they_are_and_values_are_encoded() -> None:
    values = {"task_id": "a/b?c=d&e#f g", "task_name": "Ship"}
    address = address_of("{LOGS}/{task_name}?q={task_id}&{{x}}", values, {"LOGS": "https://e:8/x?y=1#"})
    assert address == "https://e:8/x?y=1#/Ship?q=a%2Fb%3Fc%3Dd%26e%23f%20g&{x}"


@pytest.mark.parametrize("start", ["javascript:alert(1)//", "https:", "", "file://e", "https://e\n", "https://a@"])
def test_a_variable_cannot_make_another_kind_of_address(start: str) -> None:
    assert address_of("{LOGS}{task_id}", {"task_id": "evil.example.com"}, {"LOGS": start}) is None


def test_what_is_missing_leaves_the_link_out() -> None:
    assert address_of("https://e/{trace_id}", {"trace_id": None}, {}) is None
    assert address_of("https://e/{trace_id}", {}, {}) is None
    assert address_of("https://e/{LOGS}", {}, {}) is None


@given(
    st.sampled_from(["https://e/{}", "https://e?q={}", "http://u@e:1/#{}", "{{HOST}}{}", "{{HOST}}/a?b={}&c"]),
    st.sampled_from(VALUES),
    st.text() | st.sampled_from(["@evil", "/../", "\\evil", ":80", "%2F", "//evil", "\r\nX: y", "?q=", "#"]),
)
def test_no_value_changes_where_an_address_leads(template: str, name: str, value: str) -> None:
    environ = {"HOST": "https://logs.example.com"}
    address = address_of(
        template.replace("{}", "{" + name + "}").replace("{{", "{").replace("}}", "}"), {name: value}, environ
    )
    if address is None:  # the value would be a part of the server
        assert "{{HOST}}{}" in template
        return
    parts = urlsplit(address)
    assert parts.netloc in ("e", "u@e:1", "logs.example.com")
    assert address.isprintable()
    if "q=" in template:
        assert parse_qs(parts.query, keep_blank_values=True) == {"q": [value]}
