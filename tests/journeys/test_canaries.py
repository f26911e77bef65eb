"""Secrets stay inside: searched for in everything that is stored, shown, answered or logged.

A canary is in every secret place of every vendor's configuration; messages then fail in every way at a vendor that
repeats what it was sent, connections are checked, vendors call.
"""

from __future__ import annotations

import base64
import binascii
import copy
import datetime as dt
import itertools
import json
import logging
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
import psycopg
import pytest
from django.db import connection as django_connection
from django.test import Client
from django.urls import NoReverseMatch
from pytest_django import Settings

from dispatching.database import connect
from dispatching.engine import Engine
from dispatching.models import Dispatch, SendBatch
from dispatching.triggers import Trigger, ledger_key
from ingestion.hearing import process_webhooks
from ingestion.models import WebhookCall
from providers import checking
from providers.credentials import ENV_VAR, SECRET, hosts_of, references
from providers.listeners import Listeners
from providers.models import Provider, ProviderSecret
from providers.probing import check_providers
from providers.registry import TRANSPORTS
from providers.sandbox.callbacks import Report
from providers.sandbox.callbacks.call import DELIVERED, OPTED_OUT
from providers.transports import Hearing
from tenants.keys import SCOPES, mint_key
from tenants.models import Role, Tenant
from tests.factories import (
    CampaignFactory,
    CampaignProviderTemplateFactory,
    MembershipFactory,
    ProviderFactory,
    ProviderSecretFactory,
    TenantFactory,
    UserFactory,
)
from tests.prism.pages import list_page, object_page, registered
from tests.providers import declarations, makers
from tests.providers.declarations import SENDS_NOTHING, Declaration
from tests.providers.sandbox.simulator import Simulator
from tests.providers.wire.certificates import Certificate
from tests.web import as_web_process

pytestmark = pytest.mark.django_db(transaction=True)

VENDORS = sorted(vendor for vendor in set(TRANSPORTS) - SENDS_NOTHING if declarations.is_declared(vendor))
BEHAVIOURS = (
    *("accept", "reject", "unauthorized", "invalid", "opted-out", "failed-in-200", "429", "500", "echo", "502"),
    *("503", "html", "no-id", "unicode-error", "cut"),
)
MARK = "cnry"
MOST_OF_A_KIND = 1
MOST = {"provider": 15, "dispatch": 30, "webhookcall": 10}


class Planted:
    """What must be nowhere: the mark that every canary begins with, and what has no mark in it because it is encoded
    or made of a secret."""

    def __init__(self) -> None:
        self.unmarked: set[str] = set()
        self.count = 0

    def grow(self, vendor: str, path: str, given: str) -> str:
        """A canary for this place: `given` where the vendor wants something of a certain form."""
        self.count += 1
        if given:
            self.add(given)
        return given or f"{MARK}{self.count}/{vendor}+{path.replace('_', '')}=Zq7"

    def add(self, secret: str) -> None:
        if secret.lstrip().startswith("{"):  # a document: what is secret in it is its key
            lines = str(json.loads(secret)["private_key"]).splitlines()[1:-1]
            self.unmarked |= {line[:40] for line in lines if len(line) > 40}
        elif MARK not in secret:
            self.unmarked.add(secret)

    def found_in(self, text: str) -> list[str]:
        """What stands around each, so that a person finds the place."""
        marks = [match.start() for match in re.finditer(MARK, text)][:5]
        found = [text[max(0, at - 200) : at + 60] for at in marks]
        return found + [value for value in self.unmarked if value in text]


@pytest.fixture
def planted() -> Planted:
    return Planted()


