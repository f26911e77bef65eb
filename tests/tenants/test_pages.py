"""Pages about who may act, with the web role's rights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from audiences.models import Segment
from tenants.keys import check_key
from tenants.middleware import SESSION_KEY
from tenants.models import ApiKey, Membership, Role, Tenant
from tests.factories import MembershipFactory, SegmentFactory, TenantFactory, UserFactory
from tests.web import as_owner_role, as_web_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    made: Tenant = TenantFactory.create(slug="acme", name="Acme Ltda")
    return made


@pytest.fixture(autouse=True)
def web(tenant: Tenant) -> Iterator[None]:
    with as_web_role():
        yield


def signed_in(tenant: Tenant | None, role: Role = Role.ADMIN, **user: Any) -> Client:
    client = Client(headers={"accept-language": "en"})
    with as_owner_role():
        person = UserFactory.create(**user)
        if tenant:
            MembershipFactory.create(tenant=tenant, user=person, role=role)
        client.force_login(person)
    return client


def test_whoever_belongs_to_an_organisation_gets_in_without_further_flags(tenant: Tenant) -> None:
    with as_owner_role():
        user = UserFactory.create(is_staff=False)
        MembershipFactory.create(tenant=tenant, user=user, role=Role.VIEWER)
    client = Client()
    response = client.post(reverse("admin:login"), {"username": user.username, "password": "a long enough secret"})
    assert response.status_code == 302
    assert client.get(reverse("admin:index")).status_code == 200


@pytest.mark.parametrize(
    ("role", "adds", "changes"),
    [(Role.VIEWER, 403, 403), (Role.AUTHOR, 302, 302), (Role.OPERATOR, 403, 403), (Role.ADMIN, 302, 302)],
)
def test_configuration_is_edited_by_authors_and_administrators(
    tenant: Tenant, role: Role, adds: int, changes: int
) -> None:
    with as_owner_role():
        segment = SegmentFactory.create(tenant=tenant, code="vip")
    client = signed_in(tenant, role)
    data = {"code": "new", "name": "New", "is_active": "on"}
    assert client.get(reverse("admin:audiences_segment_changelist")).status_code == 200
    assert client.post(reverse("admin:audiences_segment_add"), data).status_code == adds
    assert (
        client.post(
            reverse("admin:audiences_segment_change", args=[segment.pk]), {**data, "code": "c", "name": "N2"}
        ).status_code
        == changes
    )


def test_a_new_row_belongs_to_the_tenant_and_names_who_made_it(tenant: Tenant) -> None:
    client = signed_in(tenant, username="maria")
    client.post(
        reverse("admin:audiences_segment_add"), {"code": "new", "name": "New", "tenant": "1", "created_by": "x"}
    )
    with as_owner_role():
        segment = Segment.objects.get(code="new")
    assert (segment.tenant_id, segment.created_by) == (tenant.pk, "maria")


def test_a_code_that_is_taken_is_told_at_its_field_without_the_word(tenant: Tenant) -> None:
    with as_owner_role():
        SegmentFactory.create(tenant=tenant, code="vip")
        SegmentFactory.create(code="free-here")
    client = signed_in(tenant)
    response = client.post(reverse("admin:audiences_segment_add"), {"code": "vip", "name": "Other"})
    errors = response.context["adminform"].form.errors
    assert list(errors) == ["code"]
    assert "enant" not in str(errors)
    assert client.post(reverse("admin:audiences_segment_add"), {"code": "free-here", "name": "X"}).status_code == 302


def test_a_key_is_shown_once(tenant: Tenant) -> None:
    client = signed_in(tenant)
    response = client.post(reverse("admin:tenants_apikey_add"), {"name": "crm", "scopes": ["view"]})
    (raw,) = re.findall(r"prism_[0-9a-f]{12}_[\w-]+", response.content.decode())
    assert "no-store" in response.headers["Cache-Control"]
    identity = check_key(raw)
    assert identity
    assert identity.tenant_id == tenant.pk
    pages = [client.get(reverse("admin:tenants_apikey_changelist"))]
    pages.append(client.get(reverse("admin:tenants_apikey_change", args=[identity.key_id])))
    pages.append(client.get(reverse("admin:tenants_apikey_history", args=[identity.key_id])))
    for page in pages:
        assert page.status_code == 200
        assert raw not in page.content.decode()
        assert "crm" in page.content.decode()


def test_a_key_is_renamed_and_revoked(tenant: Tenant) -> None:
    client = signed_in(tenant)
    client.post(reverse("admin:tenants_apikey_add"), {"name": "crm", "scopes": ["view"]})
    with as_owner_role():
        key = ApiKey.objects.get()
    change = reverse("admin:tenants_apikey_change", args=[key.pk])
    assert client.post(change, {"name": "erp", "scopes": ["view", "edit"]}).status_code == 302
    client.post(reverse("admin:tenants_apikey_changelist"), {"action": "revoke", "_selected_action": [key.pk]})
    with as_owner_role():
        key.refresh_from_db()
    assert (key.name, key.scopes) == ("erp", ["view", "edit"])
    assert key.revoked_at


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUTHOR, Role.OPERATOR])
def test_keys_and_members_are_the_administrators(tenant: Tenant, role: Role) -> None:
    client = signed_in(tenant, role)
    assert client.get(reverse("admin:tenants_apikey_changelist")).status_code == 403
    assert client.get(reverse("admin:tenants_apikey_add")).status_code == 403
    assert client.post(reverse("admin:tenants_membership_add"), {}).status_code == 403


def test_an_administrator_changes_roles_but_not_his_own(tenant: Tenant) -> None:
    client = signed_in(tenant, username="maria")
    with as_owner_role():
        other = MembershipFactory.create(tenant=tenant, role=Role.VIEWER)
        own = Membership.objects.get(user__username="maria")
    assert (
        client.post(reverse("admin:tenants_membership_change", args=[other.pk]), {"role": "operator"}).status_code
        == 302
    )
    assert client.post(reverse("admin:tenants_membership_change", args=[own.pk]), {"role": "viewer"}).status_code == 403
    assert client.post(reverse("admin:tenants_membership_delete", args=[own.pk]), {"post": "yes"}).status_code == 403
    with as_owner_role():
        assert Membership.objects.get(pk=other.pk).role == Role.OPERATOR
        assert Membership.objects.get(pk=own.pk).role == Role.ADMIN


def test_the_organisations_page_is_one_and_changes_what_it_may(tenant: Tenant) -> None:
    client = signed_in(tenant)
    listed = client.get(reverse("admin:tenants_tenant_changelist"))
    page = reverse("admin:tenants_tenant_change", args=[tenant.pk])
    assert listed.headers["Location"] == page
    data = {"name": "Acme SA", "timezone": "America/Manaus", "locale": "en", "slug": "evil"}
    data["second_factor"] = "optional"
    assert client.post(page, data).status_code == 302
    assert client.post(page, data).status_code == 302
    with as_owner_role():
        tenant.refresh_from_db()
    assert (tenant.name, tenant.timezone, tenant.locale, tenant.slug) == ("Acme SA", "America/Manaus", "en", "acme")


def test_a_superuser_adds_a_person_and_a_role(tenant: Tenant) -> None:
    client = signed_in(tenant, is_superuser=True)
    data = {
        "username": "joao",
        "password1": "a long enough secret",
        "password2": "a long enough secret",
        "usable_password": "true",
    }
    inline = {"membership_set-TOTAL_FORMS": "0", "membership_set-INITIAL_FORMS": "0"}
    response = client.post(reverse("admin:auth_user_add"), {**data, **inline})
    assert response.status_code == 302
    with as_owner_role():
        user = User.objects.get(username="joao")
    response = client.post(reverse("admin:tenants_membership_add"), {"user": user.pk, "role": "author"})
    assert response.status_code == 302
    change = reverse("admin:auth_user_change", args=[user.pk])
    assert client.get(change).status_code == 200
    with as_owner_role():
        member = Membership.objects.get(user=user)
    row = {"membership_set-0-id": member.pk, "membership_set-0-user": user.pk, "membership_set-0-role": "viewer"}
    totals = {"membership_set-TOTAL_FORMS": "1", "membership_set-INITIAL_FORMS": "1"}
    response = client.post(change, {"username": "joao", "email": "j@example.com", "is_active": "on", **row, **totals})
    assert response.status_code == 302
    with as_owner_role():
        member.refresh_from_db()
    assert (member.role, member.tenant_id) == (Role.VIEWER, tenant.pk)


def test_a_person_changes_his_own_password(tenant: Tenant) -> None:
    client = signed_in(tenant, Role.VIEWER, username="maria")
    data = {
        "old_password": "a long enough secret",
        "new_password1": "another long secret",
        "new_password2": "another long secret",
    }
    assert client.post(reverse("admin:password_change"), data).status_code == 302
    with as_owner_role():
        assert User.objects.get(username="maria").check_password("another long secret")


def test_only_who_has_several_is_offered_a_choice(tenant: Tenant) -> None:
    one = signed_in(tenant, username="one").get(reverse("admin:index")).content.decode()
    assert "Acme Ltda" not in one
    with as_owner_role():
        second = TenantFactory.create(slug="beta", name="Beta SA")
        SegmentFactory.create(tenant=second, code="only-in-beta")
    client = signed_in(tenant, username="two")
    with as_owner_role():
        MembershipFactory.create(tenant=second, user=User.objects.get(username="two"), role=Role.VIEWER)
    page = client.get(reverse("admin:index")).content.decode()
    assert "Acme Ltda" in page
    assert "Beta SA" in page
    client.post(reverse("choose-tenant"), {"tenant": second.pk})
    assert "only-in-beta" in client.get(reverse("admin:audiences_segment_changelist")).content.decode()
    assert client.get(reverse("admin:audiences_segment_add")).status_code == 403
    for foreign in ("999999", "x", ""):
        client.post(reverse("choose-tenant"), {"tenant": foreign})
        assert client.session[SESSION_KEY] == second.pk
    assert client.get(reverse("choose-tenant")).status_code == 405
