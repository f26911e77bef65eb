"""What is overdue, what contacts did with a message, and what vendors said of people, on the pages where one looks."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audiences.models import SuppressionSign
from dispatching.models import DeliveryReceipt, Dispatch, OverdueDelivery
from tests.prism.tenancies import Filled
from tests.web import as_owner_role, as_web_role

pytestmark = pytest.mark.django_db

LIST = "admin:dispatching_overduedelivery_changelist"
SIGNS = "admin:audiences_suppressionsign_changelist"


@pytest.fixture
def mine(two: tuple[Filled, Filled]) -> Filled:
    return two[0]


def client_of(mine: Filled, role: str) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.get(pk=mine.user_ids[role]))
    return client


@pytest.fixture
def operator(mine: Filled) -> Iterator[Client]:
    client = client_of(mine, "operator")
    with as_web_role():
        yield client


def page_of(mine: Filled, operator: Client, **fields: object) -> str:
    with as_owner_role():
        Dispatch.objects.filter(pk=mine.failed).update(**fields)
    response = operator.get(reverse("admin:dispatching_dispatch_change", args=[mine.failed]))
    return response.content.decode()


def receipt(mine: Filled, kind: str, payload: bytes) -> None:
    with as_owner_role():
        dispatch = Dispatch.objects.get(pk=mine.failed)
        assert dispatch.provider_id
        DeliveryReceipt.objects.create(
            id=uuid.uuid4(),
            dispatch_id=dispatch.pk,
            tenant_id=dispatch.tenant_id,
            provider_id=dispatch.provider_id,
            kind=kind,
            received_at=timezone.now(),
            payload=payload,
            payload_size=len(payload),
        )


def test_overdue_deliveries_have_a_list_for_operators(
    mine: Filled, operator: Client, two: tuple[Filled, Filled]
) -> None:
    response = operator.get(reverse(LIST))
    page = response.content.decode()
    assert response.status_code == 200
    assert str(mine.failed) in page
    assert str(two[1].failed) not in page
    assert "said nothing for longer" in page
    assert str(mine.failed) in operator.get(reverse(LIST), {"q": f"{mine.mark}-tax", "made": "all"}).content.decode()
    nothing = operator.get(reverse(LIST), {"provider__id__exact": str(uuid.uuid4())}).content.decode()
    assert str(mine.failed) not in nothing


def test_others_than_operators_do_not_see_the_list(mine: Filled) -> None:
    client = client_of(mine, "viewer")
    with as_web_role():
        assert client.get(reverse(LIST)).status_code == 403


def test_the_page_of_a_dispatch_says_since_when_it_is_overdue(mine: Filled, operator: Client) -> None:
    assert "Delivery overdue since" in page_of(mine, operator, status="SENT")
    assert "Delivery overdue since" not in page_of(mine, operator, status="DELIVERED")


def test_a_providers_page_counts_what_is_overdue(mine: Filled) -> None:
    client = client_of(mine, "admin")
    provider = Dispatch.objects.get(pk=mine.failed).provider_id
    address = reverse("admin:providers_provider_change", args=[provider])
    with as_web_role():
        assert "1 delivery is overdue" in client.get(address).content.decode()
    OverdueDelivery.objects.all().delete()
    with as_web_role():
        assert "overdue:" not in client.get(address).content.decode()


def test_what_the_contact_did_with_it_stands_in_the_timeline_in_words(mine: Filled, operator: Client) -> None:
    receipt(mine, "open", b"{}")
    receipt(mine, "click", json.dumps({"url": "https://example.com/offer?a=1"}).encode())
    receipt(mine, "click", b"no json")
    page = page_of(mine, operator, status="SENT")
    assert "Opened" in page
    assert page.count("Clicked") == 2
    assert "https://example.com/offer?a=1" in page


def test_signs_have_a_list_that_nobody_can_change(mine: Filled, two: tuple[Filled, Filled], operator: Client) -> None:
    page = operator.get(reverse(SIGNS)).content.decode()
    assert f"{mine.mark}@example.com" in page
    assert f"{two[1].mark}@example.com" not in page
    assert operator.get(reverse("admin:audiences_suppressionsign_add")).status_code == 403


@pytest.mark.parametrize(
    ("role", "is_masked"), [("viewer", True), ("author", True), ("operator", False), ("admin", False)]
)
def test_whom_a_sign_is_about_is_masked_for_who_does_not_operate(mine: Filled, role: str, is_masked: bool) -> None:
    with as_owner_role():
        address = "ana.souza@example.com"
        SuppressionSign.objects.filter(tenant=mine.tenant).update(address=address, contact_tax_id="52998224725")
        sign = SuppressionSign.objects.get(tenant=mine.tenant)
    client = client_of(mine, role)
    with as_web_role():
        pages = (reverse(SIGNS), reverse("admin:audiences_suppressionsign_change", args=[sign.pk]))
        for page in pages:
            shown = client.get(page).content.decode()
            assert (address in shown) is not is_masked
            assert ("a•••@example.com" in shown) is is_masked
            assert ("52998224725" in shown) is not is_masked
            assert ("529.•••.•••-25" in shown) is is_masked


def test_the_list_of_signs_counts_no_further_than_it_shows(mine: Filled, operator: Client) -> None:
    more_signs(mine)
    with CaptureQueriesContext(connection) as asked:
        page = operator.get(reverse(SIGNS))
    assert page.status_code == 200
    looked = [query["sql"] for query in asked if "suppression_signs" in query["sql"]]
    assert looked
    assert not [one for one in looked if "count(" in one.lower()]
    assert all(" LIMIT " in one for one in looked)


def more_signs(mine: Filled) -> None:
    with as_owner_role(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO suppression_signs (key, tenant_id, kind, address_kind, address, contact_tax_id, provider_id,"
            " reason, occurred_at) SELECT gen_random_uuid(), %s, 'opted_out', 'email', 'p' || n || '@example.com',"
            " lpad(n::text, 11, '0'), gen_random_uuid(), '', now() FROM generate_series(1, 5000) n",
            [mine.tenant.pk],
        )
        cursor.execute("ANALYZE suppression_signs")


def test_signs_are_found_by_address_or_tax_id_with_an_index_each(mine: Filled, operator: Client) -> None:
    more_signs(mine)
    for wanted in ("P77@example.com", "00000000077"):
        with CaptureQueriesContext(connection) as asked:
            page = operator.get(reverse(SIGNS), {"q": wanted}).content.decode()
        assert "p77@example.com" in page
        assert "p78@example.com" not in page
        (look,) = [query["sql"] for query in asked if 'ORDER BY "suppression_signs"' in query["sql"]]
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {look}", None)
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "suppression_signs_address" in plan
        assert "suppression_signs_tax_id" in plan
