"""As a person: the home page tells what happens without being asked again."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from campaigns.models import Campaign
from dispatching.models import DispatchCount
from dispatching.statuses import Status
from tenants.models import Tenant
from tests.browser.person import Person, admit
from tests.browser.test_a_campaign import ana, load
from tests.factories import CampaignFactory

__all__ = ["ana"]

pytestmark = pytest.mark.django_db(transaction=True)

RENEWED_EVERY_MS = 10_000


def count(changes: int) -> None:
    now = timezone.localtime()
    hour = now.replace(minute=0, second=0, microsecond=0).astimezone(dt.UTC)
    tenant = Tenant.objects.get()
    if not Campaign.objects.exists():  # before the first one the page shows the first steps
        CampaignFactory.create(tenant=tenant)
    DispatchCount.objects.create(tenant=tenant, hour=hour, status=Status.SENT, changes=changes)


def test_the_home_page_renews_itself_and_keeps_its_chart(ana: Person) -> None:
    ana.page.clock.install()
    admit(ana, load())
    count(16)
    ana.open("/admin/")
    tile = ana.page.locator(".desk-tile", has_text="Enviados hoje")
    expect(tile).to_contain_text("16")
    chart = ana.page.locator("canvas.chart")
    chart.evaluate("canvas => canvas.dataset.seen = 'before'")
    count(26)
    ana.page.clock.fast_forward(RENEWED_EVERY_MS + 1_000)
    expect(tile).to_contain_text("42")
    expect(chart).to_have_attribute("data-seen", "before")


def test_a_lost_connection_is_told_and_the_numbers_stay(ana: Person) -> None:
    ana.page.clock.install()
    admit(ana, load())
    count(16)
    ana.open("/admin/")
    ana.page.route("**/*", lambda route: route.fulfill(status=503, body=""))
    ana.page.clock.fast_forward(RENEWED_EVERY_MS + 1_000)
    expect(ana.page.locator(".desk-renewed.failed")).to_be_visible()
    expect(ana.page.locator(".desk-tile", has_text="Enviados hoje")).to_contain_text("16")
    ana.leave()
    ana.troubles.clear()  # the answer that was meant
