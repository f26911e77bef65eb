"""Somebody at the screen: a page of a real browser, and everything that went wrong while they used it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, Response, ViewportSize

DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 740}
# What keeps somebody from using a page; lesser findings are for whoever works on it.
GRAVE = {"serious", "critical"}
OVERFLOW = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const scrolls = (e) => { for (let p = e.parentElement; p; p = p.parentElement) {
    if (p === document.body || p === document.documentElement) return false;
    if (/auto|scroll|hidden/.test(getComputedStyle(p).overflowX)) return true; } return false; };
  return [...document.body.querySelectorAll('*')]
    .filter((e) => e.getBoundingClientRect().right > room + 1 && !scrolls(e)).slice(0, 5)
    .map((e) => e.tagName + '.' + e.className.toString().slice(0, 80));
}"""


class Person:
    """`troubles` is what the browser complained about: script errors, refused content, failed requests."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.troubles: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.troubles.append(f"script error: {error}"))
        self.page.on("requestfailed", self._lost)
        self.page.on("response", self._answered)

    def open(self, path: str) -> Response:
        response = self.page.goto(f"{self.address}{path}", wait_until="load")
        assert response is not None, path
        return response

    def leave(self) -> None:
        """What the page still asks for ends with it. A page of Chromium's own, told late, may come in between."""
        for _ in range(5):
            try:
                self.page.goto("about:blank")
            except Error:
                self.page.wait_for_timeout(300)
            else:
                return

    def too_wide(self) -> list[str]:
        """Elements that make the page itself scroll sideways, and go on doing so: charts follow a new width."""
        found: list[str] = []
        for _ in range(10):
            found = list(self.page.evaluate(OVERFLOW))
            if not found:
                break
            self.page.wait_for_timeout(100)
        return found

    def grave_findings(self, axe: Axe) -> list[str]:
        """What axe finds serious or critical: rule, impact and where."""
        answer: dict[str, Any] = axe.run(self.page).response
        return [
            f"{one['id']} ({one['impact']}): {one['nodes'][0]['target']} {one['nodes'][0]['html'][:160]}"
            for one in answer["violations"]
            if one["impact"] in GRAVE
        ]

    def _heard(self, message: ConsoleMessage) -> None:
        # A page that names no icon of its own makes Chromium ask for the usual one, some time.
        if message.type == "error" and not str(message.location.get("url", "")).endswith("/favicon.ico"):
            self.troubles.append(f"console: {message.text}")

    def _lost(self, request: Request) -> None:
        # Going to the next page breaks off what the last one still asks for.
        if request.failure != "net::ERR_ABORTED":
            self.troubles.append(f"lost: {request.url} {request.failure}")

    def _answered(self, response: Response) -> None:
        if not response.url.startswith((self.address, "data:", "about:", "blob:")):
            self.troubles.append(f"from elsewhere: {response.url}")


@contextmanager
def somebody(
    browser: Browser, address: str, *, size: ViewportSize = DESK, dark: bool = False, locale: str = "pt-BR"
) -> Iterator[Person]:
    """A new person with a new browser window, not signed in."""
    context = browser.new_context(
        locale=locale,
        timezone_id="America/Sao_Paulo",
        viewport=size,
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    try:
        yield Person(context, address)
    finally:
        context.close()


def admit(person: Person, user: User) -> None:
    """Signed in without the login page, which has a test of its own."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    person.page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": person.address}])
