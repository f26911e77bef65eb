"""Rows that were chosen in a list whose keys are UUIDs: what is none is an answer to a person, not an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = object


class ChosenRows(Base):
    """Mixed in before a ModelAdmin."""

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *place: Any) -> HttpResponse | None:
        try:
            return super().response_action(request, queryset, *place)
        except ValidationError:
            self.message_user(request, _("Nothing of what you chose is in a state for this."), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
