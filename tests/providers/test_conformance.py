"""What every vendor in the registry must hold to, whatever else it does."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.messages import Message, WireRequest
from providers.models import Provider
from providers.outcomes import Kind
from providers.provider_forms import fits, schema_form
from providers.registry import TRANSPORTS, transport_for
from providers.schema_nodes import leaves_of
from providers.schemas import translated_schema, validate_configuration
from providers.settings import ProviderSettings
from providers.transports import Asking, Checkable, Transport, Unsendable
from tests.providers import makers

VENDORS = sorted(TRANSPORTS)
TYPES = ("WHATSAPP", "EMAIL", "SMS", "PUSH", "TELEGRAM", "AI_AGENT", "Carrier Pigeon/2")
TEXT = st.text(max_size=50)
MESSAGES = st.builds(
    Message,
    dispatch_id=st.uuids().map(str),
    to=TEXT,
    body=TEXT,
    subject=st.none() | TEXT,
    template_code=st.none() | TEXT,
    variables=st.dictionaries(TEXT, TEXT, max_size=4),
    media_url=st.none() | TEXT,
    channel=st.sampled_from(TYPES),
    correlation_id=TEXT,
    trace_id=st.none() | TEXT,
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
TELLING_KEYS = ("messageId", "message_id", "id", "status", "error", "code", "message", "retryable", "retryAfter")
TELLING = st.dictionaries(st.sampled_from(TELLING_KEYS), JSON_VALUES | st.sampled_from(["failed", "SENT", "OPTED_OUT"]))
BODIES = st.binary(max_size=400) | (TELLING | JSON_VALUES | st.lists(TELLING, max_size=3)).map(
    lambda value: json.dumps(value).encode("utf-8", "surrogatepass")
)


def objects_of(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    if schema.get("type") == "object" and "properties" in schema:  # else its keys are free
        yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from objects_of(inner, (*path, name))


def problems_of(transport: Transport, configuration: dict[str, Any]) -> list[tuple[str, str]]:
    allowed = list(makers.variables_of(configuration).values())
    return validate_configuration(makers.type_of(transport.vendor), configuration, allow_list=allowed)


def built(transport: Transport, settings: ProviderSettings, message: Message) -> WireRequest:
    """Whatever the vendor must be asked first is known."""
    if not isinstance(transport, Asking):
        return transport.build(settings, [message])
    known = {question.key: "known-1" for question in transport.questions(settings, [message])}
    return transport.build_knowing(settings, [message], known)


def built_or_refused(transport: Transport, settings: ProviderSettings, message: Message) -> WireRequest | Unsendable:
    try:
        return built(transport, settings, message)
    except Unsendable as refusal:
        return refusal


def good_message(vendor: str) -> Message:
    to = getattr(makers.of_vendor(vendor), "ADDRESS", "+5511900001111")
    return makers.message(to=to, subject="Oferta", body="private words")


@pytest.fixture(params=VENDORS)
def transport(request: pytest.FixtureRequest) -> Transport:
    return TRANSPORTS[request.param]


def test_its_example_is_accepted(transport: Transport) -> None:
    assert problems_of(transport, transport.example) == []
    assert transport_for(makers.type_of(transport.vendor), transport.example) is transport


def test_its_schema_refuses_unknown_keys_everywhere_and_titles_every_field(transport: Transport) -> None:
    for path, part in objects_of(transport.schema):
        assert part["additionalProperties"] is False, path
        assert all(inner.get("title") for inner in part["properties"].values()), path


def test_what_its_form_calls_usual_is_what_a_provider_gets_that_says_nothing(transport: Transport) -> None:
    properties, settings = transport.schema["properties"], makers.example_settings(transport)
    for key, used in (
        ("concurrency", settings.concurrency),
        ("timeout_ms", settings.timeout_ms),
        ("connect_timeout_ms", settings.connect_timeout_ms),
    ):
        if key in properties and key not in transport.example:
            assert properties[key]["default"] == used, key


def test_an_unknown_key_is_named_by_its_path(transport: Transport) -> None:
    for path, _part in objects_of(transport.schema):
        configuration = copy.deepcopy(transport.example)
        inner = configuration
        for step in path:
            inner = inner.setdefault(step, {})
        inner["surprise"] = 1
        assert ".".join([*path, "surprise"]) in dict(problems_of(transport, configuration))


def test_its_schema_can_be_shown_as_json(transport: Transport) -> None:
    assert json.loads(json.dumps(translated_schema(transport.vendor))) == transport.schema


def test_its_form_shows_all_that_its_example_says(transport: Transport) -> None:
    provider = Provider(provider_type=makers.type_of(transport.vendor), configuration=transport.example)
    assert fits(transport.vendor, provider)
    names = list(schema_form(transport.vendor, provider).base_fields)
    for leaf in leaves_of(transport.schema):
        assert any(name == leaf.name or name.startswith(f"{leaf.name}__") for name in names), leaf.dotted


def test_its_health_is_asked_for_without_a_message_and_read_without_a_fault(transport: Transport) -> None:
    if not isinstance(transport, Checkable):
        return
    settings = makers.example_settings(transport)
    request = transport.health_request(settings)
    posts = getattr(makers.of_vendor(transport.vendor), "HEALTH_POSTS", False)
    in_body = getattr(makers.of_vendor(transport.vendor), "HEALTH_IN_BODY", False)
    assert request is None or posts or (request.method in ("GET", "HEAD") and request.body == b"")
    for status in (200, 204, 301, 400, 401, 403, 404, 418, 429, 500, 503):
        verdict = transport.read_health(settings, makers.answer(status, f"no {makers.CANARY}\x00".encode()))
        assert verdict.ok or status >= 300 or posts or in_body
        assert makers.CANARY not in verdict.detail
        assert "\x00" not in verdict.detail


@pytest.mark.parametrize("provider_type", TYPES)
def test_it_knows_where_an_address_stands(transport: Transport, provider_type: str) -> None:
    assert transport.address_attribute(provider_type).isidentifier()


@pytest.mark.parametrize("vendor", VENDORS)
@given(message=MESSAGES, provider_type=st.sampled_from(TYPES), is_good=st.booleans())
def test_any_message_becomes_a_request_that_the_wire_takes(
    vendor: str, message: Message, provider_type: str, is_good: bool
) -> None:
    transport = TRANSPORTS[vendor]
    if transport.provider_types is not None:
        provider_type = makers.type_of(vendor)
    settings = makers.example_settings(transport, provider_type)
    if is_good:
        message = msgspec.structs.replace(message, to=good_message(vendor).to)
    request = built_or_refused(transport, settings, message)
    if isinstance(request, Unsendable):
        assert request.kind in (Kind.REJECTED, Kind.RECIPIENT_INVALID)
        assert request.reason.isupper()
        return
    assert request == built(transport, settings, message)
    assert all(line.isascii() and line.isprintable() and ": " in line for line in request.headers)
    assert request.url.isascii()
    assert request.url.isprintable()
    if "Content-Type: application/json" in request.headers:
        assert isinstance(json.loads(request.body), dict | list)
    if getattr(makers.of_vendor(vendor), "ECHOES", True):
        assert message.dispatch_id in "".join(request.headers) + request.body.decode()


@pytest.mark.parametrize("vendor", VENDORS)
@given(body=BODIES, status=st.integers(100, 599), size=st.integers(1, 3), retry_after=st.none() | st.text(max_size=10))
def test_any_answer_becomes_one_outcome_per_message(
    vendor: str, body: bytes, status: int, size: int, retry_after: str | None
) -> None:
    transport = TRANSPORTS[vendor]
    settings = makers.example_settings(transport)
    messages = [makers.message()] * min(size, transport.batch_size)
    headers = {} if retry_after is None else {"retry-after": retry_after}
    outcomes = transport.parse(settings, messages, makers.answer(status, body, headers))
    assert len(outcomes) == len(messages)
    for outcome in outcomes:
        assert (outcome.kind is Kind.ACCEPTED) == (outcome.message_id is not None)
        assert (outcome.kind is Kind.ACCEPTED) == (outcome.reason == "")
        assert outcome.kind is not Kind.NOT_SENT, "a complete answer says that something left"
        assert len(outcome.reason) <= 50
        assert len(outcome.error or "") <= 500
        assert outcome.retry_after is None or outcome.retry_after >= 0
        text = json.dumps(outcome.response, allow_nan=False)
        # A backslash that stands for itself is written twice: what is left escapes something.
        shown = (text + json.dumps([outcome.error, outcome.message_id])).replace("\\\\", "")
        assert "\\u0000" not in shown
        text.encode()


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_good_message_is_sent(vendor: str) -> None:
    transport = TRANSPORTS[vendor]
    request = built(transport, makers.example_settings(transport), good_message(vendor))
    assert b"private" in request.body


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_credential_that_the_vendor_echoes_is_kept_nowhere(vendor: str) -> None:
    transport = TRANSPORTS[vendor]
    settings = makers.example_settings(transport)
    message = good_message(vendor)
    for secret in settings.credentials.values():
        quoted = json.dumps(secret)[1:-1]
        for status in (200, 401, 429, 500):
            for said in (quoted, quoted.replace("/", "\\/")):
                for body in (f'{{"error":"bad token {said}"}}', f'{{"id":"{said}"}}', f"<html>{said}"):
                    for outcome in transport.parse(settings, [message], makers.answer(status, body.encode())):
                        shown = json.dumps([outcome.error, outcome.message_id, outcome.response], ensure_ascii=False)
                        assert makers.CANARY not in shown
                        assert said not in shown


@pytest.mark.parametrize("vendor", VENDORS)
def test_nothing_that_holds_a_credential_or_a_person_shows_it(vendor: str) -> None:
    transport = TRANSPORTS[vendor]
    settings = makers.example_settings(transport)
    message = good_message(vendor)
    request = built(transport, settings, message)
    shown = repr([settings, message, request, makers.answer(200, request.body)])
    for secret in (*settings.credentials.values(), message.to, "private words"):
        assert secret not in shown
