"""Vendors' calls in the admin, as the web role sees them: for operators, shown safely, read again when asked."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from ingestion.models import CallState, WebhookCall
from providers.models import Provider
from tenants.models import Role, Tenant
from tests.factories import MembershipFactory, ProviderFactory
from tests.web import as_web_process

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/ingestion/webhookcall/"
DEED = "/admin/ingestion/webhookcall/deed/"
EVIL = b'<script>alert("x")</script> \xff \x00'


@pytest.fixture
def provider() -> Provider:
    made: Provider = ProviderFactory.create(tenant=Tenant.objects.get(slug="default"), provider_name="Gateway Um")
    return made


def stored(provider: Provider, **fields: Any) -> WebhookCall:
    given = {
        "method": "POST",
        "path": "status",
        "body": b"{}",
        "state": CallState.FAILED,
        "error": "no list",
        "tries": 3,
    }
    call: WebhookCall = WebhookCall.objects.create(tenant=provider.tenant, provider=provider, **{**given, **fields})
    return call


def person(role: Role) -> Client:
    client = Client()
    client.force_login(MembershipFactory(tenant=Tenant.objects.get(slug="default"), role=role).user)
    return client


def get(role: Role, address: str) -> Any:
    client = person(role)
    with as_web_process():
        return client.get(address)


def act(client: Client, *calls: WebhookCall, confirmed: bool = True) -> str:
    """Choose rows of the list, and press yes on the page that asks."""
    with as_web_process():
        data = {"action": "read_again", "_selected_action": [str(call.pk) for call in calls]}
        page = client.post(LIST, data, follow=True).content.decode()
        asked = re.search(r'name="ids" value="([^"]*)"', page)
        if not (confirmed and asked):
            return page
        return client.post(DEED, {"ids": asked[1], "confirmed": "yes"}, follow=True).content.decode()


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("author", 403), ("operator", 200), ("admin", 200)])
def test_the_list_is_for_operators_and_administrators(provider: Provider, role: str, status: int) -> None:
    call = stored(provider)
    assert get(Role(role), LIST).status_code == status
    assert get(Role(role), f"{LIST}{call.pk}/change/").status_code == status


def test_the_page_shows_what_came_in_as_text_and_why_it_failed(provider: Provider) -> None:
    call = stored(provider, body=EVIL, error="<b>no list</b>", query="dispatch=7", headers={"user-agent": "<i>x</i>"})
    page = get(Role.OPERATOR, f"{LIST}{call.pk}/change/").content.decode()
    for bad in ("<script>alert", "<b>no list", "<i>x"):
        assert bad not in page
    assert "&lt;script&gt;alert" in page
    assert "\\xff \\x00" in page
    for shown in ("Gateway Um", "dispatch=7", f"/webhooks/{provider.pk}/status"):
        assert shown in page


def test_json_is_indented_and_long_bodies_are_cut(provider: Provider) -> None:
    small, large = stored(provider, body=b'[{"id":"\xc3\xa7"}]'), stored(provider, body=b"y" * 60_000)
    page = get(Role.OPERATOR, f"{LIST}{small.pk}/change/").content.decode()
    assert "&quot;id&quot;: &quot;ç&quot;" in page
    page = get(Role.OPERATOR, f"{LIST}{large.pk}/change/").content.decode()
    assert "y" * 8_192 + "…" in page
    assert "y" * 8_193 not in page


def test_the_list_tells_what_each_said_and_is_narrowed_by_provider_and_state(provider: Provider) -> None:
    other = ProviderFactory.create(tenant=provider.tenant, provider_name="Gateway Dois")
    stored(provider, path="one")
    stored(other, path="two", state=CallState.DONE, reports=3, error="")
    stored(other, path="three", state=CallState.DONE, reports=0, error="")
    for query, shown in (
        ("", {"one", "two", "three"}),
        (f"?provider={provider.pk}", {"one"}),
        (f"?provider={other.pk}", {"two", "three"}),
        ("?provider=nobody", set()),
        ("?state__exact=failed", {"one"}),
        ("?state__exact=waiting", set()),
    ):
        page = get(Role.OPERATOR, LIST + query).content.decode()
        assert {path for path in ("one", "two", "three") if f"POST /{path}<" in page} == shown, query
    assert "no list" in get(Role.OPERATOR, LIST).content.decode()


def test_reading_again_asks_first_and_is_written_into_the_journal(provider: Provider) -> None:
    failed, done = stored(provider), stored(provider, state=CallState.DONE, reports=1, error="")
    waiting = stored(provider, state=CallState.WAITING, tries=1)
    client = person(Role.OPERATOR)
    act(client, failed, done, waiting, confirmed=False)
    assert WebhookCall.objects.get(pk=failed.pk).state == CallState.FAILED
    act(client, failed, done, waiting)
    for call in (failed, done):
        call.refresh_from_db()
        assert (call.state, call.tries, call.error) == (CallState.WAITING, 0, "")
    waiting.refresh_from_db()
    assert waiting.tries == 1, "it waits already"
    entries = LogEntry.objects.all()
    assert sorted(str(entry.object_id) for entry in entries) == sorted([str(failed.pk), str(done.pk)])
    assert all("2" in entry.change_message for entry in entries)


def test_who_only_looks_changes_nothing(provider: Provider) -> None:
    call = stored(provider)
    client = person(Role.AUTHOR)
    with as_web_process():
        assert client.post(DEED, {"ids": str(call.pk), "confirmed": "yes"}).status_code == 403
    assert WebhookCall.objects.get(pk=call.pk).state == CallState.FAILED


def test_nothing_and_nonsense_lead_back_to_the_list(provider: Provider) -> None:
    client = person(Role.OPERATOR)
    with as_web_process():
        for ids in ("", "nonsense"):
            assert client.post(DEED, {"ids": ids, "confirmed": "yes"}).status_code == 302
        assert client.get(DEED).status_code == 302
        assert client.get(f"{LIST}00000000-0000-0000-0000-000000000000/change/").status_code == 302
