"""Two tenants, every page, every role, over the web role's own connection: nothing of one is shown to the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model
from django.http import HttpResponseBase
from django.test import Client, RequestFactory

from campaigns.fields import PickField
from dispatching.models import Dispatch
from tenants.identity import identities_of
from tenants.models import Role
from tenants.scope import tenant_scope
from tests.prism.pages import OBJECT_PAGES, argument_urls, list_page, object_page, plain_urls, registered, words_of
from tests.prism.tenancies import Filled
from tests.web import as_owner, as_web_process

pytestmark = pytest.mark.django_db(transaction=True)

# Not entered through these: signing out ends the walk, the catch-all shows nothing, the others need POST.
LEFT_OUT = {
    "/admin/leave/",
    "/admin/logout/",
    "/admin/autocomplete/",
    "/organisation/",
    "/admin/campaigns/campaign/preview/",
    "/admin/templates/messagetemplate/preview/",
}
# Addresses with arguments that are not pages of an object, each tried by a test of its own or by Django.
OTHER_ARGUMENTS = {
    "admin:view_on_site",
    "admin:auth_user_password_change",
    *(f"admin:providers_provider_{name}" for name in ("check", "checks", "copy", "register", "resume", "switch")),
    "admin:campaigns_campaign_duplicate",
    "admin:campaigns_campaign_switch",
}
SUPERUSERS_ONLY = {"auth", "django_q"}


@pytest.fixture(params=list(Role))
def member(request: pytest.FixtureRequest, two: tuple[Filled, Filled]) -> Iterator[Client]:
    """Somebody of the first tenant, in each role."""
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.get(pk=two[0].user_ids[request.param]))
    with as_web_process():
        yield client


@pytest.fixture
def administrator(two: tuple[Filled, Filled]) -> Iterator[Client]:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.get(pk=two[0].user_ids["admin"]))
    with as_web_process():
        yield client


def objects_of(filled: Filled) -> dict[type[Model], Any]:
    """One object per registered model that is the tenant's, found as the owner."""
    found: dict[type[Model], Any] = {}
    with as_owner(), tenant_scope(filled.tenant.pk, operator=True):
        for model in registered():
            if model._meta.app_label in SUPERUSERS_ONLY:
                continue
            names = {field.name for field in model._meta.get_fields()}
            if "tenant" in names:
                found[model] = (
                    model._default_manager.filter(tenant_id=filled.tenant.pk).values_list("pk", flat=True).first()
                )
            elif model is type(filled.tenant):
                found[model] = filled.tenant.pk
            elif "headers" in names:
                found[model] = filled.parked_fact
    return found


def text_of(response: HttpResponseBase) -> str:
    body = b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined]  # not of the base
    return body.decode() + str(response.headers)


def assert_nothing_of(theirs: Filled, response: HttpResponseBase, url: str) -> None:
    assert response.status_code < 500, url
    text = text_of(response)
    assert theirs.mark not in text, url
    assert theirs.mark.lower() not in text.lower(), url
    assert "DatabaseDefault" not in text, url


def test_every_list_and_form_shows_the_own_rows_only(two: tuple[Filled, Filled], member: Client) -> None:
    urls = plain_urls() - LEFT_OUT | {"/healthz", "/readyz"}
    assert len(urls) > 40
    for url in sorted(urls):
        assert_nothing_of(two[1], member.get(url, {"made": "all"} if "dispatch" in url else None), url)


def test_lists_do_show_what_is_there(two: tuple[Filled, Filled], administrator: Client) -> None:
    """Or the test above would prove nothing."""
    shown = {
        model: two[0].mark
        in administrator.get(
            list_page(model), {"made": "all"} if "dispatch" in str(model) else None, follow=True
        ).content.decode()
        for model in objects_of(two[0])
    }
    assert len(shown) > 10
    assert all(shown.values()), [model for model, found in shown.items() if not found]


def test_pages_of_foreign_objects_say_that_there_is_no_such_thing(two: tuple[Filled, Filled], member: Client) -> None:
    for model, pk in objects_of(two[1]).items():
        for page in OBJECT_PAGES:
            url = object_page(model, page, pk)
            response = member.get(url, follow=True)
            assert_nothing_of(two[1], response, url)
            assert response.redirect_chain or response.status_code in (403, 404), url


def test_own_objects_have_pages(two: tuple[Filled, Filled], administrator: Client) -> None:
    for model, pk in objects_of(two[0]).items():
        response = administrator.get(object_page(model, "change", pk))
        assert response.status_code == 200, model
        assert_nothing_of(two[1], response, str(model))
        assert administrator.get(object_page(model, "history", pk)).status_code == 200, model
        assert administrator.get(object_page(model, "delete", pk)).status_code in (200, 403), model


def test_every_address_with_arguments_has_been_walked() -> None:
    walked = {
        f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
        for model in registered()
        for page in OBJECT_PAGES
    }
    assert argument_urls() - walked == OTHER_ARGUMENTS


