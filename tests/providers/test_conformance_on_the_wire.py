"""What every vendor in the registry must hold to against a vendor that misbehaves: grouping, asking, building, the real
wire, the simulator, parsing. What differs by vendor is declared in tests/providers/vendors."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from providers.messages import Message
from providers.outcomes import Kind, Outcome
from providers.registry import TRANSPORTS
from providers.sandbox.dialects import DIALECTS
from providers.sandbox.messages import Request
from providers.schemas import validate_configuration
from tests.providers import declarations, makers
from tests.providers.declarations import EXPECTED, SENDS_NOTHING, SILENCES, Declaration
from tests.providers.delivering import Delivery
from tests.providers.sandbox.simulator import Simulator
from tests.providers.wire.certificates import Certificate

VENDORS = sorted(set(TRANSPORTS) - SENDS_NOTHING)
SEVERAL = ("accept", "reject", "accept", "invalid", "accept", "opted-out", "accept")
BODIES = {
    "unicode": "Olá, João! ação ÿ 漢字 مرحبا",
    "emoji": "🙈👩‍👩‍👧‍👦🏳️‍🌈",
    "controls": "one\r\ntwo\ttab \x00 nul \x1b",
    "headers": "x\r\nX-Injected: 1\r\n\r\nGET / HTTP/1.1",
    "markup": "<b>&amp;\"'</b> {{x}} %0d%0a &To=+551",
    "empty": "",
    "long": "palavra " * 625,
}


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    return {vendor: declarations.of(vendor).told for vendor in VENDORS if declarations.is_declared(vendor)}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("mail"), "mx.example.com")


@pytest.fixture(scope="module")
def simulator(told: dict[str, str], certificate: Certificate) -> Iterator[Simulator]:
    dialects = {**DIALECTS, **{vendor: declarations.of(vendor).dialect for vendor in told}}
    with Simulator(told, dialects=dialects, echo=True, mail_certificate=certificate.both_file) as simulator:
        yield simulator


@pytest.fixture
def delivery(certificate: Certificate) -> Iterator[Delivery]:
    with Delivery(certificate.file) as delivery:
        yield delivery


@pytest.fixture(params=VENDORS)
def declared(request: pytest.FixtureRequest) -> Declaration:
    return declarations.of(request.param)


def message(declared: Declaration, behaviour: str, **changes: object) -> Message:
    given = {"to": declared.address(behaviour), "channel": declared.provider_type, "subject": "Oferta"}
    return makers.message(dispatch_id=str(uuid.uuid4()), **{**given, **declared.fields, **changes})


def told_of(outcome: Outcome) -> str:
    """All that is stored, published or shown of an outcome."""
    return json.dumps([outcome.reason, outcome.error, outcome.message_id, outcome.response], ensure_ascii=False)


@pytest.mark.parametrize("vendor", sorted(TRANSPORTS))
def test_every_vendor_has_its_declaration(vendor: str) -> None:
    assert makers.of_vendor(vendor) is not None, f"tests/providers/vendors/{vendor}.py is missing"
    assert vendor in SENDS_NOTHING or declarations.of(vendor).dialect.name


def test_a_declared_configuration_is_one_that_could_be_saved(declared: Declaration) -> None:
    settings = declared.settings("http://127.0.0.1:1")
    assert settings.problem is None
    problems = validate_configuration(
        declared.provider_type,
        settings.configuration,
        allow_list=list(makers.variables_of(settings.configuration).values()),
        allow_private=True,
    )
    assert problems == []


@pytest.mark.parametrize("behaviour", [each for each in EXPECTED if each not in SILENCES])
def test_every_behaviour_has_its_outcome(
    declared: Declaration, behaviour: str, simulator: Simulator, delivery: Delivery
) -> None:
    before = len(simulator.taken)
    settings = declared.settings(simulator.url_for(declared.vendor))
    (outcome,) = delivery.deliver(settings, [message(declared, behaviour)])
    kind, reason = declared.outcome_of(behaviour)
    assert (outcome.kind, outcome.reason if reason is not None else None) == (kind, reason), outcome
    taken = len(simulator.taken) - before
    assert taken in (0, 1)
    if taken:
        assert outcome.kind in (Kind.ACCEPTED, Kind.UNKNOWN), "what was taken would be sent again, or called lost"
    else:
        assert outcome.kind is not Kind.ACCEPTED
    if outcome.kind is Kind.ACCEPTED:
        assert outcome.message_id == declared.message_id(simulator.taken[-1])
    for secret in settings.credentials.values():
        assert secret not in told_of(outcome)
    assert makers.CANARY not in told_of(outcome)


def test_silence_is_unknown_and_never_sent_again(
    declared: Declaration, simulator: Simulator, delivery: Delivery
) -> None:
    delivery.deliver(
        declared.settings(simulator.url_for(declared.vendor)), [message(declared, "accept")]
    )  # whatever is asked first, is
    settings = declared.settings(simulator.url_for(declared.vendor), timeout_ms=600, connect_timeout_ms=600)
    for silence in SILENCES:
        (outcome,) = delivery.deliver(settings, [message(declared, silence)])
        assert (outcome.kind, outcome.reason) == declared.outcome_of(silence), outcome


def test_a_wait_that_the_vendor_asks_for_is_told(
    declared: Declaration, simulator: Simulator, delivery: Delivery
) -> None:
    (outcome,) = delivery.deliver(declared.settings(simulator.url_for(declared.vendor)), [message(declared, "429")])
    assert outcome.retry_after is not None
    assert 0 < outcome.retry_after <= declared.longest_wait_s


@pytest.mark.parametrize("name", BODIES)
def test_any_text_arrives_or_is_refused_before_it_leaves(
    declared: Declaration, name: str, simulator: Simulator, delivery: Delivery
) -> None:
    body = BODIES[name]
    fields: dict[str, Any] = {
        "body": body,
        "subject": body[:200],
        "variables": {"a": body[:100]},
        "correlation_id": body[:100],
    }
    fields |= {"template_code": None}
    before, asked = len(simulator.taken), len(simulator.requests)
    (outcome,) = delivery.deliver(
        declared.settings(simulator.url_for(declared.vendor)), [message(declared, "accept", **fields)]
    )
    for request in simulator.requests[asked:]:
        assert_well_formed(request)
    if len(simulator.taken) == before:
        assert outcome.kind is Kind.REJECTED, outcome
        assert outcome.reason.isupper()
    else:
        assert outcome.kind is Kind.ACCEPTED, outcome


def assert_well_formed(request: Request) -> None:
    """Whatever was in the message, it is one request with the headers that we meant."""
    assert request.field("x-injected") == ""
    assert request.field("user-agent").startswith("prism/")
    kind = request.field("content-type").partition(";")[0]
    if kind == "application/json" and request.body:
        json.loads(request.body)
    elif kind == "application/x-www-form-urlencoded":
        assert parse_qs(request.body.decode("ascii"), strict_parsing=True)


@pytest.mark.parametrize(
    "to", ["", " ", "nobody", "not an address\r\nX-Injected: 1", "@", "+", "\x00", "🙈", "0" * 400]
)
def test_what_is_no_address_is_refused_before_or_by_the_vendor(
    declared: Declaration, to: str, simulator: Simulator, delivery: Delivery
) -> None:
    (outcome,) = delivery.deliver(
        declared.settings(simulator.url_for(declared.vendor)), [message(declared, "accept", to=to)]
    )
    assert outcome.kind in (Kind.RECIPIENT_INVALID, Kind.REJECTED, Kind.ACCEPTED), outcome


def test_each_message_of_several_has_its_own_outcome(
    declared: Declaration, simulator: Simulator, delivery: Delivery
) -> None:
    """In one request where the vendor takes several, and never two outcomes exchanged."""
    settings = declared.settings(
        simulator.url_for(declared.vendor), **getattr(makers.of_vendor(declared.vendor), "BATCH", {})
    )
    names = getattr(makers.of_vendor(declared.vendor), "SEVERAL", SEVERAL)
    messages = [message(declared, name) for name in names]
    before = len(simulator.taken)
    outcomes = delivery.deliver(settings, messages)
    for name, outcome in zip(names, outcomes, strict=True):
        assert outcome.kind is declared.outcome_of(name)[0], (name, outcome)
    accepted = [outcome.message_id for outcome in outcomes if outcome.kind is Kind.ACCEPTED]
    assert len(accepted) == len(set(accepted)) == len(simulator.taken) - before


def test_a_batch_is_one_request(declared: Declaration, simulator: Simulator, delivery: Delivery) -> None:
    settings = declared.settings(
        simulator.url_for(declared.vendor), **getattr(makers.of_vendor(declared.vendor), "BATCH", {})
    )
    count = min(20, declared.transport.batch_size_of(settings))
    assert count == 1 or not declared.goes_by_mail, "each e-mail goes alone"
    delivery.deliver(settings, [message(declared, "accept")])  # whatever is asked first, is
    before = len(simulator.requests)
    outcomes = delivery.deliver(settings, [message(declared, "accept") for _ in range(count)])
    assert [outcome.kind for outcome in outcomes] == [Kind.ACCEPTED] * count
    assert len(simulator.requests) == before + (not declared.goes_by_mail)


def test_wrong_credentials_are_a_matter_of_configuration(
    declared: Declaration, delivery: Delivery, told: dict[str, str], certificate: Certificate
) -> None:
    if not declared.told:
        return
    other = told[declared.vendor].replace("A", "B").replace("a", "b").replace("c", "d")
    dialects = {**DIALECTS, declared.vendor: declared.dialect}
    with Simulator({declared.vendor: other}, dialects=dialects, mail_certificate=certificate.both_file) as strict:
        (outcome,) = delivery.deliver(declared.settings(strict.url_for(declared.vendor)), [message(declared, "accept")])
        assert outcome.kind is Kind.CONFIGURATION, outcome
        assert strict.taken == []
