"""API keys: shown once, kept as a digest, checked past row-level security and only there."""

from __future__ import annotations

import datetime as dt
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from tenants.identity import Capability
from tenants.keys import SCOPES, check_key, digest_of, mint_key
from tenants.models import ApiKey, Membership, Role, Tenant
from tenants.scope import tenant_scope
from tests.factories import TenantFactory, UserFactory
from tests.web import as_web_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    made: Tenant = TenantFactory.create(slug="acme", timezone="America/Manaus")
    return made


def test_a_key_opens_for_its_tenant_with_its_scopes_only(tenant: Tenant) -> None:
    key, raw = mint_key(tenant_id=tenant.pk, name="crm", scopes=["view", "edit"])
    with as_web_role():
        identity = check_key(raw)
    assert identity
    assert (identity.key_id, identity.tenant_id, identity.slug, identity.timezone) == (
        key.pk,
        tenant.pk,
        "acme",
        "America/Manaus",
    )
    assert identity.can(Capability.EDIT)
    assert not identity.can(Capability.OPERATE)


def test_the_key_itself_is_stored_nowhere(tenant: Tenant) -> None:
    key, raw = mint_key(tenant_id=tenant.pk, name="crm", scopes=["view"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT k::text FROM api_keys k")
        (row,) = cursor.fetchone() or ("",)
    secret = raw.removeprefix(f"prism_{key.prefix}_")
    assert len(secret) >= 43
    assert secret not in row
    assert digest_of(raw).hex() in row


@pytest.mark.parametrize("spoil", ["", "x", "prism", "prism__", "prism_\x00_x", "prism_éé_ü", "Bearer y"])
def test_what_is_no_key_opens_nothing(tenant: Tenant, spoil: str) -> None:
    with as_web_role():
        assert check_key(spoil) is None


def test_the_right_prefix_with_another_secret_opens_nothing(tenant: Tenant) -> None:
    _key, raw = mint_key(tenant_id=tenant.pk, name="crm", scopes=["view"])
    with as_web_role():
        assert check_key(raw[:-1]) is None
        assert check_key(raw + "x") is None
    assert ApiKey.objects.get().last_used_at is None


def test_a_revoked_key_and_one_of_a_tenant_switched_off_open_nothing(tenant: Tenant) -> None:
    key, raw = mint_key(tenant_id=tenant.pk, name="crm", scopes=["view"])
    other, other_raw = mint_key(tenant_id=TenantFactory.create(is_active=False).pk, name="crm", scopes=["view"])
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    with as_web_role():
        assert check_key(raw) is None
        assert check_key(other_raw) is None
    assert other.revoked_at is None


def test_its_last_use_is_kept_to_the_minute(tenant: Tenant) -> None:
    _key, raw = mint_key(tenant_id=tenant.pk, name="crm", scopes=["view"])
    with as_web_role():
        check_key(raw)
    ApiKey.objects.update(last_used_at=timezone.now() - dt.timedelta(seconds=30))
    before = ApiKey.objects.get().last_used_at
    with as_web_role():
        check_key(raw)
    assert ApiKey.objects.get().last_used_at == before


def test_use_is_told_only_by_who_holds_the_key(tenant: Tenant) -> None:
    key, _raw = mint_key(tenant_id=tenant.pk, name="crm", scopes=["view"])
    with as_web_role(), tenant_scope(tenant.pk), connection.cursor() as cursor:
        cursor.execute("SELECT prism_api_key_used(%s, %s)", [key.pk, bytes(32)])
    assert ApiKey.objects.get().last_used_at is None


@pytest.mark.parametrize("scopes", [[], ["all"], ["view", "root"]])
def test_scopes_are_the_known_ones(tenant: Tenant, scopes: list[str]) -> None:
    with pytest.raises(ValidationError, match=r"view, edit, operate, administer"):
        mint_key(tenant_id=tenant.pk, name="crm", scopes=scopes)


def test_a_name_is_taken_once_per_tenant(tenant: Tenant) -> None:
    mint_key(tenant_id=tenant.pk, name="crm", scopes=["view"])
    mint_key(tenant_id=TenantFactory.create().pk, name="crm", scopes=["view"])
    with pytest.raises(ValidationError):
        mint_key(tenant_id=tenant.pk, name="crm", scopes=["view"])


def test_the_command_prints_a_key_that_opens(tenant: Tenant) -> None:
    out = StringIO()
    call_command("create_api_key", "crm", "--tenant", "acme", "--scope", "view", "--scope", "operate", stdout=out)
    identity = check_key(out.getvalue().strip())
    assert identity
    assert identity.scopes == {"view", "operate"}


@pytest.mark.parametrize("arguments", [["--tenant", "nobody"], ["--tenant", "acme", "--name-that-is-not-there"]])
def test_the_command_says_what_is_wrong(tenant: Tenant, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("create_api_key", "crm", "--scope", SCOPES[0], *arguments)


def test_a_tenant_is_made_with_its_administrator() -> None:
    user = UserFactory.create(username="maria")
    call_command("create_tenant", "beta", "--name", "Beta Ltda", "--admin", "maria", stdout=StringIO())
    membership = Membership.objects.get(tenant__slug="beta")
    assert (membership.user, membership.role, membership.tenant.name) == (user, Role.ADMIN, "Beta Ltda")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["Not A Slug"], "slug"),
        (["default"], "slug"),
        (["beta", "--timezone", "Mars/Olympus"], "timezone"),
        (["beta", "--admin", "nobody"], "no user"),
    ],
)
def test_a_tenant_that_cannot_be_is_told_and_not_made(arguments: list[str], told: str) -> None:
    before = Tenant.objects.count()
    with pytest.raises(CommandError, match=told):
        call_command("create_tenant", *arguments, stdout=StringIO())
    assert Tenant.objects.count() == before
