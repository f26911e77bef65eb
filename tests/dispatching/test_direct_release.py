"""What was accepted without a campaign goes the way of all others: claimed, asked again, sent, tried again, reaped."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from dispatching import direct
from dispatching.models import Dispatch, DueDispatch, SendBatch
from dispatching.reaping import reap
from dispatching.wanted import Accepted, Sender, Wanted
from outbox.models import OutboxEvent
from providers.models import Provider
from templates.models import MessageTemplate
from tenants.scope import tenant_scope
from tests.dispatching.hands import ACCEPTED, DEFERRED, REJECTED, Hands, silence
from tests.factories import ProviderFactory, TemplateFactory


@pytest.fixture
def provider(hands: Hands) -> Provider:
    made: Provider = ProviderFactory.create()
    TemplateFactory.create(tenant=made.tenant, template_code="offer", body="Olá {{name}}")
    return made


def send(provider: Provider, **fields: Any) -> Dispatch:
    given = {"template_code": "offer", "variables": {"name": "Ana"}, "to": "+5511988887777", **fields}
    sender = Sender(provider.tenant_id, ZoneInfo("UTC"), "pt-br")
    with tenant_scope(provider.tenant_id, operator=True):
        (answer,) = direct.send_messages(
            [Wanted(provider_id=provider.pk, **given)], sender, now=dt.datetime.now(dt.UTC)
        )
    assert isinstance(answer, Accepted), answer
    return Dispatch.objects.get(pk=answer.dispatch_id)


def ended(dispatch: Dispatch) -> tuple[str, str]:
    dispatch.refresh_from_db()
    assert not DueDispatch.objects.exists()
    return dispatch.status, dispatch.reason


def test_it_is_claimed_sent_and_told_without_a_journey(hands: Hands, provider: Provider) -> None:
    dispatch = send(provider)
    assert hands.claim() == 1
    ((batch, parcel),) = hands.take()
    assert (batch.campaign_id, parcel.campaign_id, parcel.message.body) == (None, None, "Olá Ana")
    hands.record([(batch, parcel, ACCEPTED)])
    assert ended(dispatch) == ("SENT", "")
    fact = OutboxEvent.objects.get()
    assert '"journey_name" : null' in fact.payload
    assert fact.headers["label"] is None


def test_it_is_tried_again_as_often_as_its_provider_says(hands: Hands, provider: Provider) -> None:
    provider.configuration["retry"] = {"max_attempts": 2, "base_delay_ms": 1, "max_delay_ms": 1}
    provider.save()
    dispatch = send(provider)
    assert dispatch.max_attempts == 2
    hands.claim()
    hands.answer(DEFERRED)
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.attempts) == ("PENDING", 1)
    DueDispatch.objects.update(due_at=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1))
    hands.claim()
    hands.answer(DEFERRED)
    assert ended(dispatch)[0] == "FAILED"


def test_a_failure_has_no_next_provider(hands: Hands, provider: Provider) -> None:
    dispatch = send(provider)
    hands.claim()
    hands.answer(REJECTED)
    assert ended(dispatch) == ("FAILED", "NO")
    assert Dispatch.objects.count() == 1


def test_what_was_switched_off_meanwhile_is_refused_with_its_reason(hands: Hands, provider: Provider) -> None:
    off = send(provider)
    MessageTemplate.objects.update(is_active=False)
    hands.claim()
    assert ended(off) == ("REFUSED", "TEMPLATE_INACTIVE")
    MessageTemplate.objects.update(is_active=True)
    inactive = send(provider)
    Provider.objects.update(is_active=False)
    hands.claim()
    assert ended(inactive) == ("REFUSED", "PROVIDER_INACTIVE")
    Provider.objects.update(is_active=True)
    broken = send(provider)
    provider.configuration["authentication"] = {"type": "bearer_token", "token_env_var": "NOT_ALLOWED"}
    provider.save()
    hands.claim()
    assert ended(broken) == ("REFUSED", "PROVIDER_MISCONFIGURED")
    gone = send(provider)
    provider.delete()
    hands.claim()
    assert ended(gone) == ("REFUSED", "PROVIDER_REMOVED")
    assert hands.take() == []
    assert OutboxEvent.objects.count() == 4


@pytest.mark.parametrize("scheduled", [False, True])
def test_what_is_too_late_expires(hands: Hands, provider: Provider, scheduled: bool) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    dispatch = send(provider, **({"scheduled_for": later} if scheduled else {}))
    passed = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    DueDispatch.objects.update(due_at=passed, not_after=passed)
    hands.claim()
    assert ended(dispatch) == ("EXPIRED", "NOT_AFTER_PASSED")


@pytest.mark.parametrize("released", [False, True])
def test_a_dead_workers_batch_is_recovered(
    connection: psycopg.Connection, hands: Hands, provider: Provider, released: bool
) -> None:
    dispatch = send(provider)
    hands.claim()
    if not released:
        SendBatch.objects.update(released_at=None)
    silence(connection, hands.worker_id)
    assert reap(connection, dead_after_s=15) == 1
    dispatch.refresh_from_db()
    if released:
        assert (dispatch.status, dispatch.reason) == ("UNKNOWN", "WORKER_LOST")
    else:
        assert (dispatch.status, DueDispatch.objects.get().dispatch_id) == ("PENDING", dispatch.pk)
