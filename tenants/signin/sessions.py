"""How long somebody stays signed in: so many hours at most, and so many minutes without doing anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout, user_logged_in
from django.http import HttpRequest
from django.http.response import HttpResponseBase

STARTED, SEEN = "signed_in_at", "seen_at"
_FRESH = 60
"""Seconds for which a session is not written again: reading pages is no reason to write one per click."""


class SessionLimitsMiddleware:
    """Ends a session past its time before anybody is recognised by it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            now = int(time.time())
            if is_over(request.session, now):
                logout(request)
            elif _is_a_person_acting(request) and now - request.session.get(SEEN, 0) > _FRESH:
                begin(request.session, now)
        return self.get_response(request)


def is_over(session: Any, now: int) -> bool:
    """Past the hours since the sign-in, or the minutes since the last thing done."""
    started, seen = session.get(STARTED, now), session.get(SEEN, now)
    return bool(now - started >= settings.SESSION_COOKIE_AGE or now - seen >= settings.SESSION_IDLE_SECONDS)


def begin(session: Any, now: int) -> None:
    """Somebody did something just now; the first time, it was signing in."""
    session.setdefault(STARTED, now)
    session[SEEN] = now


def _is_a_person_acting(request: HttpRequest) -> bool:
    """A page that renews itself in a forgotten tab keeps nobody signed in: scripts' GETs do not count."""
    return request.method != "GET" or request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"


def _signed_in(request: HttpRequest, **_kwargs: Any) -> None:
    now = int(time.time())
    request.session[STARTED] = request.session[SEEN] = now


def connect() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="tenants.signin.sessions")
