"""Programs that send the same at the same moment: one of them sends, the others are told."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from dispatching.models import Dispatch, DueDispatch
from tenants.models import Tenant
from tests.api.callers import Caller
from tests.factories import ProviderFactory, TemplateFactory
from tests.web import as_owner

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGE: dict[str, Any] = {
    "provider_type": "WHATSAPP",
    "template_code": "offer",
    "variables": {"name": "Ana", "creditvalue": "R$ 10", "credittax": 1.5},
    "to": "+5511988887777",
}


@pytest.fixture(autouse=True)
def _ways_out(caller: Caller, tenant: Tenant) -> None:
    with as_owner():
        ProviderFactory.create(tenant=tenant)
        TemplateFactory.create(tenant=tenant, template_code="offer")


def count() -> int:
    with as_owner():
        made, due = Dispatch.objects.count(), DueDispatch.objects.count()
    assert made == due
    return made


def at_once(ask: Callable[[], Any]) -> list[Any]:
    """The answers of ten threads that begin together."""
    gate = threading.Barrier(10)
    answers: list[Any] = []

    def run() -> None:
        try:
            gate.wait(20)
            answers.append(ask())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 10
    return answers


def test_ten_at_once_with_one_key_are_one_send(caller: Caller) -> None:
    """Nobody waits: each is the first, is told that the first is at it, or gets its answer."""
    answers = at_once(lambda: Caller(caller.key).post("dispatches", MESSAGE, **{"Idempotency-Key": "k-1"}))
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[202] >= 1
    assert statuses[202] + statuses[409] == 10, statuses
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 202}) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_in_progress"}
    assert count() == 1


def test_ten_at_once_with_one_correlation_id_are_one_send(caller: Caller) -> None:
    answers = at_once(lambda: Caller(caller.key).post("dispatches", {**MESSAGE, "correlation_id": "order-1"}))
    assert Counter(answer.status_code for answer in answers) == {202: 1, 200: 9}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert count() == 1


def test_batches_that_share_messages_in_other_orders_never_wait_crosswise(caller: Caller) -> None:
    messages = [{**MESSAGE, "correlation_id": f"order-{number}"} for number in range(100)]
    turn = iter(range(10))
    lock = threading.Lock()

    def ask() -> Any:
        with lock:
            shift = next(turn) * 7
        shared = messages[shift:] + messages[:shift]
        return Caller(caller.key).post("dispatches/batch", {"messages": shared[::-1] if shift % 2 else shared})

    answers = at_once(ask)
    assert {answer.status_code for answer in answers} == {207}
    assert sum(answer.json()["accepted"] for answer in answers) == 100
    assert sum(answer.json()["duplicates"] for answer in answers) == 900
    assert count() == 100
