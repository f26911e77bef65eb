"""The pictures of the README, taken of what really ran: `make pictures` writes them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse
from playwright.sync_api import Browser

from campaigns.models import Campaign
from dispatching.models import Dispatch
from tests.browser.person import Person, admit, somebody
from tests.browser.test_a_campaign import PASSWORD, world
from tests.browser.website import Website
from tests.databases import CHECKOUT
from tests.journeys.events import trigger
from tests.journeys.vendor import phone
from tests.journeys.world import World

__all__ = ["world"]

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("home", "campaign", "dispatches", "dispatch")
PLACE = CHECKOUT / "docs" / "pictures"
NAMED = re.compile(r"!\[[^\]]+\]\(docs/pictures/(\w+)\.png\)")


def test_the_readme_shows_the_pictures_that_are_taken_here() -> None:
    assert NAMED.findall((CHECKOUT / "README.md").read_text()) == list(NAMES)
    assert {path.stem for path in PLACE.glob("*.png")} == set(NAMES)


def test_the_pictures_are_taken(world: World, website: Website, browser: Browser, tmp_path: Path) -> None:
    refused = something_happened(world)
    place = Path(os.environ.get("PRISM_PICTURES") or tmp_path)
    with somebody(browser, website.address, size={"width": 1280, "height": 800}) as person:
        admit(person, User.objects.get(username="ana"))
        campaign = Campaign.objects.get(name="black_friday_credit_2024")
        pages = {
            "home": reverse("admin:index"),
            "campaign": f"{reverse('admin:campaigns_campaign_change', args=[campaign.pk])}#campaign_providers-group",
            "dispatches": reverse("admin:dispatching_dispatch_changelist"),
            "dispatch": reverse("admin:dispatching_dispatch_change", args=[refused.pk]),
        }
        assert tuple(pages) == NAMES
        for name, path in pages.items():
            take(person, path, place / f"{name}.png")
    assert person.troubles == []


def something_happened(world: World) -> Dispatch:
    """The sample's campaigns met some people; one of the messages was refused by the vendor."""
    vendor = world.vendor()
    call_command("load_sample", sandbox_url=vendor.url, admin_username="ana", admin_password=PASSWORD)
    world.consumer()
    people = [trigger("credit_expiring", tax_identification=f"{number:014d}") for number in range(40)]
    refused = trigger("credit_approved", phone_number=phone(404))
    scheduled = [trigger("black_friday_credit_2024", tax_identification=f"{number:014d}") for number in range(20)]
    kept = [trigger("credit_reactivation", tax_identification=f"{number:014d}") for number in range(20)]
    world.publish(*people, refused, *scheduled, *kept, trigger("no_such_journey"))
    world.wait_for_status(refused["correlation_id"], "FAILED")
    world.wait_for_rows("SELECT status FROM dispatches", done=lambda rows: ("PENDING",) not in rows and len(rows) > 75)
    return Dispatch.objects.get(correlation_id=refused["correlation_id"])


def take(person: Person, path: str, target: Path) -> None:
    person.open(path)
    person.page.wait_for_load_state("networkidle")
    person.page.screenshot(path=target, animations="disabled")
    assert target.stat().st_size > 20_000, "an empty page makes a small picture"
