"""The page of those who failed to sign in, for administrators: who, from where, until when, and letting them in."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display

from tenants.identity import Capability, may, tenant_of
from tenants.models import Membership
from tenants.scoping import ReadOnlyAdmin
from tenants.signin.lockout import blocked, unlock

# The library's own words, which come without Portuguese: said here, they are in our catalogue.
WORDS = (
    _("access attempt"),
    _("access attempts"),
    _("IP Address"),
    _("Failed Logins"),
    _("Attempt Time"),
    _("User Agent"),
    _("Username"),
    _("Axes"),
)


@admin.register(AccessAttempt)
class FailedSignInAdmin(ReadOnlyAdmin):
    list_display = ("username", "ip_address", "failures_since_start", "attempt_time", "state")
    list_display_links = None
    ordering = ("-attempt_time",)
    search_fields = ("username",)
    actions = ("let_in",)
    fields = readonly_fields = ("username", "ip_address", "failures_since_start", "attempt_time", "user_agent")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Those of the organisation's members; a superuser sees also names that nobody has."""
        identity, attempts = tenant_of(request), blocked()
        if request.user.is_superuser:
            return attempts
        members = Membership.objects.filter(tenant_id=identity.id if identity else 0)
        return attempts.filter(username__in=members.values("user__username"))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and may(request, Capability.ADMINISTER)

    def has_unlock_permission(self, request: HttpRequest) -> bool:
        return may(request, Capability.ADMINISTER)

    @display(description=_("state"), label={True: "danger", False: "warning"})  # type: ignore[untyped-decorator]  # the theme has no types
    def state(self, attempt: Any) -> tuple[bool, Any]:
        locked = attempt.failures_since_start >= settings.AXES_FAILURE_LIMIT
        return locked, _("Locked out") if locked else _("Being counted")

    @admin.action(description=_("Let the selected people in again"), permissions=["unlock"])
    def let_in(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        names = unlock(self.get_queryset(request).filter(pk__in=queryset.values("pk")))
        people = User.objects.filter(username__in=names)
        if people:
            LogEntry.objects.log_actions(str(request.user.pk), people, CHANGE, str(_("Let in after failed sign-ins")))
        text = ngettext("%(count)d person may sign in again.", "%(count)d people may sign in again.", len(names))
        self.message_user(request, text % {"count": len(names)}, messages.SUCCESS)
