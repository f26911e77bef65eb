"""Who fails to sign in too often is locked out for a while, over the web role's own connection."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import F
from django.test import Client
from django.urls import reverse

from tenants.models import Role, Tenant
from tenants.signin.addresses import resolve
from tests.factories import MembershipFactory, TenantFactory, UserFactory
from tests.web import as_owner, as_web_process

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = "/admin/login/"
RIGHT = "a long enough secret"


@pytest.fixture
def tenant() -> Tenant:
    made: Tenant = TenantFactory.create(slug="acme")
    return made


@pytest.fixture
def maria(tenant: Tenant) -> Iterator[Any]:
    member = MembershipFactory.create(tenant=tenant, user=UserFactory.create(username="maria"), role=Role.VIEWER)
    with as_web_process():
        yield member.user


def sign_in(name: str, password: str, *, address: str = "127.0.0.1", client: Client | None = None) -> Any:
    client = client or Client(headers={"accept-language": "en"})
    return client.post(LOGIN, {"username": name, "password": password}, REMOTE_ADDR=address)


def fail(name: str = "maria", times: int = settings.AXES_FAILURE_LIMIT, **how: Any) -> Any:
    answers = [sign_in(name, "wrong", **how) for _time in range(times)]
    return answers[-1]


def test_so_many_failures_lock_out_and_the_page_says_until_when(maria: Any) -> None:
    assert fail(times=settings.AXES_FAILURE_LIMIT - 1).status_code == 200
    answer = fail(times=1)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= settings.AXES_COOLOFF_TIME.total_seconds()
    assert "no-store" in answer.headers["Cache-Control"]
    assert "in 15 minutes" in answer.content.decode()
    assert sign_in("maria", RIGHT).status_code == 429


def test_the_page_is_in_the_readers_language(maria: Any) -> None:
    client = Client(headers={"accept-language": "pt-br"})
    page = fail(client=client).content.decode()
    assert "Tente de novo às" in page


def test_others_and_other_addresses_are_not_locked_out(maria: Any) -> None:
    fail()
    assert sign_in("maria", RIGHT, address="127.0.0.2").status_code == 302
    assert sign_in("joao", "wrong").status_code == 200


def test_a_name_that_nobody_has_is_counted_alike(maria: Any) -> None:
    assert fail("nobody").status_code == 429


def test_another_browser_of_the_same_address_counts_on(maria: Any) -> None:
    fail(times=settings.AXES_FAILURE_LIMIT - 1)
    client = Client(headers={"user-agent": "another"})
    assert fail(times=1, client=client).status_code == 429


def test_knocking_while_locked_out_does_not_prolong_it_and_it_ends(maria: Any) -> None:
    fail()
    before = AccessAttempt.objects.get()
    fail()
    after = AccessAttempt.objects.get()
    assert (after.attempt_time, after.failures_since_start) == (before.attempt_time, before.failures_since_start)
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - settings.AXES_COOLOFF_TIME - dt.timedelta(seconds=1))
    assert sign_in("maria", RIGHT).status_code == 302


def test_a_success_forgets_the_failures_before_it(maria: Any) -> None:
    fail(times=settings.AXES_FAILURE_LIMIT - 1)
    assert sign_in("maria", RIGHT).status_code == 302
    assert not AccessAttempt.objects.exists()


def test_no_password_is_kept(maria: Any) -> None:
    sign_in("maria", "hunter22")
    attempt = AccessAttempt.objects.get()
    assert "hunter22" not in f"{attempt.get_data} {attempt.post_data}"


def test_who_is_signed_in_is_not_asked_again(maria: Any) -> None:
    client = Client()
    client.force_login(maria)
    answer = sign_in("somebody", "wrong", client=client)
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("admin:index"))
    assert not AccessAttempt.objects.exists()


def page_of(role: Role, tenant: Tenant | None, **user: Any) -> Client:
    client = Client(headers={"accept-language": "en"})
    with as_owner():
        person = UserFactory.create(**user)
        if tenant:
            MembershipFactory.create(tenant=tenant, user=person, role=role)
    client.force_login(person)
    return client


LIST = "/admin/axes/accessattempt/"


def test_an_administrator_lets_his_people_in_again(maria: Any, tenant: Tenant) -> None:
    fail()
    fail("stranger")
    client = page_of(Role.ADMIN, tenant)
    page = client.get(LIST).content.decode()
    assert "maria" in page
    assert "stranger" not in page
    attempts = {row.username: row.pk for row in AccessAttempt.objects.all()}
    data = {"action": "let_in", "_selected_action": [str(pk) for pk in attempts.values()]}
    assert client.post(LIST, data).status_code == 302
    assert sign_in("maria", RIGHT).status_code == 302
    assert sign_in("stranger", RIGHT).status_code == 429
    journal = client.get(reverse("admin:admin_logentry_changelist")).content.decode()
    assert "Let in after failed sign-ins" in journal


def test_an_administrator_of_another_organisation_sees_and_frees_nobody(maria: Any) -> None:
    fail()
    with as_owner():
        other = TenantFactory.create()
    client = page_of(Role.ADMIN, other)
    assert "maria" not in client.get(LIST).content.decode()
    client.post(LIST, {"action": "let_in", "_selected_action": [str(AccessAttempt.objects.get().pk)]})
    assert sign_in("maria", RIGHT).status_code == 429


def test_a_superuser_sees_names_that_nobody_has(maria: Any) -> None:
    fail("stranger")
    client = page_of(Role.ADMIN, None, is_superuser=True)
    assert "stranger" in client.get(LIST).content.decode()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUTHOR, Role.OPERATOR])
def test_the_page_is_the_administrators(maria: Any, tenant: Tenant, role: Role) -> None:
    assert page_of(role, tenant).get(LIST).status_code == 403


NETWORKS = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # no proxy of ours: whatever it says is ignored
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),  # written by the caller himself
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "not an address", "10.0.0.1"),
        ("::1", "[2001:db8::1]", "2001:db8::1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", ", ".join(["10.0.0.2"] * 500), "10.0.0.2"),
        ("", "198.51.100.1", ""),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: str, address: str) -> None:
    assert resolve(peer, forwarded, NETWORKS) == address
