"""The matrix of docs/roles.md is what the pages do: nothing is missing on either side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse

from tenants.identity import Identity
from tenants.models import Role
from tests.factories import MembershipFactory, TenantFactory, UserFactory
from tests.prism.pages import list_page, registered
from tests.web import as_owner_role, as_web_role

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "roles.md").read_text()
SUPERUSER = "superuser"
ROLES = [Role.VIEWER.value, Role.AUTHOR.value, Role.OPERATOR.value, Role.ADMIN.value, SUPERUSER]
DEEDS = {"see": "view", "add": "add", "change": "change", "delete": "delete"}


def rows(key: str) -> dict[str, list[str]]:
    """Cells by the second column, of the table whose second column is headed so."""
    found: dict[str, list[str]] = {}
    inside = False
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        inside = bool(cells) and (inside or cells[1] == key)
        if inside and cells[1].startswith("`"):
            found[cells[1].strip("`")] = cells[2:]
    return found


def request_of(role: str) -> Any:
    request: Any = RequestFactory().get("/")
    request.user = User(pk=1, username="x", is_superuser=role == SUPERUSER)
    request.tenant = Identity(
        id=1,
        slug="acme",
        name="Acme",
        timezone="UTC",
        locale="en",
        role=Role.ADMIN.value if role == SUPERUSER else role,
    )
    return request


def allowed(model_admin: Any, role: str) -> set[str]:
    request = request_of(role)
    may = {word for word, deed in DEEDS.items() if getattr(model_admin, f"has_{deed}_permission")(request)}
    may |= {f"`{name}`" for name in model_admin.get_actions(request) if name != "delete_selected"}
    for name in getattr(model_admin, "actions_detail", ()):
        wanted = getattr(getattr(model_admin, name), "allowed_permissions", ())
        if all(getattr(model_admin, f"has_{permission}_permission")(request) for permission in wanted):
            may.add(f"`{name}`")
    return may


def test_every_list_is_in_the_matrix_with_what_each_role_may() -> None:
    written = {code: [set(re.findall(r"`?\w+`?", cell)) for cell in cells] for code, cells in rows("Code").items()}
    found = {
        model._meta.label: [allowed(model_admin, role) for role in ROLES] for model, model_admin in registered().items()
    }
    assert set(written) == set(found)
    for label, cells in found.items():
        for role, cell, told in zip(ROLES, cells, written[label], strict=True):
            assert cell == told, (label, role)


@pytest.fixture(params=ROLES)
def person(request: pytest.FixtureRequest) -> Iterator[tuple[str, Client]]:
    tenant = TenantFactory.create()
    user = UserFactory.create(is_superuser=request.param == SUPERUSER)
    if request.param != SUPERUSER:
        MembershipFactory.create(tenant=tenant, user=user, role=request.param)
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    with as_web_role():
        yield request.param, client


@pytest.mark.django_db
def test_the_pages_themselves_keep_to_it(person: tuple[str, Client]) -> None:
    role, client = person
    at = ROLES.index(role)
    for model in registered():
        cell = rows("Code")[model._meta.label][at]
        url = list_page(model)
        assert (client.get(url).status_code in (200, 302)) == ("see" in cell), (model, role)
        add = url + "add/"
        assert (client.get(add).status_code == 200) == ("add" in cell), (model, role)
        if "add" not in cell:
            assert client.post(add, {}).status_code == 403, (model, role)


@pytest.mark.django_db
def test_other_pages_keep_to_it(person: tuple[str, Client]) -> None:
    role, client = person
    if role == SUPERUSER:
        return
    others = rows("Address")
    assert len(others) > 8
    for url, cells in others.items():
        statuses = {client.get(url).status_code, client.post(url, {}).status_code}
        may = cells[ROLES.index(role)] == "yes"
        assert (statuses == {403}) != may, (url, role, statuses)
        assert max(statuses) < 500, (url, role)


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_who_may_not_change_a_row_can_neither_post_it_nor_delete_it(role: Role) -> None:
    from tests.factories import CampaignFactory, ProviderFactory, SegmentFactory

    member = MembershipFactory.create(role=role)
    made = [factory.create(tenant=member.tenant) for factory in (CampaignFactory, ProviderFactory, SegmentFactory)]
    client = Client()
    client.force_login(member.user)
    with as_web_role():
        for row in made:
            options = row._meta
            pages = [f"admin:{options.app_label}_{options.model_name}_{page}" for page in ("change", "delete")]
            for page in pages:
                answer = client.post(reverse(page, args=[row.pk]), {"post": "yes", "name": "taken"})
                assert answer.status_code == 403, (page, role)
            client.post(
                list_page(type(row)), {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
            )
            client.post(
                list_page(type(row)), {"action": "deactivate", "_selected_action": [str(row.pk)], "post": "yes"}
            )
        with as_owner_role():
            for row in made:
                row.refresh_from_db()
                assert row.is_active
