"""What browsers are told: on pages, on answers to programs, on static files."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tenants.models import Role
from tenants.signin.sessions import SEEN, STARTED
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(MembershipFactory.create(role=Role.ADMIN).user)
    return client


PAGES = ["/admin/login/", "/admin/", "/admin/audiences/segment/", "/nowhere", "/static/prism/desk.css"]


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_says_what_it_may_do(client: Client, path: str) -> None:
    response = client.get(path)
    response.close()
    headers = response.headers
    for name, value in {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }.items():
        assert headers[name] == value, name
    assert "camera=()" in headers["Permissions-Policy"]
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";") if part.strip())
    assert policy["default-src"] == "'self'"
    assert set(policy["script-src"].split()) == {"'self'", "'unsafe-eval'"}
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "http" not in headers["Content-Security-Policy"]
    assert "*" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/admin/", "/admin/audiences/segment/", "/organisation/"])
def test_what_is_for_somebody_signed_in_is_kept_nowhere(client: Client, path: str) -> None:
    assert "no-store" in client.get(path).headers["Cache-Control"]


def test_cookies_are_kept_from_scripts_and_from_other_sites() -> None:
    member, client = MembershipFactory.create(), Client()
    client.post(reverse("admin:login"), {"username": member.user.username, "password": "a long enough secret"})
    session = client.cookies[settings.SESSION_COOKIE_NAME]
    assert session["httponly"]
    assert session["samesite"] == "Lax"
    assert session["max-age"] == settings.SESSION_COOKIE_AGE
    assert settings.SESSION_COOKIE_SECURE == settings.SECURE_SSL_REDIRECT


def test_signing_in_makes_a_new_session() -> None:
    member = MembershipFactory.create()
    client = Client()
    session = client.session
    session["left"] = "by somebody"
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = before = session.session_key or ""
    client.post(reverse("admin:login"), {"username": member.user.username, "password": "a long enough secret"})
    assert client.session.session_key != before
    assert client.get("/admin/").status_code == 200


def moved(client: Client, **keys: int) -> None:
    session = client.session
    for key, seconds in keys.items():
        session[key] = int(time.time()) - seconds
    session.save()


def is_in(client: Client, **headers: Any) -> bool:
    return client.get("/admin/audiences/segment/", headers=headers).status_code == 200


def test_doing_nothing_for_long_ends_a_session(client: Client) -> None:
    moved(client, **{SEEN: settings.SESSION_IDLE_SECONDS - 5})
    assert is_in(client)
    assert client.session[SEEN] > time.time() - 5
    moved(client, **{SEEN: settings.SESSION_IDLE_SECONDS + 5})
    assert not is_in(client)
    assert not is_in(client)


def test_a_page_that_renews_itself_keeps_nobody_signed_in(client: Client) -> None:
    moved(client, **{SEEN: settings.SESSION_IDLE_SECONDS - 5})
    before = client.session[SEEN]
    assert is_in(client, **{"Sec-Fetch-Mode": "cors"})
    assert client.session[SEEN] == before


def test_the_longest_session_ends_too(client: Client) -> None:
    moved(client, **{STARTED: settings.SESSION_COOKIE_AGE + 5, SEEN: 0})
    assert not is_in(client)


def test_clicking_on_writes_the_session_once_a_minute(client: Client) -> None:
    moved(client, **{SEEN: 30})
    before = client.session[SEEN]
    assert is_in(client)
    assert client.session[SEEN] == before
