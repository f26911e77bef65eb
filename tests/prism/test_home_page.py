"""The home page as the people of one organisation get it: by role, cheaply, with links that lead somewhere."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dispatching.models import Dispatch, DispatchCount, OverdueDelivery
from tests.factories import MembershipFactory, TenantFactory
from tests.prism.counts import count_changes
from tests.prism.pages import words_of
from tests.web import as_web_role

if TYPE_CHECKING:
    from tests.prism.tenancies import Filled

pytestmark = pytest.mark.django_db

QUERIES = 22
"""Session, person, tenant and settings of the transaction are nine of them."""


def page_of(filled: Filled, role: str, url: str = "/admin/") -> str:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.get(pk=filled.user_ids[role]))
    with as_web_role():
        response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def home_of(page: str) -> str:
    return page[page.index('class="desk-home"') :]


@pytest.fixture
def busy(two: tuple[Filled, Filled]) -> Filled:
    DispatchCount.objects.all().delete()
    for filled, n in ((two[0], 40), (two[1], 7000)):
        count_changes(filled, "SENT", n)
        count_changes(filled, "FAILED", n // 4)
        count_changes(filled, "CONTROL_GROUP", n // 8)
    return two[0]


def test_today_is_told_from_kept_counters_of_the_own_organisation(busy: Filled) -> None:
    words = words_of(home_of(page_of(busy, "viewer")))
    assert re.search(r"Sent today\s+40\b", words)
    assert "80.0%" in words
    assert re.search(r"Failed today\s+10\b", words)
    assert f"{busy.mark}_journey" in words
    assert f"{busy.mark} gateway" in words
    assert "Betadois" not in words
    assert "7,000" not in words


@pytest.mark.parametrize(
    ("role", "operates"), [("viewer", False), ("author", False), ("operator", True), ("admin", True)]
)
def test_only_who_operates_sees_how_the_machine_is_doing(busy: Filled, role: str, operates: bool) -> None:
    words = words_of(home_of(page_of(busy, role)))
    assert ("Workers alive" in words) == ("Outbox" in words) == ("Due now" in words) == operates


@pytest.mark.parametrize(("role", "operates"), [("viewer", False), ("operator", True)])
def test_overdue_deliveries_are_told_with_their_list_to_whoever_operates(
    busy: Filled, role: str, operates: bool
) -> None:
    home = home_of(page_of(busy, role))
    assert bool(re.search(r"Overdue deliveries\s+1\b", words_of(home))) == operates, "and none of the neighbour's"
    assert ('href="/admin/dispatching/overduedelivery/?made=all"' in home) == operates
    OverdueDelivery.objects.filter(tenant=busy.tenant).delete()
    assert "Overdue deliveries" not in words_of(home_of(page_of(busy, role)))


def test_the_fragment_is_the_same_page_without_its_frame(busy: Filled) -> None:
    fragment = page_of(busy, "operator", "/admin/now/")
    assert "<html" not in fragment
    assert re.search(r"Sent today\s+40\b", words_of(fragment))


def test_every_link_of_the_page_leads_to_a_list_that_takes_it(busy: Filled) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.get(pk=busy.user_ids["admin"]))
    with as_web_role():
        home = home_of(client.get("/admin/").content.decode())
        links = {unescape(link) for link in re.findall(r'href="(/admin/[^"]*)"', home)}
        assert len(links) > 12
        for link in links:
            # A list answers with a redirect where it does not know a filter.
            assert client.get(link).status_code == 200, link


@pytest.mark.parametrize("url", ["/admin/", "/admin/now/"])
def test_the_page_costs_a_fixed_number_of_queries_and_never_counts_the_history(busy: Filled, url: str) -> None:
    client = Client()
    client.force_login(User.objects.get(pk=busy.user_ids["admin"]))
    with as_web_role(), CaptureQueriesContext(connection) as captured:
        client.get(url)
    assert len(captured) <= QUERIES
    statements = [query["sql"].lower() for query in captured.captured_queries]
    assert any("dispatch_counts" in statement for statement in statements)
    assert not [one for one in statements if "count(" in one and re.search(r'from "?dispatches\b', one)]


def test_an_empty_installation_is_told_what_to_do_first(db: None) -> None:
    tenant = TenantFactory.create()
    author = MembershipFactory.create(tenant=tenant, role="author").user
    viewer = MembershipFactory.create(tenant=tenant, role="viewer").user
    pages = {}
    for person in (author, viewer):
        client = Client(headers={"accept-language": "en"})
        client.force_login(person)
        with as_web_role():
            pages[person] = home_of(client.get("/admin/").content.decode())
    assert "First steps" in pages[author]
    assert 'href="/admin/campaigns/campaign/add/"' in pages[author]
    assert "/add/" not in pages[viewer]


def test_steps_that_are_done_are_ticked_and_all_done_are_gone(two: tuple[Filled, Filled]) -> None:
    """The organisation has everything, dispatches too, though none was counted today."""
    assert "First steps" not in page_of(two[0], "viewer")


def test_a_provider_that_fails_is_told_with_its_share_and_reason(busy: Filled) -> None:
    Dispatch.objects.filter(pk=busy.failed).update(reason="VENDOR_SAID_NO")
    home = home_of(page_of(busy, "viewer"))
    assert "10 · 20.0%" in words_of(home)
    assert "VENDOR_SAID_NO" in words_of(home)
    assert "reason=VENDOR_SAID_NO" in home


def test_numbers_of_yesterday_are_not_todays(two: tuple[Filled, Filled]) -> None:
    count_changes(two[0], "SENT", 99, at=timezone.now() - dt.timedelta(days=2))
    assert re.search(r"Sent today\s+0\b", words_of(home_of(page_of(two[0], "viewer"))))
