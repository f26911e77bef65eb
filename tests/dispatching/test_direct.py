"""Messages without a campaign: what is accepted, what is refused and why, and that one message is one dispatch."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import ProgrammingError, connection
from django.test.utils import CaptureQueriesContext

from dispatching import direct, operating
from dispatching.gates import Refusal
from dispatching.models import Dispatch, DueDispatch, TriggerReceipt
from dispatching.statuses import LaneClass
from dispatching.wanted import Accepted, Answer, Sender, Wanted
from providers.models import Provider
from templates.models import MessageTemplate
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.factories import ProviderFactory, TemplateFactory, TenantFactory
from tests.web import as_owner_role, as_web_role

pytestmark = pytest.mark.django_db

VARIABLES = {"name": "Ana", "creditvalue": "R$ 10", "credittax": "1%"}


@pytest.fixture
def tenant() -> Tenant:
    made: Tenant = TenantFactory.create(slug="acme")
    return made


@pytest.fixture
def provider(tenant: Tenant) -> Provider:
    made: Provider = ProviderFactory.create(tenant=tenant)
    return made


@pytest.fixture
def template(tenant: Tenant) -> MessageTemplate:
    made: MessageTemplate = TemplateFactory.create(tenant=tenant, template_code="offer")
    return made


@pytest.fixture
def door(tenant: Tenant, provider: Provider, template: MessageTemplate) -> Iterator[Door]:
    with as_web_role(), tenant_scope(tenant.pk, operator=True):
        yield Door(tenant)


class Door:
    """Sends as the web process does."""

    def __init__(self, tenant: Tenant) -> None:
        self.sender = Sender(tenant.pk, ZoneInfo("America/Sao_Paulo"), "pt-br")

    def send(self, *messages: Wanted, **options: Any) -> list[Answer]:
        return direct.send_messages(messages, self.sender, now=dt.datetime.now(dt.UTC), **options)

    def accept(self, *messages: Wanted, **options: Any) -> list[Accepted]:
        answers = self.send(*messages, **options)
        assert all(isinstance(answer, Accepted) for answer in answers), answers
        return [answer for answer in answers if isinstance(answer, Accepted)]

    def refuse(self, message: Wanted) -> tuple[str, str]:
        (answer,) = self.send(message)
        assert isinstance(answer, Refusal), answer
        assert answer.message
        return answer.code, answer.path


def message(**fields: Any) -> Wanted:
    given = {
        "provider_type": "WHATSAPP",
        "template_code": "offer",
        "variables": VARIABLES,
        "to": "+55 11 98888-7777",
        "contact_tax_id": "123.456.789-09",
        **fields,
    }
    return Wanted(**given)


def written(answer: Accepted) -> tuple[Dispatch, DueDispatch]:
    with as_owner_role():
        return Dispatch.objects.get(pk=answer.dispatch_id), DueDispatch.objects.get(pk=answer.dispatch_id)


def test_an_accepted_message_is_a_receipt_a_dispatch_and_a_due_row(
    door: Door, provider: Provider, template: MessageTemplate
) -> None:
    (answer,) = door.accept(message(correlation_id="order-1", trace_id="t-1"))
    dispatch, due = written(answer)
    assert (dispatch.tenant_id, dispatch.campaign_id, dispatch.campaign_provider_id) == (
        door.sender.tenant_id,
        None,
        None,
    )
    assert (dispatch.provider_id, dispatch.template_id) == (provider.pk, template.pk)
    assert dispatch.template_version_id == template.versions.get().pk
    assert (dispatch.status, dispatch.dispatch_mode, dispatch.channel) == ("PENDING", "SYNC", "WHATSAPP")
    assert (dispatch.destination, dispatch.contact_tax_id) == ("+5511988887777", "123.456.789-09")
    assert dispatch.message_content.startswith("Olá Ana, chegou a Black Friday!")
    assert dispatch.variables == VARIABLES
    assert (dispatch.correlation_id, dispatch.trace_id) == ("order-1", "t-1")
    assert dispatch.max_attempts == 3
    assert dispatch.pk.version == 7
    assert (due.provider_id, due.lane_class) == (provider.pk, LaneClass.TRIGGER)
    assert due.due_at == dispatch.created_at == dispatch.triggered_at
    with as_owner_role():
        assert TriggerReceipt.objects.get().trigger_id == dispatch.pk
    assert operating.triggers_of(tenant_id=door.sender.tenant_id, correlation_id="order-1") == [dispatch.pk]


def test_a_correlation_id_is_minted_where_none_is_given(door: Door) -> None:
    one, other = door.accept(message(), message())
    assert uuid.UUID(one.correlation_id) != uuid.UUID(other.correlation_id)
    assert one.dispatch_id != other.dispatch_id


def test_the_same_message_again_is_a_duplicate_of_the_first(door: Door) -> None:
    (first,) = door.accept(message(correlation_id="order-1", trace_id="one"))
    again, within = door.accept(message(correlation_id="order-1", trace_id="two"), message(correlation_id="order-1"))
    assert not first.duplicate
    assert again.duplicate and within.duplicate
    assert {first.dispatch_id, again.dispatch_id, within.dispatch_id} == {first.dispatch_id}
    with as_owner_role():
        assert (Dispatch.objects.count(), DueDispatch.objects.count()) == (1, 1)


def test_a_duplicate_is_answered_whatever_became_of_the_template(door: Door, template: MessageTemplate) -> None:
    door.accept(message(correlation_id="order-1"))
    with as_owner_role():
        MessageTemplate.objects.update(is_active=False)
    assert door.accept(message(correlation_id="order-1"))[0].duplicate
    assert door.refuse(message(correlation_id="order-2")) == ("TEMPLATE_INACTIVE", "/template_code")


def test_another_message_under_a_known_correlation_id_is_told(door: Door) -> None:
    door.accept(message(correlation_id="order-1"))
    expected = ("DUPLICATE_OTHER_PAYLOAD", "/correlation_id")
    assert door.refuse(message(correlation_id="order-1", to="+5511911111111")) == expected
    first, second = door.send(message(correlation_id="order-2"), message(correlation_id="order-2", to="+5511911111111"))
    assert isinstance(first, Accepted)
    assert isinstance(second, Refusal) and (second.code, second.path) == expected


def test_a_refused_message_leaves_nothing_and_its_correlation_id_free(door: Door) -> None:
    bad, good = door.send(message(correlation_id="order-1", to="nobody"), message(correlation_id="order-2"))
    assert isinstance(bad, Refusal) and bad.code == "INVALID_ADDRESS"
    assert isinstance(good, Accepted)
    with as_owner_role():
        assert TriggerReceipt.objects.count() == Dispatch.objects.count() == 1
    assert not door.accept(message(correlation_id="order-1"))[0].duplicate


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"provider_type": "PIGEON"}, ("PROVIDER_NOT_FOUND", "/provider_type")),
        ({"provider_type": "", "provider_id": uuid.uuid4()}, ("PROVIDER_NOT_FOUND", "/provider_id")),
        ({"template_code": "none"}, ("TEMPLATE_NOT_FOUND", "/template_code")),
        ({"template_locale": "en"}, ("TEMPLATE_NOT_FOUND", "/template_code")),
        ({"template_code": "", "template_id": uuid.uuid4()}, ("TEMPLATE_NOT_FOUND", "/template_id")),
        ({"template_code": "", "body": "Oi"}, ("TEMPLATE_REQUIRED", "/body")),
        ({"to": ""}, ("NO_ADDRESS", "/contact_attributes/phone_number")),
        ({"to": "12"}, ("INVALID_ADDRESS", "/to")),
        ({"variables": {**VARIABLES, "name": " "}}, ("MISSING_ATTRIBUTE", "/variables/name")),
        ({"variables": {**VARIABLES, "name": ["Ana"]}}, ("MISSING_ATTRIBUTE", "/variables/name")),
        ({"variables": {}}, ("MISSING_ATTRIBUTE", "/variables/name")),
        (
            {"variables": {"creditvalue": 1, "credittax": 2}, "field_mappings": {"name": "a/b"}},
            ("MISSING_ATTRIBUTE", "/contact_attributes/a~1b"),
        ),
        ({"not_after": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, ("NOT_AFTER_PASSED", "/not_after")),
    ],
)
def test_every_gate_says_its_code_and_the_place(door: Door, fields: dict[str, Any], expected: tuple[str, str]) -> None:
    assert door.refuse(message(**fields)) == expected


def test_a_channel_is_not_enough_where_two_providers_serve_it(door: Door, provider: Provider) -> None:
    with as_owner_role():
        ProviderFactory.create(tenant=provider.tenant)
    assert door.refuse(message()) == ("PROVIDER_AMBIGUOUS", "/provider_type")
    (answer,) = door.accept(message(provider_type="", provider_id=provider.pk))
    assert written(answer)[0].provider_id == provider.pk
    with as_owner_role():
        Provider.objects.filter(pk=provider.pk).update(is_active=False)
    (answer,) = door.accept(message())
    assert written(answer)[0].provider_id != provider.pk
    assert door.refuse(message(provider_type="", provider_id=provider.pk)) == ("PROVIDER_INACTIVE", "/provider_id")


def test_a_template_of_another_channel_or_a_broken_provider_is_refused(door: Door, tenant: Tenant) -> None:
    with as_owner_role():
        ProviderFactory.create(tenant=tenant, provider_type="SMS")
        ProviderFactory.create(tenant=tenant, provider_type="FAX", configuration={"provider_vendor": "nobody"})
    assert door.refuse(message(provider_type="SMS")) == ("TEMPLATE_OF_OTHER_CHANNEL", "/template_code")
    assert door.refuse(message(provider_type="FAX")) == ("PROVIDER_MISCONFIGURED", "/provider_type")


def test_a_free_text_is_rendered_where_the_channel_allows_it(door: Door, tenant: Tenant) -> None:
    with as_owner_role():
        ProviderFactory.create(tenant=tenant, provider_type="EMAIL")
    (answer,) = door.accept(
        message(
            provider_type="EMAIL", template_code="", subject="Oi, {{name}}", body="{{name}}, 100% {{x}}", to="a@b.co",
            variables={"name": "Ana"}, contact_attributes={"x": 7},
        )
    )  # fmt: skip
    dispatch, _ = written(answer)
    assert (dispatch.message_subject, dispatch.message_content) == ("Oi, Ana", "Ana, 100% 7")
    assert (dispatch.template_id, dispatch.template_version_id) == (None, None)


def test_variables_come_before_mappings_and_those_before_attributes_of_the_same_name(door: Door) -> None:
    (answer,) = door.accept(
        message(
            variables={"name": "from variables"},
            field_mappings={"name": "other", "creditvalue": "value", "credittax": {"field": "tax", "default": "2%"}},
            contact_attributes={"name": "x", "other": "y", "value": 5.0, "tax_identification": "999"},
            contact_tax_id="",
        )
    )
    dispatch, _ = written(answer)
    assert dispatch.variables == {"name": "from variables", "creditvalue": "5", "credittax": "2%"}
    assert dispatch.contact_tax_id == "999"
    assert dispatch.contact_data["other"] == "y"


def test_a_template_without_a_language_is_the_tenants_own_or_the_only_one(door: Door, tenant: Tenant) -> None:
    with as_owner_role():
        TemplateFactory.create(tenant=tenant, template_code="offer", locale="en", body="Hello {{name}}")
        TemplateFactory.create(tenant=tenant, template_code="only", locale="en", body="Only {{name}}")
        for locale in ("es", "fr"):
            TemplateFactory.create(tenant=tenant, template_code="two", locale=locale, body="x")
    own, named, only = door.accept(message(), message(template_locale="EN"), message(template_code="only"))
    assert written(own)[0].message_content.startswith("Olá")
    assert written(named)[0].message_content == "Hello Ana"
    assert written(only)[0].message_content == "Only Ana"
    assert door.refuse(message(template_code="two")) == ("TEMPLATE_AMBIGUOUS", "/template_locale")


def test_a_future_moment_is_waited_for_and_a_past_one_is_now(door: Door) -> None:
    now = dt.datetime.now(dt.UTC)
    later, past = door.accept(
        message(scheduled_for=now + dt.timedelta(hours=3)), message(scheduled_for=now - dt.timedelta(hours=3))
    )
    dispatch, due = written(later)
    assert (dispatch.status, dispatch.dispatch_mode) == ("SCHEDULED", "ASYNC")
    assert dispatch.scheduled_for == due.due_at == now + dt.timedelta(hours=3)
    assert due.not_after == dispatch.not_after == now + dt.timedelta(hours=27)
    assert dispatch.scheduled_local.endswith("[America/Sao_Paulo]")
    dispatch, due = written(past)
    assert (dispatch.status, dispatch.dispatch_mode, dispatch.scheduled_for) == ("PENDING", "SYNC", None)
    assert due.due_at == dispatch.created_at
    moment = now + dt.timedelta(hours=3)
    assert (
        door.refuse(message(scheduled_for=moment, not_after=moment - dt.timedelta(hours=1)))[0] == "SCHEDULED_TOO_LATE"
    )
    assert door.refuse(message(scheduled_for=now + dt.timedelta(days=91)))[0] == "SCHEDULED_TOO_FAR"


def test_a_thousand_messages_take_as_many_statements_as_one(door: Door) -> None:
    counts = []
    for size in (1, direct.AT_ONCE):
        with CaptureQueriesContext(connection) as captured:
            door.accept(*(message(correlation_id=f"{size}-{number}") for number in range(size)), lane=LaneClass.BULK)
        counts.append(len(captured))
    assert counts == [4, 4]
    with as_owner_role():
        assert DueDispatch.objects.filter(lane_class=LaneClass.BULK).count() == 1 + direct.AT_ONCE
        ids = list(Dispatch.objects.order_by("pk").values_list("correlation_id", flat=True))
    assert ids[1:] == [f"{direct.AT_ONCE}-{number}" for number in range(direct.AT_ONCE)], "in the order they came"
    with pytest.raises(ValueError, match="at most 1000"):
        door.send(*(message() for _ in range(direct.AT_ONCE + 1)))


def test_another_tenants_provider_template_and_correlation_ids_are_not_there(
    door: Door, template: MessageTemplate
) -> None:
    door.accept(message(correlation_id="order-1"))
    with as_owner_role():
        other: Tenant = TenantFactory.create()
        TemplateFactory.create(tenant=other, template_code="offer")
        provider = ProviderFactory.create(tenant=other)
    with tenant_scope(other.pk, operator=True):
        theirs = Door(other)
        assert theirs.refuse(message(template_code="", template_id=template.pk))[0] == "TEMPLATE_NOT_FOUND"
        (answer,) = theirs.accept(message(correlation_id="order-1"))
        assert not answer.duplicate
        assert written(answer)[0].provider_id == provider.pk


def test_the_database_takes_no_other_tenants_rows_and_nothing_from_who_may_not_operate(
    door: Door, tenant: Tenant
) -> None:
    with as_owner_role():
        foreign = ProviderFactory.create(tenant=TenantFactory.create())
    row = json.dumps([{"item": 0, "correlation_id": "c", "payload_digest": 1, "provider_id": str(foreign.pk)}])
    with connection.cursor() as cursor:
        cursor.execute("SELECT fate FROM prism_accept_messages(%s::jsonb)", [row])
        assert cursor.fetchall() == [("gone",)]
    with pytest.raises(ProgrammingError, match="whoever may operate"), tenant_scope(tenant.pk):
        door.send(message())
