"""One key, one piece of work: repeated, in progress, used for something else, rolled back, forgotten."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from dispatching.idempotency import Done, InProgressError, OtherBodyError, carry_out, clean_keys
from dispatching.models import IdempotencyKey
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.factories import TenantFactory
from tests.web import as_owner, as_web_process

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tenant() -> Tenant:
    made: Tenant = TenantFactory.create()
    return made


class Work:
    """Counts how often it was done."""

    def __init__(self, **fields: Any) -> None:
        self.times = 0
        self.fields = fields

    def __call__(self) -> Done:
        self.times += 1
        return Done(202, {"id": self.times}, **self.fields)


def ask(tenant: Tenant, work: Callable[[], Done], body: Any = None, *, operation: str = "send", key: str = "k") -> Done:
    with tenant_scope(tenant.pk):
        return carry_out(tenant_id=tenant.pk, operation=operation, key=key, body=body or {"a": 1, "b": 2}, work=work)


def test_the_same_request_is_answered_again_and_not_carried_out_again(tenant: Tenant) -> None:
    work = Work()
    with as_web_process():
        first, second = ask(tenant, work), ask(tenant, work, {"b": 2, "a": 1})
    assert (first.body, first.repeated) == ({"id": 1}, False)
    assert (second.body, second.status, second.repeated) == ({"id": 1}, 202, True)
    assert work.times == 1


def test_another_body_under_the_same_key_is_refused(tenant: Tenant) -> None:
    work = Work()
    ask(tenant, work)
    with pytest.raises(OtherBodyError):
        ask(tenant, work, {"a": 2})
    assert work.times == 1


def test_keys_are_of_one_operation_and_one_tenant(tenant: Tenant) -> None:
    work = Work()
    ask(tenant, work)
    ask(tenant, work, operation="batch")
    with as_web_process():
        with as_owner():
            other: Tenant = TenantFactory.create()
        ask(other, work)
        with tenant_scope(other.pk):
            assert IdempotencyKey.objects.count() == 1
    assert work.times == 3


def test_while_the_first_is_at_it_the_second_is_told_at_once(tenant: Tenant) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slow() -> Done:
        inside.set()
        assert leave.wait(20)
        return Done(202, {"id": "first"})

    def first() -> None:
        try:
            ask(tenant, slow)
        finally:
            connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(20)
    work = Work()
    with pytest.raises(InProgressError):
        ask(tenant, work)
    leave.set()
    thread.join()
    assert ask(tenant, work).body == {"id": "first"}
    assert work.times == 0


def test_what_is_rolled_back_leaves_the_key_free(tenant: Tenant) -> None:
    work = Work()
    with transaction.atomic():
        ask(tenant, work)
        transaction.set_rollback(True)
    assert not ask(tenant, work).repeated
    assert work.times == 2


def test_an_answer_to_nothing_done_is_not_kept(tenant: Tenant) -> None:
    work = Work(lasting=False)
    assert not ask(tenant, work).repeated
    assert not ask(tenant, work).repeated


def test_old_keys_are_cleaned_away_and_count_no_more_before_that(tenant: Tenant) -> None:
    work = Work()
    ask(tenant, work)
    IdempotencyKey.objects.update(created_at=timezone.now() - dt.timedelta(hours=25))
    assert not ask(tenant, work).repeated
    ask(tenant, work, key="other")
    IdempotencyKey.objects.filter(key="k").update(created_at=timezone.now() - dt.timedelta(hours=25))
    assert clean_keys() == 1
    assert [row.key for row in IdempotencyKey.objects.all()] == ["other"]
