"""What signing in leaves behind does not stay for ever."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone

from tenants import retention

pytestmark = pytest.mark.django_db(transaction=True)


def session(key: str, *, days: int) -> None:
    Session.objects.create(session_key=key, session_data="", expire_date=timezone.now() + dt.timedelta(days=days))


def failure(*, days_ago: int) -> None:
    attempt = AccessAttempt.objects.create(username=f"u{days_ago}", ip_address="127.0.0.1", failures_since_start=1)
    AccessAttempt.objects.filter(pk=attempt.pk).update(attempt_time=timezone.now() - dt.timedelta(days=days_ago))


def test_expired_sessions_and_old_failures_go_and_the_rest_stays(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    for number in range(5):
        session(f"old{number}", days=-1)
    session("alive", days=1)
    for days_ago in (0, 29, 31, 400):
        failure(days_ago=days_ago)
    call_command("clean_sign_ins")
    assert "7 rows deleted" in capsys.readouterr().out
    assert [each.session_key for each in Session.objects.all()] == ["alive"]
    assert sorted(each.username for each in AccessAttempt.objects.all()) == ["u0", "u29"]
