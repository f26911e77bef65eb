"""A wrong configuration is refused with the path of what is wrong, and without repeating any value."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.credentials import references
from providers.registry import TRANSPORTS
from providers.schemas import translated_schema, validate_configuration
from providers.wire.targets import target_of
from tests.providers import makers
from tests.providers.makers import ALLOW_LIST, GATEWAY, VARIABLE

TOKEN = {"type": "bearer_token", "token_env_var": VARIABLE}


def problems(provider_type: str = "WHATSAPP", /, **changes: Any) -> dict[str, str]:
    configuration = {key: value for key, value in {**GATEWAY, **changes}.items() if value is not None}
    return dict(validate_configuration(provider_type, configuration, allow_list=ALLOW_LIST))


def test_a_right_configuration_has_no_problems() -> None:
    assert problems() == {}
    everything = {
        "path": "/v2/send",
        "idempotent": True,
        "concurrency": 8,
        "timeout_ms": 9_000,
        "connect_timeout_ms": 2_000,
        "retry": {"max_attempts": 5, "base_delay_ms": 10, "max_delay_ms": 20},
        "response_fields": {"message_id": "data.id", "status": "state", "error": "errors.0"},
        "error_codes": {"opted_out": ["STOP"], "deferred": ["BUSY"]},
        "batch": {"max_messages": 100, "path": "/v2/bulk"},
        "html": True,
    }
    assert problems("EMAIL", **everything) == {}


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"provider_vendor": "pigeon"}, "provider_vendor", "known vendors: aws_sns, blip, console, "),
        ({"provider_vendor": ["gateway"]}, "provider_vendor", "not known"),
        ({"api_url": None}, "api_url", "required"),
        ({"authentication": None}, "authentication", "required"),
        ({"concurency": 8}, "concurency", "did you mean concurrency?"),
        ({"xyzzy": 8}, "xyzzy", "known here: api_url, authentication"),
        ({"retry": {"max_atempts": 8}}, "retry.max_atempts", "max_attempts"),
        ({"concurrency": "8"}, "concurrency", "must be of the type integer"),
        ({"concurrency": True}, "concurrency", "must be of the type integer"),
        ({"concurrency": 0}, "concurrency", "must be 1 or more"),
        ({"timeout_ms": 999_999}, "timeout_ms", "must be 60000 or less"),
        ({"timeout_ms": 1_000, "connect_timeout_ms": 2_000}, "connect_timeout_ms", "not be longer than timeout_ms"),
        ({"retry": {"base_delay_ms": 60_000}}, "retry.max_delay_ms", "not be shorter"),
        ({"retry": []}, "retry", "must be of the type object"),
        ({"html": True}, "html", "EMAIL only"),
        ({"batch": {"max_messages": 1}}, "batch.max_messages", "must be 2 or more"),
        ({"batch": {"max_messages": 2}, "path": "/x"}, "batch.path", "is needed"),
        ({"path": "x"}, "path", "expected form"),
        ({"api_url": "gateway.example.com"}, "api_url", "such as https://gateway.example.com"),
        ({"api_url": "ftp://gateway.example.com"}, "api_url", "expected form"),
        ({"api_url": "https://gateway.example.com/a b"}, "api_url", "expected form"),
        ({"api_url": "https://gateway.example.com/?v=1"}, "api_url", "only where path is empty"),
        ({"api_url": "http://gateway.example.com"}, "api_url", "https://"),
        ({"api_url": "https://gatewäy.example.com"}, "api_url", "ASCII letters"),
        ({"api_url": "https://g\u0430teway.example.com:8443/x"}, "api_url", "ASCII letters"),
        ({"api_url": "https://gateway.example\uff0ecom"}, "api_url", "ASCII letters"),
        ({"api_url": "https://10.0.0.1\uff0f.example.com"}, "api_url", "ASCII letters"),
        ({"health_url": "https://gatewäy.example.com"}, "health_url", "ASCII letters"),
        ({"api_url": "https://10.0.0.1/"}, "api_url", "private address"),
        ({"api_url": "https://[::1]/"}, "api_url", "private address"),
        ({"error_codes": {"opted_out": [1]}}, "error_codes.opted_out.0", "must be of the type string"),
        ({"response_fields": {"message_id": "a..b"}}, "response_fields.message_id", "expected form"),
        ({"authentication": {"type": "bearer_token"}}, "authentication", "token_env_var or token_secret"),
        ({"authentication": {**TOKEN, "token_secret": "t"}}, "authentication.token_secret", "not both"),
        ({"authentication": {**TOKEN, "type": "none"}}, "authentication.token_env_var", "not used"),
        ({"authentication": {**TOKEN, "type": "header"}}, "authentication.header_name", "is needed"),
        ({"authentication": {**TOKEN, "header_name": "X"}}, "authentication.header_name", "header only"),
        (
            {"authentication": {**TOKEN, "type": "header", "header_name": "Host"}},
            "authentication.header_name",
            "set by Prism",
        ),
        ({"authentication": {**TOKEN, "type": "oauth"}}, "authentication.type", "must be one of: bearer_token"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(changes: dict[str, Any], path: str, words: str) -> None:
    found = problems(**changes)
    assert words in found[path]
    assert len(found) == 1


def test_a_type_without_a_vendor_of_its_own_needs_one_named() -> None:
    assert "missing" in problems("Carrier Pigeon", provider_vendor=None)["provider_vendor"]


@pytest.mark.parametrize("configuration", [None, [], "gateway", 3])
def test_what_is_no_object_is_refused(configuration: Any) -> None:
    assert [path for path, _ in validate_configuration("SMS", configuration, allow_list=[])] == [""]


def test_a_private_or_plain_address_is_fine_where_the_deployment_says_so() -> None:
    configuration = {**GATEWAY, "api_url": "http://127.0.0.1:8080"}
    assert validate_configuration("SMS", configuration, allow_list=ALLOW_LIST, allow_private=True) == []


@pytest.mark.parametrize("allow_private", [True, False])
def test_a_server_s_name_is_readable_whatever_the_deployment_sends_to(allow_private: bool) -> None:
    for name, is_fine in (("bücher.example", False), ("xn--bcher-kva.example", True)):
        configuration = {**GATEWAY, "api_url": f"https://{name}/send"}
        found = dict(validate_configuration("SMS", configuration, allow_list=ALLOW_LIST, allow_private=allow_private))
        assert ("api_url" in found) is not is_fine
        assert target_of(configuration["api_url"]).problem is None or not is_fine


# Where a part of an address comes from the configuration: the vendor's type, its key, a good value.
PARTS = [
    ("SMS", "twilio", "account_sid", "AC" + "0" * 32),
    ("WHATSAPP", "meta", "phone_number_id", "106540352242922"),
    ("WHATSAPP", "meta", "api_version", "v25.0"),
    ("WHATSAPP", "evolution", "instance", "growth"),
    ("PUSH", "fcm", "app_id", "my-app-prod"),
    ("SMS", "aws_sns", "region", "sa-east-1"),
]


@pytest.mark.parametrize(("provider_type", "vendor", "key", "good"), PARTS)
def test_no_part_of_an_address_leads_out_of_its_place(provider_type: str, vendor: str, key: str, good: str) -> None:
    example = {**TRANSPORTS[vendor].example, "provider_vendor": vendor}
    if vendor == "fcm":
        example.pop("fcm_url")

    def told(value: str) -> bool:
        allowed = [str(reference.name) for reference in references(example)]
        return key in dict(validate_configuration(provider_type, {**example, key: value}, allow_list=allowed))

    assert not told(good)
    for bad in (
        ".",
        "..",
        f"{good}/..",
        f"../{good}",
        f"{good}?x",
        f"{good}#x",
        f"{good}%2f..",
        f"{good}\\x",
        f"{good}\n",
    ):
        assert told(bad), bad


SILENT: list[tuple[str, str, dict[str, Any]]] = [
    ("console", "SMS", {"provider_vendor": "console"}),
    *((name, makers.type_of(name), TRANSPORTS[name].example) for name in ("aws_sns", "fcm", "telegram", "blip")),
    ("gateway", "SMS", GATEWAY),
    ("http", "SMS", {key: value for key, value in TRANSPORTS["http"].example.items() if key != "reports"}),
    ("meta", "WHATSAPP", {key: value for key, value in TRANSPORTS["meta"].example.items() if key != "webhook"}),
    ("sendgrid", "EMAIL", TRANSPORTS["sendgrid"].example),
    ("smtp", "EMAIL", TRANSPORTS["smtp"].example),
    ("twilio", "SMS", {**TRANSPORTS["twilio"].example, "features": {"delivery_receipts": False}}),
]
HEARD: list[tuple[str, str, dict[str, Any]]] = [
    *((name, makers.type_of(name), TRANSPORTS[name].example) for name in ("evolution", "expo", "http", "twilio")),
    ("gateway", "SMS", {**GATEWAY, "webhook": {"signing_key_env_var": VARIABLE}}),
    ("meta", "WHATSAPP", {**TRANSPORTS["meta"].example}),
    ("blip", "WHATSAPP", {**TRANSPORTS["blip"].example, "webhook": {"token_env_var": VARIABLE}}),
    *(
        (name, "EMAIL", {**TRANSPORTS[name].example, "event_webhook": {"key_env_var": VARIABLE}})
        for name in ("sendgrid", "smtp")
    ),
]


@pytest.mark.parametrize(("vendor", "kind", "configuration"), SILENT, ids=[one[0] for one in SILENT])
def test_a_time_for_reports_is_refused_where_none_can_come(
    vendor: str, kind: str, configuration: dict[str, Any]
) -> None:
    timed = {**configuration, "overdue_after_minutes": 30}
    assert "overdue_after_minutes" in dict(validate_configuration(kind, timed, allow_list=ALLOW_LIST))
    own = msgspec.structs.replace(makers.settings(timed, kind), webhook_url="https://prism.example/webhooks/p")
    assert not TRANSPORTS[vendor].awaits_reports(own), "written around the form it would call every message overdue"


@pytest.mark.parametrize(("vendor", "kind", "configuration"), HEARD, ids=[one[0] for one in HEARD])
def test_a_time_for_reports_is_taken_where_they_come(vendor: str, kind: str, configuration: dict[str, Any]) -> None:
    timed = {**configuration, "overdue_after_minutes": 30}
    assert validate_configuration(kind, timed, allow_list=ALLOW_LIST) == []
    assert TRANSPORTS[vendor].may_report(timed)


def test_every_problem_is_told_at_once() -> None:
    assert set(problems(api_url="nowhere", concurrency=0, xyzzy=1, retry={"max_attempts": 0})) == {
        "api_url",
        "concurrency",
        "xyzzy",
        "retry.max_attempts",
    }


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*GATEWAY, "retry", "batch", "path", "api_key", "x"]), JSON_VALUES))
def test_no_configuration_makes_the_check_fail(changes: dict[str, Any]) -> None:
    for configuration in (changes, {**GATEWAY, **changes}, {**changes, "provider_vendor": "gateway"}):
        for path, message in validate_configuration("SMS", configuration, allow_list=ALLOW_LIST):
            assert isinstance(path, str)
            assert message


def test_titles_come_in_the_language_of_the_reader() -> None:
    schema = translated_schema("gateway")
    schema["title"] = "changed"
    assert translated_schema("gateway")["title"] != "changed"
