"""Members and their second factor: who has one, and taking it away from somebody who lost his phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import BigIntegerField, F, Func, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from tenants.models import Membership
from tenants.signin import second_factor

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = object


class SecondFactorOfMembers(Base):
    """Mix into the list of members, before its base class."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        factor = Func(F("user_id"), function="prism_second_factor", output_field=BigIntegerField())
        members: QuerySet[Membership] = super().get_queryset(request).annotate(factor_id=factor)
        return members

    @admin.display(description=_("second step"))
    def second_step(self, member: Any) -> Any:
        return _("On") if member.factor_id is not None else None

    @admin.action(description=_("Reset the second step of the selected members"), permissions=["change"])
    def reset_second_step(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        """Not one's own: that takes a code, on the page for it."""
        done = 0
        for member in queryset.exclude(user=request.user.pk).select_related("user"):
            if second_factor.reset(member.user_id):
                second_factor.record(request, member.user, second_factor.DEEDS["reset"])
                done += 1
        if not done:
            self.message_user(request, _("None of them has a second step that you may reset."), messages.WARNING)
            return
        text = ngettext("%(count)d second step reset.", "%(count)d second steps reset.", done)
        self.message_user(request, text % {"count": done}, messages.SUCCESS)
