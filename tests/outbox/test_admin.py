"""Operators see what Kafka refused of their own tenant, and put it back; others see nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from outbox.models import OutboxEvent
from tenants.models import Role, Tenant
from tests.factories import MembershipFactory, OutboxEventFactory
from tests.web import as_owner_role, as_web_role

FACTS = "admin:outbox_operatorfact_changelist"
SHARDS = "admin:outbox_operatorshard_changelist"


@pytest.fixture
def tenant(transactional_db: None) -> Tenant:
    return Tenant.objects.get(slug="default")


def parked(slug: str, fact_id: str) -> OutboxEvent:
    event: OutboxEvent = OutboxEventFactory(
        headers={"tenant": slug, "fact_id": fact_id}, parked_at=timezone.now(), problem="MSG_SIZE_TOO_LARGE"
    )
    return event


def signed_in(tenant: Tenant, role: Role) -> Client:
    client = Client(headers={"accept-language": "en"})
    membership = MembershipFactory(tenant=tenant, role=role)
    client.force_login(User.objects.get(pk=membership.user_id))
    return client


@pytest.fixture
def operator(tenant: Tenant) -> Iterator[Client]:
    client = signed_in(tenant, Role.OPERATOR)
    with as_web_role():
        yield client


def test_parked_facts_of_the_tenant_are_listed_with_what_they_mean(tenant: Tenant, operator: Client) -> None:
    with as_owner_role():
        mine, waiting = parked("default", "mine:1"), OutboxEventFactory(headers={"tenant": "default", "fact_id": "w:1"})
        parked("other", "theirs:1")
    page = operator.get(reverse(FACTS)).content.decode()
    assert "mine:1" in page
    assert "theirs:1" not in page
    assert "w:1" not in page
    assert "w:1" in operator.get(reverse(FACTS), {"state": "waiting"}).content.decode()
    detail = operator.get(reverse("admin:outbox_operatorfact_change", args=[mine.pk])).content.decode()
    assert "max.message.bytes" in detail
    assert waiting.pk != mine.pk


def test_an_operator_puts_parked_facts_of_his_tenant_back_and_no_others(tenant: Tenant, operator: Client) -> None:
    with as_owner_role():
        mine, theirs = parked("default", "mine:1"), parked("other", "theirs:1")
    chosen = {"action": "retry", "_selected_action": [mine.pk, theirs.pk]}
    page = operator.post(reverse(FACTS), chosen, follow=True).content.decode()
    assert "1 event waits for Kafka again." in page
    with as_owner_role():
        assert list(OutboxEvent.objects.filter(parked_at=None).values_list("id", "problem")) == [(mine.pk, "")]


def test_shards_are_shown_to_operators(operator: Client) -> None:
    page = operator.get(reverse(SHARDS)).content.decode()
    assert page.count('class="field-shard') == 8


@pytest.mark.parametrize("name", [FACTS, SHARDS])
@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUTHOR])
def test_who_does_not_operate_sees_nothing_of_it(tenant: Tenant, name: str, role: Role) -> None:
    client = signed_in(tenant, role)
    with as_web_role():
        assert client.get(reverse(name)).status_code == 403