def test_foreign_objects_cannot_be_posted_to(two: tuple[Filled, Filled], administrator: Client) -> None:
    before = everything_of(two[1])
    for model, pk in objects_of(two[1]).items():
        for page in ("change", "delete"):
            response = administrator.post(
                object_page(model, page, pk), {"post": "yes", "name": "taken", "is_active": ""}
            )
            assert response.status_code in (302, 403, 404), model
    assert everything_of(two[1]) == before


def test_foreign_rows_cannot_be_acted_upon(two: tuple[Filled, Filled], administrator: Client) -> None:
    before = everything_of(two[1])
    for model, pk in objects_of(two[1]).items():
        model_admin = registered()[model]
        for action in [
            *(name if isinstance(name, str) else name.__name__ for name in model_admin.actions or ()),
            "delete_selected",
        ]:
            data = {"action": action, "_selected_action": [str(pk)], "confirmed": "yes", "post": "yes"}
            response = administrator.post(list_page(model), data, follow=True)
            assert_nothing_of(two[1], response, f"{model} {action}")
    assert everything_of(two[1]) == before


def test_choices_never_offer_nor_take_foreign_rows(two: tuple[Filled, Filled], administrator: Client) -> None:
    mine, theirs = two
    tried = 0
    with as_owner():
        user = User.objects.get(pk=mine.user_ids["admin"])
        (identity,) = identities_of(user.pk)
    foreign = objects_of(theirs)
    request = RequestFactory().get("/")
    request.user, request.tenant = user, identity  # type: ignore[attr-defined]  # as the middleware does
    for in_database in (True, False):
        # Once by row-level security, once by code alone, as the owner.
        with as_web_process() if in_database else as_owner(), tenant_scope(mine.tenant.pk if in_database else None):
            for model_admin in registered().values():
                for field in choice_fields(model_admin, request):
                    model = model_of(field)
                    pk = theirs.user_ids["admin"] if model is User else model and foreign.get(model)
                    if pk is None:
                        continue
                    with pytest.raises(ValidationError):
                        field.clean([pk] if isinstance(field, forms.ModelMultipleChoiceField) else pk)
                    tried += 1
    assert tried > 8


def choice_fields(model_admin: Any, request: Any) -> Iterator[Any]:
    if not model_admin.has_add_permission(request):
        return
    formsets = [inline.get_formset(request) for inline in model_admin.get_inline_instances(request)]
    for form_class in (model_admin.get_form(request), *(formset.form for formset in formsets)):
        fields = form_class().fields.values()
        yield from (field for field in fields if isinstance(field, forms.ModelChoiceField | PickField))


def model_of(field: Any) -> type[Model] | None:
    """What a field chooses from; None where there is nothing to choose."""
    if isinstance(field, PickField):
        return next((type(row) for row in field.rows.values()), None)
    chosen: type[Model] = field.queryset.model
    return chosen


def test_who_has_one_organisation_never_meets_the_word(two: tuple[Filled, Filled], administrator: Client) -> None:
    urls = sorted(plain_urls() - LEFT_OUT) + [
        object_page(model, page, pk) for model, pk in objects_of(two[0]).items() for page in OBJECT_PAGES
    ]
    for language in ("en", "pt-br"):
        for url in urls:
            words = words_of(administrator.get(url, headers={"accept-language": language}).content.decode()).lower()
            assert "tenant" not in words, (url, words[max(0, words.find("tenant") - 60) :][:120])
            assert "inquilino" not in words, url


def test_a_superuser_finds_every_page_working(two: tuple[Filled, Filled]) -> None:
    client = Client()
    client.force_login(User.objects.create(username="root", is_superuser=True))
    with as_web_process():
        for url in sorted(plain_urls() - LEFT_OUT):
            assert client.get(url).status_code in (200, 302, 403), url


def test_somebody_without_an_organisation_gets_no_page(two: tuple[Filled, Filled]) -> None:
    client = Client()
    client.force_login(User.objects.create(username="stranger", is_staff=True))
    with as_web_process():
        for model in registered():
            assert client.get(list_page(model)).status_code == 302, model


def everything_of(filled: Filled) -> dict[str, Any]:
    """All rows of a tenant as text."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns"
            " WHERE column_name = 'tenant_id' AND table_schema = 'public'"
            " AND table_name IN (SELECT tablename FROM pg_tables) AND table_name !~ '_p[0-9]{8}$'"
        )
        found: dict[str, Any] = {}
        for (table,) in [("dispatches",), *cursor.fetchall()]:
            cursor.execute(f"SELECT t::text FROM {table} t WHERE tenant_id = %s ORDER BY 1", [filled.tenant.pk])
            found[table] = cursor.fetchall()
    assert Dispatch._meta.db_table in found
    return found
