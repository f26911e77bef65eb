"""What one request sees, and what it leaves behind, over the web role's own connection."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client

from audiences.models import Segment
from tenants.middleware import SESSION_KEY
from tenants.models import Role, Tenant
from tests.factories import MembershipFactory, TenantFactory, UserFactory
from tests.web import as_web_process

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.tenants.answers")]


@pytest.fixture
def two() -> tuple[Tenant, Tenant]:
    first, second = TenantFactory(slug="acme", timezone="America/Manaus"), TenantFactory(slug="beta", locale="en")
    for tenant in (first, second):
        Segment.objects.create(tenant=tenant, code=f"{tenant.slug}-vip", name="VIP")
    return first, second


@pytest.fixture
def client(two: tuple[Tenant, Tenant]) -> Iterator[Client]:
    member = MembershipFactory(tenant=two[0], role=Role.AUTHOR)
    yield from signed_in(member.user)


def signed_in(user: object) -> Iterator[Client]:
    client = Client(raise_request_exception=False)
    client.force_login(user)  # type: ignore[arg-type]  # factories return Any
    with as_web_process():
        yield client


def answer(client: Client, path: str, **headers: str) -> str:
    response = client.get(path, headers=headers)
    assert response.status_code == 200
    return response.getvalue().decode()


def test_a_lazy_template_renders_inside_the_transaction_and_shows_the_own_rows_only(client: Client) -> None:
    assert answer(client, "/names") == "acme-vip "


def test_a_streamed_answer_opens_a_transaction_of_its_own(client: Client) -> None:
    assert answer(client, "/stream") == "acme-vip "
    assert not connection.in_atomic_block


def test_a_stream_that_is_abandoned_leaves_no_transaction_open(client: Client) -> None:
    response = client.get("/stream")
    next(iter(response))
    response.close()
    assert not connection.in_atomic_block


@pytest.mark.parametrize("ending", ["missing", "broken", "400", "500"])
def test_what_fails_is_rolled_back(client: Client, ending: str) -> None:
    client.get(f"/add/{ending}")
    assert answer(client, "/names") == "acme-vip "


@pytest.mark.parametrize("ending", ["200", "302"])
def test_what_succeeds_is_kept(client: Client, ending: str) -> None:
    client.get(f"/add/{ending}")
    assert answer(client, "/names") == f"acme-vip by-{ending} "


def test_nothing_of_a_request_stays_on_the_connection(client: Client) -> None:
    answer(client, "/names")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('prism.tenant', true)")
        assert cursor.fetchone() in ((None,), ("",))
    assert not Segment.objects.exists()


def test_somebody_who_belongs_nowhere_sees_nothing(two: tuple[Tenant, Tenant]) -> None:
    for client in signed_in(UserFactory()):
        assert answer(client, "/names") == ""
        assert answer(client, "/surroundings").startswith("nobody ")


def test_nobody_signed_in_sees_nothing(two: tuple[Tenant, Tenant]) -> None:
    with as_web_process():
        assert answer(Client(), "/names") == ""


def test_a_tenant_that_is_switched_off_lets_nobody_in(two: tuple[Tenant, Tenant]) -> None:
    member = MembershipFactory(tenant=TenantFactory(is_active=False))
    for client in signed_in(member.user):
        assert answer(client, "/surroundings").startswith("nobody ")


def test_the_chosen_tenant_counts_only_among_the_own_ones(two: tuple[Tenant, Tenant]) -> None:
    member = MembershipFactory(tenant=two[0])
    MembershipFactory(tenant=two[1], user=member.user)
    stranger = TenantFactory()
    for client in signed_in(member.user):
        assert answer(client, "/names") == "acme-vip "
        for wanted, seen in ((two[1].pk, "beta-vip "), (stranger.pk, "acme-vip ")):
            session = client.session
            session[SESSION_KEY] = wanted
            session.save()
            assert answer(client, "/names") == seen


def test_the_clock_is_the_tenants_and_the_language_the_readers_first(client: Client) -> None:
    assert answer(client, "/surroundings").startswith("acme America/Manaus pt-br")
    assert answer(client, "/surroundings", **{"Accept-Language": "en-GB,en;q=0.9"}).startswith("acme America/Manaus en")
    assert answer(client, "/surroundings", **{"Accept-Language": "ja"}).startswith("acme America/Manaus pt-br")


def test_where_the_reader_asks_for_none_of_ours_the_language_is_the_tenants(two: tuple[Tenant, Tenant]) -> None:
    for client in signed_in(MembershipFactory(tenant=two[1]).user):
        assert answer(client, "/surroundings", **{"Accept-Language": "ja"}).split()[2] == "en"


@pytest.mark.parametrize(
    ("role", "told"), [(Role.VIEWER, ""), (Role.AUTHOR, ""), (Role.OPERATOR, "on"), (Role.ADMIN, "on")]
)
def test_operators_and_administrators_are_told_to_the_database(
    two: tuple[Tenant, Tenant], role: Role, told: str
) -> None:
    for client in signed_in(MembershipFactory(tenant=two[0], role=role).user):
        assert answer(client, "/surroundings").split(" ")[3:] == [told, ""]


def test_a_superuser_without_membership_acts_for_the_default_tenant(two: tuple[Tenant, Tenant]) -> None:
    for client in signed_in(UserFactory(is_superuser=True)):
        assert answer(client, "/surroundings").split(" ") == ["default", "America/Sao_Paulo", "pt-br", "on", "on"]
