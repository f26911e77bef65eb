"""Signing in by password. What a person may do follows from the role in the tenant, never from Django's own tables."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, User


class RoleBackend(ModelBackend):
    """Knows no groups and no model permissions: those tables have no tenant and the web role may not read them."""

    def get_user_permissions(self, _user: User | AnonymousUser, _obj: Any = None) -> set[str]:
        return set()

    def get_group_permissions(self, _user: User | AnonymousUser, _obj: Any = None) -> set[str]:
        return set()

    def get_all_permissions(self, _user: User | AnonymousUser, obj: Any = None) -> set[str]:  # noqa: ARG002 - by name
        return set()
