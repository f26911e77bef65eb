"""A look at every list and every form: no error, nothing wider than the screen, nothing that shuts somebody out."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Browser, Error, ViewportSize

from tests.browser.person import DESK, PHONE, Person, admit, somebody
from tests.browser.website import Website
from tests.prism.pages import list_page, object_page, plain_urls
from tests.prism.tenancies import Filled, fill_tenant, shared_rows
from tests.prism.test_two_tenants import LEFT_OUT, objects_of

pytestmark = pytest.mark.django_db(transaction=True)

SIZES: dict[str, ViewportSize] = {"desk": DESK, "phone": PHONE}
NO_PAGES = (*LEFT_OUT, "/admin/jsi18n/", "/organisation/", "/metrics")


@pytest.fixture
def filled() -> Filled:
    shared_rows()
    return fill_tenant("Acmeum")


def pages_of(filled: Filled) -> Iterator[str]:
    yield from sorted(url for url in plain_urls() if url.startswith("/admin/") and url not in NO_PAGES)
    for model, pk in objects_of(filled).items():
        yield object_page(model, "change", pk)
        yield object_page(model, "history", pk)
        yield object_page(model, "delete", pk)


@pytest.mark.parametrize("half", [0, 1])
def test_every_page_is_whole(browser: Browser, website: Website, filled: Filled, axe: Axe, half: int) -> None:
    """At a desk's width and at a phone's, one after the other. Two halves: two test processes share the pages."""
    with somebody(browser, website.address) as person:
        User.objects.filter(pk=filled.user_ids["admin"]).update(is_superuser=True)
        admit(person, User.objects.get(pk=filled.user_ids["admin"]))
        pages = list(pages_of(filled))[half::2]
        found = [f"{url}: {fault}" for url in pages for fault in faults_of(person, axe, url)]
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def faults_of(person: Person, axe: Axe, url: str) -> list[str]:
    person.leave()
    person.page.set_viewport_size(DESK)
    person.troubles.clear()
    try:
        response = person.open(url)
    except Error as error:
        # An answer to POST only, without a page: the browser stays where it is.
        if "ERR_HTTP_RESPONSE_CODE_FAILURE" not in str(error):
            raise
        status = person.page.request.get(f"{person.address}{url}").status
        return [] if status == HTTPStatus.METHOD_NOT_ALLOWED else [f"status {status} and an empty page"]
    # Forbidden or gone is an answer too: it is shown as a page like all others.
    faults = [f"status {response.status}"] if response.status >= 500 else []
    # A fragment, which other pages fetch, is none by itself.
    if "<html" in response.text():
        for name, size in SIZES.items():
            person.page.set_viewport_size(size)
            seen = [f"too wide: {one}" for one in person.too_wide()] + person.grave_findings(axe)
            faults += [f"{name}: {one}" for one in seen]
    expected = f"console: Failed to load resource: the server responded with a status of {response.status}"
    return faults + [trouble for trouble in person.troubles if not trouble.startswith(expected)]


def test_the_login_page_is_whole(browser: Browser, website: Website, axe: Axe) -> None:
    with somebody(browser, website.address) as person:
        assert faults_of(person, axe, reverse("admin:login")) == []


def test_a_list_page_is_among_them(filled: Filled) -> None:
    assert list_page(User) in set(pages_of(filled))
