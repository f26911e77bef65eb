"""Credentials are references, come from where the operator allows, go only to their hosts, and are never shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import credentials
from providers.credentials import Secret, hosts_of, is_allowed, names_credential, problems
from providers.schemas import validate_configuration
from providers.settings import ProviderSettings, resolve
from tests.providers.makers import ALLOW_LIST, CANARY, GATEWAY, VARIABLE

STORED = {**GATEWAY, "authentication": {"type": "bearer_token", "token_secret": "gateway-token"}}
HOSTS = frozenset({"gateway.example.com:443"})


def resolved(
    configuration: dict[str, Any],
    *,
    secrets: dict[str, Secret] | None = None,
    environment: dict[str, str] | None = None,
    allow_list: tuple[str, ...] = ALLOW_LIST,
) -> ProviderSettings:
    return resolve(
        provider_id="p",
        tenant_id=1,
        provider_type="WHATSAPP",
        configuration=configuration,
        secrets=secrets or {},
        allow_list=allow_list,
        environment=environment or {},
    )


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"token": CANARY}, "token"),
        ({"authentication": {"type": "bearer_token", "token": CANARY}}, "authentication.token"),
        ({"smtp": {"password": CANARY}}, "smtp.password"),
        ({"apiKey": CANARY}, "apiKey"),
        ({"x-api-key": CANARY}, "x-api-key"),
        ({"API_KEY": CANARY}, "API_KEY"),
        ({"authToken": CANARY}, "authToken"),
        ({"secret_access_key": CANARY}, "secret_access_key"),
        ({"clientSecret": CANARY}, "clientSecret"),
        ({"headers": [{"Authorization": CANARY}]}, "headers.0.Authorization"),
        ({"passwords": [CANARY]}, "passwords.0"),
        ({"pin": {"password": 123456}}, "pin.password"),
        ({"note": f"Bearer {CANARY}"}, "note"),
        ({"note": "-----BEGIN PRIVATE KEY-----\nMIIE"}, "note"),
        ({"note": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc"}, "note"),
        ({"api_url": f"https://user:{CANARY}@gateway.example.com"}, "api_url"),
        ({"api_url": "https://canary-0f3a9c@gateway.example.com"}, "api_url"),
        ({"api_url": f"https://gateway.example.com/?api_key={CANARY}", "path": ""}, "api_url"),
        ({"api_url": f"https://gateway.example.com/?sig={CANARY}", "path": ""}, "api_url"),
    ],
)
def test_a_plaintext_credential_is_refused_with_its_path_and_not_repeated(changes: dict[str, Any], path: str) -> None:
    found = validate_configuration("WHATSAPP", {**GATEWAY, **changes}, allow_list=ALLOW_LIST)
    assert "credential" in dict(found)[path]
    assert "canary" not in repr(found)


def test_a_credential_in_any_wrong_place_is_never_repeated() -> None:
    for key in (*GATEWAY, "retry", "batch", "response_fields", "error_codes", "path", "html", "surprise"):
        for value in (CANARY, {"a": CANARY}, [CANARY], {"b": [CANARY]}):
            found = validate_configuration("WHATSAPP", {**GATEWAY, key: value}, allow_list=ALLOW_LIST)
            assert CANARY not in repr(found), key


@pytest.mark.parametrize("key", ["to", "sender_id", "monkey", "keyboard", "path", "bot_name", "region", "keynote"])
def test_innocent_keys_are_left_alone(key: str) -> None:
    assert not names_credential(key)


@pytest.mark.parametrize(
    ("allow_list", "variable", "allowed"),
    [
        (["PRISM_PROVIDER_*"], "PRISM_PROVIDER_X", True),
        (["PRISM_PROVIDER_*"], "SECRET_KEY", False),
        (["PRISM_PROVIDER_*"], "XPRISM_PROVIDER_X", False),
        (["BLIP_TOKEN"], "BLIP_TOKEN", True),
        (["BLIP_TOKEN"], "BLIP_TOKEN_2", False),
        (["BLIP_*@gateway.example.com"], "BLIP_X", True),
        (["BLIP_*@gateway.example.com:443"], "BLIP_X", True),
        (["BLIP_*@Gateway.Example.com"], "BLIP_X", True),
        (["BLIP_*@gateway.example.com:8443"], "BLIP_X", False),
        (["BLIP_*@example.com"], "BLIP_X", False),
        (["BLIP_*@other.example.com", "BLIP_X"], "BLIP_X", True),
        (["*"], "SECRET_KEY", False),
        (["*@gateway.example.com"], "SECRET_KEY", False),
        ([], "BLIP_TOKEN", False),
    ],
)
def test_only_variables_on_the_operators_list_may_be_named(allow_list: list[str], variable: str, allowed: bool) -> None:
    assert is_allowed(variable, HOSTS, allow_list) is allowed


def test_a_variable_off_the_list_is_refused_at_save_and_not_read_later() -> None:
    configuration = {**GATEWAY, "authentication": {"type": "bearer_token", "token_env_var": "SECRET_KEY"}}
    found = dict(validate_configuration("SMS", configuration, allow_list=ALLOW_LIST))
    assert "operator's list" in found["authentication.token_env_var"]
    settings = resolved(configuration, environment={"SECRET_KEY": CANARY})
    assert settings.credentials == {}
    assert "operator's list" in (settings.problem or "")


@pytest.mark.parametrize("name", ["", "A B", "A=B", "É", 7, None, ["A"]])
def test_what_is_no_variable_name_is_refused(name: Any) -> None:
    found = dict(problems({"token_env_var": name}, allow_list=["*", "A*"]))
    assert found["token_env_var"]


def test_a_variable_is_read_into_its_path() -> None:
    settings = resolved(GATEWAY, environment={VARIABLE: CANARY})
    assert settings.credentials == {"authentication.token": CANARY}
    assert settings.problem is None


@pytest.mark.parametrize("environment", [{}, {VARIABLE: ""}])
def test_a_missing_variable_is_this_providers_problem_and_nobody_elses(environment: dict[str, str]) -> None:
    settings = resolved(GATEWAY, environment=environment)
    assert settings.problem == f"authentication.token_env_var: the environment variable {VARIABLE} is not set"


@pytest.mark.parametrize("value", ["a\nb", "token\n", "a\x00b", "olá"])
def test_a_value_that_no_header_may_hold_is_a_problem_and_not_shown(value: str) -> None:
    settings = resolved(GATEWAY, environment={VARIABLE: value})
    assert "line break" in (settings.problem or "")
    assert value not in (settings.problem or "")
    assert settings.credentials == {}


def test_a_stored_secret_is_read_where_it_was_entered_for_these_hosts() -> None:
    settings = resolved(STORED, secrets={"gateway-token": Secret(CANARY, HOSTS)})
    assert settings.credentials == {"authentication.token": CANARY}
    assert settings.problem is None


def test_a_changed_host_asks_for_the_secret_again() -> None:
    moved = {**STORED, "api_url": "https://evil.example.com"}
    settings = resolved(moved, secrets={"gateway-token": Secret(CANARY, HOSTS)})
    assert settings.credentials == {}
    assert "evil.example.com:443" in (settings.problem or "")
    assert resolved(STORED, secrets={"gateway-token": Secret(CANARY, frozenset())}).problem is not None


def test_a_secret_that_is_not_there_is_told_at_save_and_at_run_time() -> None:
    found = dict(validate_configuration("SMS", STORED, allow_list=ALLOW_LIST, known_secrets=["other"]))
    assert "no stored secret" in found["authentication.token_secret"]
    assert validate_configuration("SMS", STORED, allow_list=ALLOW_LIST, known_secrets=["gateway-token"]) == []
    assert "gateway-token" in (resolved(STORED).problem or "")


@pytest.mark.parametrize(
    ("configuration", "hosts"),
    [
        ({"api_url": "https://Gateway.Example.com/x"}, {"gateway.example.com:443"}),
        ({"api_url": "http://gateway.example.com.:80"}, {"gateway.example.com:80"}),
        ({"api_url": "https://a.example.com:8443", "x": [{"fcm_url": "https://b.example.com"}]},
         {"a.example.com:8443", "b.example.com:443"}),
        ({"smtp": {"host": "smtp.Example.com", "port": 587}}, {"smtp.example.com:587"}),
        ({"smtp": {"host": "smtp.example.com"}}, {"smtp.example.com"}),
        ({"api_url": "https://[::1]:9/"}, {"::1:9"}),
        ({"api_url": "https://x:notaport/"}, set()),
        ({"name": "no address"}, set()),
    ],
)  # fmt: skip
def test_the_hosts_of_a_configuration_are_found(configuration: dict[str, Any], hosts: set[str]) -> None:
    assert hosts_of(configuration) == hosts


def test_no_text_form_shows_a_secret() -> None:
    settings = resolved(GATEWAY, environment={VARIABLE: CANARY})
    shown = f"{settings!r} {settings} {Secret(CANARY, HOSTS)!r} {[settings]} {credentials.references(GATEWAY)}"
    assert CANARY not in shown
    assert "authentication.token" in shown


@given(
    st.recursive(st.none() | st.text(max_size=30), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_any_configuration_can_be_searched(value: Any) -> None:
    configuration = {"x": value}
    assert isinstance(hosts_of(configuration), frozenset)
    assert isinstance(problems(configuration, allow_list=ALLOW_LIST), list)


def test_a_json_document_and_a_public_key_may_have_line_breaks() -> None:
    stored = {"gateway-token": Secret('{\n  "a": "é\\nb",\n  "n": 1\n}\n', HOSTS)}
    assert resolved(STORED, secrets=stored).credentials == {"authentication.token": '{"a":"\\u00e9\\nb","n":1}'}
    key = {"gateway-token": Secret("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n", HOSTS)}
    value = resolved(STORED, secrets=key).credentials["authentication.token"]
    assert value == "-----BEGIN PUBLIC KEY----- MFkw -----END PUBLIC KEY-----"


@pytest.mark.parametrize(
    "value",
    ['{"a": 1}\nX-Injected: 1', "{\n", "a\nb", "-----BEGIN PRIVATE KEY-----\nMIIE\n", "{" * 5000 + "\n"],
)
def test_no_other_credential_may(value: str) -> None:
    settings = resolved(STORED, secrets={"gateway-token": Secret(value, HOSTS)})
    assert "line break" in str(settings.problem)


def test_addresses_that_nothing_is_sent_to_bind_no_credential() -> None:
    assert (
        hosts_of({"webhook_url": "https://us.example", "list_unsubscribe": {"url": "https://us.example/out"}}) == set()
    )
    assert hosts_of({"deep": {"webhook_url": "https://us.example"}}) == {"us.example:443"}
