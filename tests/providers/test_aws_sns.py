"""AWS SNS: the signed form that goes out for every key, and what each answer means; with moto and botocore."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import boto3
import msgspec
import pytest
from botocore.model import StructureShape
from botocore.parsers import QueryParser
from moto.server import ThreadedMotoServer
from moto.sns.models import sns_backends

from providers.messages import WireRequest
from providers.outcomes import Kind, Outcome
from providers.registry import TRANSPORTS, transport_for
from providers.schemas import validate_configuration
from providers.transports import Checkable, Unsendable
from providers.wire import Wire
from tests.providers import makers
from tests.providers.makers import answer, message, settings
from tests.providers.wire.hostile import exchange

TRANSPORT = TRANSPORTS["aws_sns"]
SEED: dict[str, Any] = json.loads(
    """{
    "provider_vendor": "aws_sns",
    "region": "us-east-1",
    "access_key_id_env_var": "AWS_ACCESS_KEY_ID",
    "secret_access_key_env_var": "AWS_SECRET_ACCESS_KEY",
    "sender_id": "iFood",
    "sms_type": "Transactional",
    "max_price": "0.50"
}"""
)
LEAST = {key: SEED[key] for key in list(SEED)[:5]}
NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
TAKEN = (
    f'<PublishResponse xmlns="{NAMESPACE}"><PublishResult><MessageId>94f20ce6-13c5-43a0-9a9e-ca52d816e90b</MessageId>'
    "</PublishResult><ResponseMetadata><RequestId>f187a3c1</RequestId></ResponseMetadata></PublishResponse>"
)


def refused(code: str, words: str) -> str:
    return (
        f'<ErrorResponse xmlns="{NAMESPACE}">\n  <Error>\n    <Type>Sender</Type>\n    <Code>{code}</Code>\n'
        f"    <Message>{words}</Message>\n  </Error>\n  <RequestId>r-1</RequestId>\n</ErrorResponse>\n"
    )


def build(configuration: dict[str, Any] = LEAST, **fields: Any) -> WireRequest:
    return TRANSPORT.build(settings(configuration, "SMS"), [message(**fields)])


def parse(status: int, body: str) -> Outcome:
    (outcome,) = TRANSPORT.parse(settings(SEED, "SMS"), [message()], answer(status, body.encode()))
    return outcome


def problems_of(configuration: dict[str, Any]) -> dict[str, str]:
    return dict(validate_configuration("SMS", configuration, allow_list=makers.ALLOW_LIST))


def test_the_seeds_example_is_taken_as_it_stands() -> None:
    assert problems_of(SEED) == {}
    assert transport_for("SMS", SEED) is TRANSPORT
    assert TRANSPORT.example == SEED


def test_the_seeds_example_makes_this_request() -> None:
    request = build(SEED, to="+55 31 98888-9999", body="Olá Ana & cia")
    assert (request.method, request.url) == ("POST", "https://sns.us-east-1.amazonaws.com/")
    assert request.headers[0] == "Content-Type: application/x-www-form-urlencoded; charset=utf-8"
    assert request.body == (
        b"Action=Publish&Version=2010-03-31&PhoneNumber=%2B5531988889999&Message=Ol%C3%A1%20Ana%20%26%20cia"
        b"&MessageAttributes.entry.1.Name=AWS.SNS.SMS.SMSType&MessageAttributes.entry.1.Value.DataType=String"
        b"&MessageAttributes.entry.1.Value.StringValue=Transactional"
        b"&MessageAttributes.entry.2.Name=AWS.SNS.SMS.SenderID&MessageAttributes.entry.2.Value.DataType=String"
        b"&MessageAttributes.entry.2.Value.StringValue=iFood"
        b"&MessageAttributes.entry.3.Name=AWS.SNS.SMS.MaxPrice&MessageAttributes.entry.3.Value.DataType=Number"
        b"&MessageAttributes.entry.3.Value.StringValue=0.50"
    )
    signing = request.signing
    assert signing is not None
    assert (signing.region, signing.service) == ("us-east-1", "sns")
    assert (signing.access_key_id, signing.secret_access_key) == (makers.CANARY, makers.CANARY)


@pytest.mark.parametrize(
    ("changes", "attributes"),
    [
        ({}, ["AWS.SNS.SMS.SenderID=iFood"]),
        ({"sms_type": "Promotional"}, ["AWS.SNS.SMS.SMSType=Promotional", "AWS.SNS.SMS.SenderID=iFood"]),
        ({"max_price": "1"}, ["AWS.SNS.SMS.SenderID=iFood", "AWS.SNS.SMS.MaxPrice=1"]),
        (
            {"origination_number": "+5511999999999"},
            ["AWS.SNS.SMS.SenderID=iFood", "AWS.MM.SMS.OriginationNumber=+5511999999999"],
        ),
    ],
)
def test_each_attribute_is_sent_where_it_is_given(changes: dict[str, str], attributes: list[str]) -> None:
    fields = dict(parse_qsl(build({**LEAST, **changes}).body.decode()))
    sent: list[str] = []
    while f"MessageAttributes.entry.{len(sent) + 1}.Name" in fields:
        entry = f"MessageAttributes.entry.{len(sent) + 1}"
        sent.append(f"{fields[f'{entry}.Name']}={fields[f'{entry}.Value.StringValue']}")
    assert sent == attributes


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({"region": "sa-east-1"}, "https://sns.sa-east-1.amazonaws.com/"),
        ({"region": "us-gov-west-1"}, "https://sns.us-gov-west-1.amazonaws.com/"),
        ({"region": "cn-north-1"}, "https://sns.cn-north-1.amazonaws.com.cn/"),
        (
            {"api_url": "https://vpce-1.sns.us-east-1.vpce.amazonaws.com"},
            "https://vpce-1.sns.us-east-1.vpce.amazonaws.com/",
        ),
    ],
)
def test_region_and_address_make_the_url(changes: dict[str, str], url: str) -> None:
    assert problems_of({**LEAST, **changes}) == {}
    assert build({**LEAST, **changes}).url == url


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"region": "us-east-1.evil.com/x"}, "region"),
        ({"region": "useast1"}, "region"),
        ({"sender_id": "12345"}, "sender_id"),
        ({"sender_id": "x"}, "sender_id"),
        ({"sender_id": "iFood Growth"}, "sender_id"),
        ({"sms_type": "Marketing"}, "sms_type"),
        ({"max_price": "a lot"}, "max_price"),
        ({"max_price": 0.5}, "max_price"),
        ({"origination_number": "x"}, "origination_number"),
        ({"idempotent": True}, "idempotent"),
        ({"secret_access_key_secret": "also"}, "secret_access_key_secret"),
        ({"access_key_id": "AKIA"}, "access_key_id"),
    ],
)
def test_what_sns_would_refuse_is_told_by_its_path(changes: dict[str, Any], path: str) -> None:
    assert list(problems_of({**LEAST, **changes})) == [path]


def test_both_halves_of_the_credential_are_needed() -> None:
    for key in ("access_key_id_env_var", "secret_access_key_env_var"):
        assert list(problems_of({name: value for name, value in LEAST.items() if name != key})) == [key]


def test_a_media_file_is_linked_below_the_text() -> None:
    fields = dict(parse_qsl(build(body="Oi ", media_url="https://cdn.example.com/a.png").body.decode()))
    assert fields["Message"] == "Oi\nhttps://cdn.example.com/a.png"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"to": "nobody"}, "INVALID_NUMBER"),
        ({"body": " "}, "NO_CONTENT"),
        ({"body": "x" * 1601}, "CONTENT_TOO_LONG"),
        ({"body": "x" * 1590, "media_url": "https://cdn.example.com/a.png"}, "CONTENT_TOO_LONG"),
    ],
)
def test_what_cannot_be_sent_is_refused_without_a_request(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unsendable, match=reason):
        build(**fields)


NUMBER = "Invalid parameter: PhoneNumber Reason: +5511 is not valid to publish to"
TABLE = [
    (200, TAKEN, Kind.ACCEPTED, ""),
    (200, "<PublishResponse/>", Kind.UNKNOWN, "NO_MESSAGE_ID"),
    (200, "<html>", Kind.UNKNOWN, "NO_MESSAGE_ID"),
    (400, refused("InvalidParameter", NUMBER), Kind.RECIPIENT_INVALID, "INVALID_NUMBER"),
    (400, refused("InvalidParameter", "Invalid parameter: Message too long"), Kind.REJECTED, "CONTENT_TOO_LONG"),
    (400, refused("InvalidParameter", "Invalid parameter: Empty message"), Kind.REJECTED, "INVALID_PARAMETER"),
    (400, refused("InvalidParameter", "SenderId is not allowed"), Kind.CONFIGURATION, "SENDER_REFUSED"),
    # Of the sender's number: every contact would else be taken for dead.
    (400, refused("InvalidParameter", "Origination phone number x"), Kind.CONFIGURATION, "SENDER_REFUSED"),
    (400, refused("ParameterValueInvalid", "Bad MaxPrice"), Kind.CONFIGURATION, "SPENDING_LIMIT"),
    (400, refused("ValidationException", "x"), Kind.REJECTED, "INVALID_PARAMETER"),
    (400, refused("InvalidParameter", "Phone number is opted out"), Kind.OPTED_OUT, "OPTED_OUT"),
    (400, refused("OptedOut", "x"), Kind.OPTED_OUT, "OPTED_OUT"),
    (400, refused("Throttling", "Rate exceeded"), Kind.DEFERRED, "RATE_LIMITED"),
    (429, refused("ThrottledException", "Rate exceeded"), Kind.DEFERRED, "RATE_LIMITED"),
    (429, refused("Throttled", "Rate exceeded"), Kind.DEFERRED, "RATE_LIMITED"),
    (403, refused("AuthorizationError", "not authorized to perform: SNS:Publish"), Kind.CONFIGURATION, "FORBIDDEN"),
    (403, refused("InvalidSecurity", "x"), Kind.CONFIGURATION, "UNAUTHORIZED"),
    (403, refused("InvalidClientTokenId", "x"), Kind.CONFIGURATION, "UNAUTHORIZED"),
    (403, refused("SignatureDoesNotMatch", "x"), Kind.CONFIGURATION, "UNAUTHORIZED"),
    (400, refused("RequestExpired", "x"), Kind.CONFIGURATION, "CLOCK_IS_WRONG"),
    (403, refused("KMSOptInRequired", "x"), Kind.CONFIGURATION, "KMS"),
    (404, refused("NotFound", "x"), Kind.CONFIGURATION, "NOT_FOUND"),
    (500, refused("InternalError", "x"), Kind.DEFERRED, "SERVER_ERROR"),
    (503, refused("ServiceUnavailable", "x"), Kind.DEFERRED, "UNAVAILABLE"),
    (400, refused("Brand.New", "x"), Kind.REJECTED, "AWS_SNS_BRAND_NEW"),
    (500, refused("Brand.New", "x"), Kind.UNKNOWN, "AWS_SNS_BRAND_NEW"),
    (500, "<html>down</html>", Kind.UNKNOWN, "HTTP_500"),
    (502, "<html>down</html>", Kind.UNKNOWN, "BAD_GATEWAY"),
    (503, "<html>down</html>", Kind.DEFERRED, "UNAVAILABLE"),
    (504, "", Kind.UNKNOWN, "GATEWAY_TIMEOUT"),
]


@pytest.mark.parametrize(("status", "body", "kind", "reason"), TABLE)
def test_each_answer_has_its_outcome(status: int, body: str, kind: Kind, reason: str) -> None:
    outcome = parse(status, body)
    assert (outcome.kind, outcome.reason) == (kind, reason)
    if kind is Kind.ACCEPTED:
        assert outcome.message_id == "94f20ce6-13c5-43a0-9a9e-ca52d816e90b"


def test_amazons_own_parser_reads_the_same_in_every_error() -> None:
    for status, body, _kind, _reason in TABLE:
        if "<ErrorResponse" in body:
            given = {"status_code": status, "headers": {}, "body": body.encode()}
            theirs = QueryParser().parse(given, StructureShape("Nothing", {"type": "structure", "members": {}}))
            outcome = parse(status, body)
            assert theirs["Error"]["Message"] == outcome.error
            assert theirs["Error"]["Code"] in str(outcome.response)


def test_the_words_of_an_error_are_kept_and_its_credentials_are_not() -> None:
    assert parse(400, refused("InvalidParameter", "a &lt;b&gt; &amp; c")).error == "a <b> & c"
    outcome = parse(403, refused("SignatureDoesNotMatch", f"for {makers.CANARY}"))
    assert makers.CANARY not in json.dumps([outcome.error, outcome.response])


@pytest.fixture(scope="module")
def cloud() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire(allow_private=True)
    yield wire
    wire.close()


def test_a_copy_of_the_service_takes_our_request_and_reads_it_as_amazons_own(wire: Wire, cloud: str) -> None:
    own = settings({**SEED, "api_url": cloud}, "SMS")
    given = message(to="31 98888-9999", body="Olá Ana & cia ☕")
    (outcome,) = TRANSPORT.parse(own, [given], exchange(wire, TRANSPORT.build(own, [given])))
    assert outcome.kind is Kind.ACCEPTED
    theirs = boto3.client(
        "sns", region_name="us-east-1", endpoint_url=cloud, aws_access_key_id="x", aws_secret_access_key="y"
    )
    theirs.publish(PhoneNumber="+5531988889999", Message="Olá Ana & cia ☕")
    backend = sns_backends["123456789012"]["us-east-1"]
    sent = {message_id: (number, text) for message_id, (number, text, *_) in backend.sms_messages.items()}
    assert outcome.message_id in sent
    assert set(sent.values()) == {("+5531988889999", "Olá Ana & cia ☕")}


def test_its_refusals_are_understood(wire: Wire, cloud: str) -> None:
    own = settings({**SEED, "api_url": cloud}, "SMS")
    request = TRANSPORT.build(own, [message()])
    bad = msgspec.structs.replace(request, body=request.body.replace(b"%2B5511988887777", b"NAA%2B15551234567"))
    (outcome,) = TRANSPORT.parse(own, [message()], exchange(wire, bad))
    assert outcome.kind is Kind.RECIPIENT_INVALID, outcome


def test_health_is_asked_and_read(wire: Wire, cloud: str) -> None:
    assert isinstance(TRANSPORT, Checkable)
    own = settings({**SEED, "api_url": cloud}, "SMS")
    request = TRANSPORT.health_request(own)
    assert request is not None
    assert TRANSPORT.read_health(own, exchange(wire, request)).ok
    for status, code, verdict in [
        (403, "AuthorizationError", "FORBIDDEN"),
        (403, "InvalidClientTokenId", "UNAUTHORIZED"),
        (500, "InternalError", "VENDOR_ERROR"),
        (400, "Throttling", "VENDOR_ERROR"),
        (400, "InvalidParameter", "UNEXPECTED"),
    ]:
        assert TRANSPORT.read_health(own, answer(status, refused(code, "x").encode())).code == verdict
