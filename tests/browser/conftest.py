"""A website and a browser, started once per test process and only where a test wants them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import Browser

    from tests.browser.website import Website


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    from tests.browser import chromium

    # Playwright runs an event loop beside the test; Django's own calls here are not made from within it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium.program(), args=chromium.arguments())
        yield opened
        opened.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def running_website(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Website]:
    from tests.browser.website import Website
    from tests.databases import own_urls

    website = Website(own_urls(), tmp_path_factory.mktemp("web") / "web.log")
    yield website
    website.stop()


@pytest.fixture
def website(transactional_db: None, running_website: Website) -> Website:
    """The web process on this test's database."""
    running_website.wait_until_ready()
    return running_website


@pytest.fixture(scope="session")
def axe() -> Axe:
    from axe_playwright_python.sync_playwright import Axe

    return Axe()
