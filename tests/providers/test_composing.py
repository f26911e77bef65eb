"""Between a configuration and its form nothing is lost, and nothing is said that nobody said."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from providers.composing import compose, values_of
from providers.configuration_fields import fields_of
from providers.registry import TRANSPORTS
from providers.schema_nodes import Unsupported, groups_of, leaves_of
from providers.schemas import validate_configuration
from providers.variables import choices_with_other, variable_choices
from tests.providers.makers import ALLOW_LIST, GATEWAY, VARIABLE

SCHEMA = TRANSPORTS["gateway"].schema
NUMBERS = st.integers(100, 30_000)
CODES = st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=9), max_size=3)
OPTIONAL = {
    "path": st.sampled_from(["", "/send", "/v2/send"]),
    "health_url": st.just("https://gateway.example.com/health"),
    "idempotent": st.booleans(),
    "html": st.booleans(),
    "concurrency": st.integers(1, 512),
    "timeout_ms": NUMBERS,
    "retry": st.fixed_dictionaries({}, optional={"max_attempts": st.integers(1, 20), "base_delay_ms": NUMBERS}),
    "error_codes": st.fixed_dictionaries({}, optional={"opted_out": CODES, "deferred": CODES}),
    "batch": st.fixed_dictionaries({"max_messages": st.integers(2, 100)}, optional={"path": st.just("/bulk")}),
    "response_fields": st.fixed_dictionaries({}, optional={"message_id": st.just("data.id")}),
}
TOKENS = st.sampled_from(
    [
        {"type": "none"},
        {"type": "bearer_token", "token_env_var": VARIABLE},
        {"type": "header", "header_name": "X-Key", "token_secret": "my-token"},
    ]
)


@given(st.fixed_dictionaries({}, optional=OPTIONAL), TOKENS)
def test_a_form_that_is_saved_untouched_says_the_same(more: dict[str, Any], token: dict[str, Any]) -> None:
    configuration = {**GATEWAY, **more, "authentication": token}
    again = compose(SCHEMA, values_of(SCHEMA, configuration), provider_type="EMAIL", before=configuration)
    assert again == configuration


def test_an_empty_form_says_who_its_vendor_is_and_no_more() -> None:
    assert compose(SCHEMA, values_of(SCHEMA, {}), provider_type="SMS", before={}) == {
        "provider_vendor": "gateway",
        "authentication": {},
    }


def test_what_is_not_shown_is_not_said() -> None:
    configuration = {**GATEWAY, "html": True}
    values = values_of(SCHEMA, configuration) | {"configuration__authentication__type": "none"}
    composed = compose(SCHEMA, values, provider_type="SMS", before=configuration)
    assert composed == {**GATEWAY, "authentication": {"type": "none"}}
    assert validate_configuration("SMS", composed, allow_list=ALLOW_LIST) == []


def test_two_references_to_one_credential_are_one_field() -> None:
    (token,) = [one for one in leaves_of(SCHEMA) if one.kind == "credential" and one.path[0] == "authentication"]
    assert token.path == ("authentication", "token")
    assert token.sources == ("_env_var", "_secret")


def test_a_credential_may_itself_be_called_a_secret() -> None:
    part = {"app_secret_env_var": {"type": "string"}, "app_secret_secret": {"type": "string"}}
    (leaf,) = leaves_of({"type": "object", "properties": part})
    assert (leaf.path, leaf.sources) == (("app_secret",), ("_env_var", "_secret"))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "array", "items": {"type": "object"}},
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "object"}},
        {"oneOf": []},
        {"type": ["string"]},
    ],
)
def test_a_schema_that_no_form_is_made_of_is_a_loud_error(part: dict[str, Any]) -> None:
    with pytest.raises(Unsupported):
        groups_of({"type": "object", "properties": {"odd": part}})


FREE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "headers": {"type": "object", "additionalProperties": {"type": "string"}, "title": "Headers"},
        "meanings": {"type": "object", "additionalProperties": {"enum": ["a", "b"]}, "title": "Meanings"},
        "body": {"type": ["object", "array"], "x-json": True, "title": "Body"},
    },
}
WORD = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), min_size=1, max_size=9)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=9,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "headers": st.dictionaries(WORD, WORD | st.sampled_from(["", "a: b", "{{to}}"]), max_size=4),
            "meanings": st.dictionaries(WORD, st.sampled_from(["a", "b"]), max_size=4),
            "body": st.dictionaries(st.text(max_size=5), JSON, max_size=3),
        },
    )
)
def test_free_keys_are_lines_and_anything_is_json(configuration: dict[str, Any]) -> None:
    again = compose(FREE, values_of(FREE, configuration), provider_type="SMS", before=configuration)
    assert again == configuration


def test_free_keys_and_json_are_read_as_they_are_typed() -> None:
    typed = {
        "configuration__headers": " X-Way : fast\n\nX-Empty:\n",
        "configuration__meanings": "21610: a",
        "configuration__body": '{"to": "{{to}}"}',
    }
    composed = compose(FREE, typed, provider_type="SMS", before={})
    assert composed == {
        "headers": {"X-Way": "fast", "X-Empty": ""},
        "meanings": {"21610": "a"},
        "body": {"to": "{{to}}"},
    }
    assert compose(FREE, {}, provider_type="SMS", before={}) == {}


@pytest.mark.parametrize(
    ("name", "typed", "told"),
    [
        ("headers", "X-Way fast", "Line 1 needs a colon after the name."),
        ("headers", "X-Way: a\n: b", "Line 2 has no name before the colon."),
        ("headers", "X-Way: a\nX-Way: b", "“X-Way” is there twice."),
        ("body", "{to: 1}", "This is no JSON."),
        ("body", '{"a": NaN}', "This is no JSON."),
    ],
)
def test_what_is_typed_wrong_is_told_at_its_field(name: str, typed: str, told: str) -> None:
    (leaf,) = [leaf for leaf in leaves_of(FREE) if leaf.path == (name,)]
    ((_name, field),) = fields_of(leaf, {}, None)
    with translation.override("en"), pytest.raises(ValidationError) as caught:
        field.clean(typed)
    assert caught.value.messages == [told]


def test_variables_are_offered_by_name_and_never_by_value() -> None:
    environment = {"PRISM_PROVIDER_A": "canary", "SECRET_KEY": "canary", "BOT": ""}
    allowed = ["PRISM_PROVIDER_*", "BOT@api.telegram.org", "*"]
    shown = dict(variable_choices(allowed, "OLD_ONE", environment))
    assert set(shown) == {"BOT", "PRISM_PROVIDER_A", "OLD_ONE"}
    assert shown["BOT"] == "BOT @ api.telegram.org — not set in this process"
    assert "canary" not in str(choices_with_other(allowed, "", environment))
    assert choices_with_other(["BOT"], "", {})[-1][0] == "BOT", "without a prefix there is no other"