@pytest.fixture
def simulator(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    settings.OUTBOUND_ALLOW_PRIVATE = True
    settings.PUBLIC_URL = "https://prism.example"
    certificate = Certificate(tmp_path, "mx.example.com")  # a password leaves only to who proves who he is
    monkeypatch.setattr("certifi.where", lambda: str(certificate.file))
    with Simulator({}, echo=True, mail_certificate=certificate.both_file) as simulator:
        yield simulator


@pytest.fixture
def tenant(transactional_db: None) -> Tenant:
    made: Tenant = TenantFactory.create(slug="default")
    return made


def plant(
    declared: Declaration,
    url: str,
    tenant: Tenant,
    planted: Planted,
    *,
    stored: bool,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> Provider:
    """A provider at the simulator, each of its secrets a canary, from the environment or from encrypted rows."""
    configuration = copy.deepcopy(declared.simulated(url))
    kept: dict[str, str] = {}
    for number, reference in enumerate(references(configuration)):
        value = planted.grow(declared.vendor, reference.path, declared.credentials.get(reference.path, ""))
        if reference.path == "smtp.password":
            planted.unmarked |= logins(configuration["smtp"]["username"], value)
        *way, name = reference.path.split(".")
        part = configuration
        for step in way:
            part = part[step]
        if stored:
            del part[name + ENV_VAR]
            part[name + SECRET] = f"secret-{number}"
            kept[f"secret-{number}"] = value
        else:
            variable = f"PRISM_CANARY_{uuid.uuid4().hex.upper()}"
            part[name + ENV_VAR] = variable
            monkeypatch.setenv(variable, value)
    settings.PROVIDER_ENV_ALLOW_LIST = ["PRISM_CANARY_*"]
    provider: Provider = ProviderFactory.create(
        tenant=tenant,
        provider_type=declared.provider_type,
        provider_name=f"{declared.vendor} {uuid.uuid4().hex[:8]}",
        configuration=configuration,
    )
    for name, value in kept.items():
        hosts = sorted(hosts_of(configuration))
        ProviderSecretFactory.create(provider=provider, name=name, value=value, hosts=hosts)
    return provider


def logins(username: str, password: str) -> set[str]:
    """How SMTP writes a login: AUTH PLAIN, AUTH LOGIN."""
    return {base64.b64encode(each.encode()).decode() for each in (f"\0{username}\0{password}", password)}


def trigger_for(provider: Provider, declared: Declaration, behaviour: str) -> Trigger:
    """A campaign of this provider alone, and an event whose contact makes the simulator behave so."""
    campaign = CampaignFactory.create(tenant=provider.tenant, name=f"canary_{uuid.uuid4().hex}")
    CampaignProviderTemplateFactory.create(
        campaign_provider__campaign=campaign,
        campaign_provider__provider=provider,
        campaign_provider__order=1,
        template__subject="Oferta",
    )
    attribute = declared.transport.address_attribute(provider.provider_type)
    attributes = {
        "tax_identification": "12345678000190",
        "first_name": "Ana",
        "max_offer_value_formatted": "R$ 1",
        "credit_tax": "1%",
        attribute: declared.address(behaviour),
    }
    correlation, now = str(uuid.uuid4()), dt.datetime.now(dt.UTC)
    return Trigger(
        tenant_id=provider.tenant_id,
        source="triggers",
        key=ledger_key(provider.tenant_id, "triggers", correlation),
        journey_name=campaign.name,
        correlation_id=correlation,
        trace_id="trace-1",
        triggered_at=now,
        received_at=now,
        attributes=attributes,
        attributes_json=msgspec.json.encode(attributes).decode(),
        payload_digest=1,
    )


def send(triggers: list[Trigger]) -> None:
    """By an engine of this process; ends when each has had its first try."""
    engine = Engine("consumer")
    engine.start()
    opened: psycopg.Connection[Any] = connect("prism:test")
    try:
        with opened.transaction(), opened.cursor() as cursor:
            plan = engine.plan(cursor, triggers, dt.datetime.now(dt.UTC))
        engine.accept(plan)
        deadline = time.monotonic() + 60
        while SendBatch.objects.exists():
            assert time.monotonic() < deadline, "the first tries did not end"
            time.sleep(0.05)
    finally:
        opened.close()
        engine.stop(20)
    assert engine.failed is None


def call_us(provider: Provider, declared: Declaration, planted: Planted) -> None:
    """What the vendor reports: genuine, and what somebody else makes of it. The secret that we gave it is one too."""
    module: Any = makers.of_vendor(declared.vendor)
    with django_connection.cursor() as cursor:
        found = Listeners().find(cursor, str(provider.pk))
    assert found is not None
    planted.add(found.settings.webhook_token)
    status = DELIVERED if DELIVERED in getattr(module, "TELLS", (DELIVERED,)) else OPTED_OUT
    now = time.time()
    report = Report(str(uuid.uuid4()), status, now, to="5511988887777", dispatch_id=str(uuid.uuid4()))
    genuine = module.heard(found.settings, report, now)
    for callback in (genuine, genuine.forged(), genuine.tampered()):
        parts = urlsplit(callback.url)
        with as_web_process():
            headers = {name: value for name, value in callback.headers.items() if name != "Content-Type"}
            kind = callback.headers["Content-Type"]
            Client().generic("POST", f"{parts.path}?{parts.query}", callback.body, kind, headers=headers)


def wire_forms(simulator: Simulator) -> Iterator[str]:
    """What was shown as a credential in requests: also where it was encoded or made of another."""
    for request in simulator.requests:
        for name in ("authorization", "apikey", "x-api-token", "x-api-key"):
            shown = request.field(name)
            if shown and not shown.startswith("AWS4"):  # a signature of one request is no secret
                scheme, _, value = shown.rpartition(" ")
                yield value
                if scheme == "Basic":
                    yield decoded(value).partition(":")[2]


def decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode()
    except (binascii.Error, ValueError):
        return text


def tables() -> Iterator[tuple[str, str]]:
    """Every row of every table, as text."""
    with django_connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM {name} t")
            yield name, cursor.fetchone()[0]


def pages(tenant: Tenant) -> Iterator[tuple[str, str]]:
    """Every list, and the first pages of everything that has one, as the tenant's administrator sees them."""
    user = UserFactory.create(username="canary-admin", is_staff=True)
    MembershipFactory.create(tenant=tenant, user=user, role=Role.ADMIN)
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    addresses = []
    for model in registered():
        addresses.append(list_page(model))
        most = MOST.get(model._meta.model_name or "", MOST_OF_A_KIND)
        for pk in model._default_manager.order_by("?").values_list("pk", flat=True)[:most]:
            for page in ("change", "history") if model is Provider else ("change",):
                try:
                    addresses.append(object_page(model, page, pk))
                except NoReverseMatch:
                    continue
    with as_web_process():
        for address in addresses:
            answer = client.get(address)
            assert answer.status_code == 200 or not any(f"/{name}/" in address for name in MOST), address
            yield address, answer.content.decode() if not answer.streaming else ""


def answers(tenant: Tenant) -> Iterator[tuple[str, str]]:
    """What programs are told."""
    key = mint_key(tenant_id=tenant.pk, name="canary", scopes=list(SCOPES))[1]
    client = Client(headers={"authorization": f"Bearer {key}"})
    dispatches = [str(pk) for pk in Dispatch.objects.values_list("pk", flat=True)[: MOST["dispatch"]]]
    chosen = [str(pk) for pk in Provider.objects.values_list("pk", flat=True)[: MOST["provider"]]]
    paths = ["providers", "dispatches", "changes", "provider-vendors", "campaigns", "rejected-triggers"]
    paths += [f"providers/{pk}{part}" for pk in chosen for part in ("", "/secrets", "/checks")]
    paths += [f"dispatches/{pk}" for pk in dispatches]
    with as_web_process():
        for path in paths:
            answer = client.get(f"/api/{path}")
            assert answer.status_code == 200, path
            yield path, answer.content.decode()


def test_a_canary_is_found_where_it_was_left(planted: Planted) -> None:
    """The search itself: it would find what it is to find."""
    canary = planted.grow("toy", "token", "")
    planted.add("encoded")
    for text in (f"x{canary}y", f'"{canary}"'.replace("/", "\\/"), f"/bot{quote(canary, safe='')}/", "so encoded."):
        assert planted.found_in(text)
    assert not planted.found_in("nothing of the kind")


def test_no_secret_is_stored_shown_answered_or_logged(
    simulator: Simulator,
    tenant: Tenant,
    planted: Planted,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "factory")  # which tells what this test itself plants
    triggers, talkers = [], []
    for number, (vendor, behaviour) in enumerate(itertools.product(VENDORS, BEHAVIOURS)):
        declared = declarations.of(vendor)
        options: dict[str, Any] = {"monkeypatch": monkeypatch, "settings": settings}
        provider = plant(declared, simulator.url_for(vendor), tenant, planted, stored=bool(number % 2), **options)
        triggers.append(trigger_for(provider, declared, behaviour))
        if behaviour in ("accept", "reject"):
            talkers.append((provider, declared))
    send(triggers)
    assert Dispatch.objects.count() == len(triggers)
    assert {each.dialect for each in simulator.taken} >= set(VENDORS), "every vendor was really sent to"
    for provider, declared in talkers:
        checking.request_check(provider, by="canary")
        if isinstance(declared.transport, Hearing):
            call_us(provider, declared, planted)
    check_providers(max_seconds=30)
    assert WebhookCall.objects.exists()
    process_webhooks(max_seconds=20)
    for secret in wire_forms(simulator):
        planted.add(secret)
    assert planted.count >= len(VENDORS) * len(BEHAVIOURS)
    assert len(planted.unmarked) > len(BEHAVIOURS), "Twilio's pairs and Google's tokens are among them"

    caplog.set_level(logging.INFO)  # templates tell a lot at DEBUG
    shown = [*pages(tenant), *answers(tenant)]
    assert sum(len(text) > 200 for _address, text in shown) > 80
    out, err = capfd.readouterr()
    assert "prism" in out + err + caplog.text
    everything = [
        *tables(),
        *shown,
        ("output", out),
        ("errors", err),
        ("log", caplog.text),
        ("repr", repr([*ProviderSecret.objects.all(), *Provider.objects.all()])),
    ]
    assert [(place, found) for place, text in everything if (found := planted.found_in(text))] == []
