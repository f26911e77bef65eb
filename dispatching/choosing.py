"""Rows that were chosen in a list whose keys are UUIDs: what is none is an answer to a person, not an error."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _


class ChosenRows:
    """Mixed in before a ModelAdmin."""

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        try:
            answer: HttpResponse | None = super().response_action(request, queryset)  # type: ignore[misc]  # mixed in
        except ValidationError:
            told = _("Nothing of what you chose is in a state for this.")
            self.message_user(request, told, messages.ERROR)  # type: ignore[attr-defined]  # the same
            return HttpResponseRedirect(request.get_full_path())
        return answer
