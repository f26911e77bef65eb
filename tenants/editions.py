"""Two editors never overwrite each other silently: what a page was opened on is compared, under the row's lock, with
what is stored. For models with `updated_at`; the page shows `edition` through admin/edition.html.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from tenants.forms import TenantForm

PAGE = "admin/edition.html"
"""For `change_form_before_template` of an admin whose form is an EditionForm."""

# The journal is written at the end of the request that saved the row.
_REQUEST = dt.timedelta(minutes=1)


def edition_of(row: Any) -> str:
    """What changes with every save of the row; "" for one that is not stored yet."""
    return "" if row._state.adding else row.updated_at.astimezone(dt.UTC).isoformat()


def locked(row: models.Model) -> Any:
    """The row as stored, locked until the transaction ends; None where it is gone."""
    return type(row)._base_manager.select_for_update().filter(pk=row.pk).first()


class EditionForm(TenantForm):
    """Refuses a save on top of somebody else's once: the page comes back with what was typed, who came first, and the
    stored row's edition, so that saving again is a decision.
    """

    edition = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["edition"] = edition_of(self.instance)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if not self.instance._state.adding:
            self._refuse_stale()
        return cleaned

    def _refuse_stale(self) -> None:
        stored = locked(self.instance)
        if stored is None:
            raise ValidationError(_("Somebody deleted this while you were editing."), code="gone")
        if self.cleaned_data.get("edition") == edition_of(stored):
            return
        typed: Any = self.data
        typed = typed.copy()
        typed[self.add_prefix("edition")] = edition_of(stored)
        self.data = typed
        raise ValidationError(_told(stored, self._differing(stored)), code="changed_meanwhile")

    def _differing(self, stored: Any) -> list[str]:
        """Labels of the fields whose stored value is not the typed one."""
        columns = {field.name for field in stored._meta.fields}
        return [
            str(self.fields[name].label)
            for name, value in self.cleaned_data.items()
            if name in columns and getattr(stored, name) != value
        ]


def _told(stored: Any, differing: list[str]) -> list[str]:
    at = date_format(localtime(stored.updated_at), "SHORT_DATETIME_FORMAT")
    who = _last_editor(stored)
    first = (
        _("%(who)s changed this on %(when)s, while you were editing.") % {"who": who, "when": at}
        if who
        else _("This was changed on %(when)s, while you were editing.") % {"when": at}
    )
    messages = [first]
    if differing:
        messages.append(
            _("What is stored differs from what you typed in: %(fields)s.") % {"fields": ", ".join(differing)}
        )
    messages.append(_("What you typed is kept here. Save again to put it in the place of the other change."))
    return messages


def _last_editor(stored: Any) -> str:
    """By the journal; "" where its newest line is older than the change (a program's, through the API)."""
    entry = (
        LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(type(stored)),
            object_id=str(stored.pk),
            action_time__gte=stored.updated_at - _REQUEST,
        )
        .select_related("user")
        .order_by("-action_time")
        .first()
    )
    return (entry.user.get_full_name() or entry.user.get_username()) if entry else ""
