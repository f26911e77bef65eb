"""The second factor, over the web role's own connection: set up, asked for, lost, taken away."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django_otp.oath import TOTP

from tenants.models import Membership, RecoveryCode, Role, SecondFactor, SecondFactorRule, Tenant
from tenants.scope import tenant_scope
from tenants.signin import second_factor
from tests.factories import MembershipFactory, TenantFactory, UserFactory
from tests.web import as_owner, as_web_process

pytestmark = pytest.mark.django_db(transaction=True)

RIGHT = "a long enough secret"
HOME, ASK, SET_UP, MANAGE = "/admin/audiences/segment/", "/second-step/ask/", "/second-step/set-up/", "/second-step/"


@pytest.fixture
def tenant() -> Tenant:
    made: Tenant = TenantFactory.create(slug="acme")
    return made


@pytest.fixture
def maria(tenant: Tenant) -> Iterator[User]:
    member = MembershipFactory.create(tenant=tenant, user=UserFactory.create(username="maria"), role=Role.ADMIN)
    with as_web_process():
        yield member.user


def password_given(name: str = "maria") -> Client:
    client = Client(headers={"accept-language": "en"})
    answer = client.post("/admin/login/", {"username": name, "password": RIGHT})
    assert answer.status_code == 302
    return client


def code_of(user: User, *, steps: int = 0) -> str:
    """What the app shows so many steps from now."""
    with as_owner():
        factor = SecondFactor.objects.get(user=user)
    totp = TOTP(bytes.fromhex(factor.secret))
    totp.time = time.time() + steps * 30
    return f"{totp.token():06d}"


def set_up(user: User) -> tuple[Client, list[str]]:
    """Somebody with a factor, signed in by it, and the recovery codes."""
    client = password_given(user.username)
    assert client.get(SET_UP).status_code == 200
    page = client.post(SET_UP, {"code": code_of(user)}).content.decode()
    codes = re.findall(r"<code>([a-z2-7-]+)</code>", page)
    assert len(codes) == second_factor.RECOVERY_CODES
    # The step of the first code is used up.
    with as_owner():
        SecondFactor.objects.filter(user=user).update(last_step=-1)
    return client, codes


def require(tenant: Tenant, rule: str) -> None:
    with as_owner():
        Tenant.objects.filter(pk=tenant.pk).update(second_factor=rule)


def is_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


def test_without_one_the_password_is_enough(maria: User) -> None:
    assert is_in(password_given())


def test_after_the_password_the_code_is_asked_for_before_any_page(maria: User) -> None:
    set_up(maria)
    client = password_given()
    answer = client.get(HOME + "?q=x")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(ASK)
    assert client.get("/api/segments").status_code == 403
    assert client.post("/admin/audiences/segment/add/", {"code": "x", "name": "X"}).headers["Location"].startswith(ASK)
    for page in (SET_UP, MANAGE):
        assert client.get(page).headers["Location"].startswith(ASK)
    asked = client.get(answer.headers["Location"])
    assert asked.status_code == 200
    before = client.session.session_key
    passed = client.post(ASK, {"code": code_of(maria), "next": HOME + "?q=x"})
    assert passed.headers["Location"] == HOME + "?q=x"
    assert is_in(client)
    assert client.session.session_key != before


def test_a_wrong_code_opens_nothing_and_slows_the_next_one_down(maria: User) -> None:
    set_up(maria)
    client = password_given()
    assert "This code is wrong" in client.post(ASK, {"code": "000000"}).content.decode()
    # Counted, although the answer was a page with an error: even the right one has to wait.
    assert "Too many wrong codes" in client.post(ASK, {"code": code_of(maria)}).content.decode()
    assert not is_in(client)
    with as_owner():
        assert SecondFactor.objects.get().throttling_failure_count == 1
        SecondFactor.objects.update(throttling_failure_timestamp="2026-01-01T00:00Z")
    client.post(ASK, {"code": code_of(maria)})
    assert is_in(client)


@pytest.mark.parametrize("code", ["", "12", "abcdef", "１２３４５６", "9" * 41, "\x00", "a-b"])
def test_anything_else_is_no_code(maria: User, code: str) -> None:
    set_up(maria)
    client = password_given()
    assert client.post(ASK, {"code": code}).status_code == 200
    assert not is_in(client)


def test_no_code_opens_twice(maria: User) -> None:
    set_up(maria)
    code = code_of(maria)
    password_given().post(ASK, {"code": code})
    client = password_given()
    client.post(ASK, {"code": code})
    assert not is_in(client)


def test_a_recovery_code_opens_once_however_it_is_written(maria: User) -> None:
    _client, codes = set_up(maria)
    client = password_given()
    client.post(ASK, {"code": codes[0].upper().replace("-", " ")})
    assert is_in(client)
    again = password_given()
    again.post(ASK, {"code": codes[0]})
    assert not is_in(again)
    assert "9 recovery codes left" in client.get(MANAGE).content.decode()


def test_only_ways_of_our_own_are_gone_after_the_code(maria: User) -> None:
    set_up(maria)
    client = password_given()
    answer = client.post(ASK, {"code": code_of(maria), "next": "https://evil.example/"})
    assert answer.headers["Location"] == "/admin/"


def test_a_page_of_setting_up_shows_another_secret_each_time_and_needs_a_right_code(maria: User) -> None:
    client = password_given()
    first = client.get(SET_UP)
    assert "<svg" in first.content.decode()
    assert "no-store" in first.headers["Cache-Control"]
    with as_owner():
        secret = SecondFactor.objects.get().secret
    assert "not the code of now" in client.post(SET_UP, {"code": "000000"}).content.decode()
    assert is_in(password_given())
    client.get(SET_UP)
    with as_owner():
        assert SecondFactor.objects.get().secret != secret


@pytest.mark.parametrize(
    ("rule", "role", "asked"),
    [
        (SecondFactorRule.OPTIONAL, Role.ADMIN, False),
        (SecondFactorRule.ADMINISTRATORS, Role.ADMIN, True),
        (SecondFactorRule.ADMINISTRATORS, Role.OPERATOR, False),
        (SecondFactorRule.EVERYONE, Role.VIEWER, True),
    ],
)
def test_the_organisation_may_ask_for_one(tenant: Tenant, maria: User, rule: str, role: Role, asked: bool) -> None:
    with as_owner():
        Membership.objects.filter(user=maria).update(role=role)
    require(tenant, rule)
    client = password_given()
    if not asked:
        assert is_in(client)
        return
    assert client.get(HOME).headers["Location"].startswith(SET_UP)
    assert client.post("/api/segments", {}).status_code == 403
    page = client.get(SET_UP).content.decode()
    assert "Your organisation asks" in page
    client.post(SET_UP, {"code": code_of(maria)})
    assert is_in(client)


def test_the_rule_is_on_the_organisations_page(tenant: Tenant, maria: User) -> None:
    client = password_given()
    data = {"name": "Acme", "timezone": "America/Manaus", "locale": "en", "second_factor": "administrators"}
    assert client.post(f"/admin/tenants/tenant/{tenant.pk}/change/", data).status_code == 302
    assert client.get(HOME).headers["Location"].startswith(SET_UP)


def test_new_codes_and_turning_off_take_a_code(maria: User) -> None:
    client, codes = set_up(maria)
    client.post(MANAGE, {"code": "000000", "deed": "remove"})
    with as_owner():
        SecondFactor.objects.update(throttling_failure_timestamp="2026-01-01T00:00Z")
    page = client.post(MANAGE, {"code": code_of(maria), "deed": "renew"}).content.decode()
    renewed = re.findall(r"<code>([a-z2-7-]+)</code>", page)
    assert not set(renewed) & set(codes)
    assert client.post(MANAGE, {"code": renewed[0], "deed": "remove"}).status_code == 302
    assert is_in(password_given())
    with as_owner():
        assert not RecoveryCode.objects.exists()


def test_the_journal_tells_what_was_done(maria: User) -> None:
    client, codes = set_up(maria)
    client.post(MANAGE, {"code": codes[0], "deed": "remove"})
    journal = client.get("/admin/admin/logentry/").content.decode()
    assert "Second factor set up" in journal
    assert "Second factor removed" in journal


def member_of(tenant: Tenant, role: Role, name: str, **user: Any) -> User:
    with as_owner():
        person: User = UserFactory.create(username=name, **user)
        MembershipFactory.create(tenant=tenant, user=person, role=role)
    return person


def reset_from(client: Client, user: User) -> Any:
    with as_owner():
        pks = [str(pk) for pk in Membership.objects.filter(user=user).values_list("pk", flat=True)]
    return client.post("/admin/tenants/membership/", {"action": "reset_second_step", "_selected_action": pks})


def test_an_administrator_resets_the_factor_of_somebody_who_lost_his_phone(tenant: Tenant, maria: User) -> None:
    joao = member_of(tenant, Role.AUTHOR, "joao")
    set_up(joao)
    client = password_given()
    assert reset_from(client, joao).status_code == 302
    assert is_in(password_given("joao"))
    assert "Second factor reset" in client.get("/admin/admin/logentry/").content.decode()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUTHOR, Role.OPERATOR])
def test_nobody_else_resets_one(tenant: Tenant, maria: User, role: Role) -> None:
    set_up(maria)
    member_of(tenant, role, "other")
    reset_from(password_given("other"), maria)
    assert not is_in(password_given())


def test_administrators_reset_neither_their_own_nor_strangers_nor_superusers(tenant: Tenant, maria: User) -> None:
    client, _codes = set_up(maria)
    root = member_of(tenant, Role.VIEWER, "root", is_superuser=True)
    set_up(root)
    with as_owner():
        elsewhere = TenantFactory.create()
    stranger = member_of(elsewhere, Role.VIEWER, "stranger")
    set_up(stranger)
    for person in (maria, root, stranger):
        reset_from(client, person)
        assert not is_in(password_given(person.username)), person
    assert "you may reset" in client.get("/admin/tenants/membership/").content.decode()


def test_a_superuser_without_an_organisation_is_asked_as_well(maria: User) -> None:
    with as_owner():
        root = UserFactory.create(username="root", is_superuser=True)
    set_up(root)
    client = password_given("root")
    assert client.get("/admin/").headers["Location"].startswith(ASK)
    client.post(ASK, {"code": code_of(root)})
    assert is_in(client)


def test_nobody_else_sees_a_factor_and_the_secret_lies_encrypted(tenant: Tenant, maria: User) -> None:
    set_up(maria)
    with tenant_scope(tenant.pk, user_id=maria.pk + 1, operator=True, superuser=True):
        assert not SecondFactor.objects.exists()
        assert not RecoveryCode.objects.exists()
    assert not SecondFactor.objects.exists()
    with as_owner(), connection.cursor() as cursor:
        secret = SecondFactor.objects.get().secret
        cursor.execute("SELECT secret::text FROM second_factors")
        assert secret not in str(cursor.fetchone())


def test_a_program_is_not_asked(tenant: Tenant, maria: User) -> None:
    from tenants.keys import mint_key

    require(tenant, SecondFactorRule.EVERYONE)
    with as_owner():
        _key, raw = mint_key(tenant_id=tenant.pk, name="crm", scopes=["view"])
    assert Client().get("/api/segments", headers={"authorization": f"Bearer {raw}"}).status_code == 200
