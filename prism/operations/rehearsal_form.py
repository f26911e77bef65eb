"""What somebody pastes to ask "would this person get it?": contact attributes, or a whole event."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from dispatching.triggers import Trigger
from ingestion.decoding import decode
from ingestion.records import Fault, Record


class RehearsalForm(forms.Form):
    """Cleans to `trigger`, decoded as an event from Kafka is, and `known_id`: the event's own id, "" where made up."""

    campaign = forms.ModelChoiceField(Campaign.objects.none(), label=_("Campaign"))
    attributes = forms.CharField(
        label=_("Contact attributes, or a whole event, as JSON"),
        max_length=200_000,
        widget=forms.Textarea(attrs={"class": "ops-input", "rows": 12, "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, tenant_id: int, now: dt.datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tenant_id = tenant_id
        self._now = now
        field = self.fields["campaign"]
        field.queryset = Campaign.objects.filter(tenant_id=tenant_id).order_by("name")  # type: ignore[attr-defined]  # a ModelChoiceField
        field.widget.attrs["class"] = "ops-input"

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        event = self._event(cleaned["attributes"], cleaned["campaign"].name)
        cleaned["known_id"] = event.pop("_known_id")
        decoded = self._decoded(event)
        if isinstance(decoded, Fault):
            path = "" if decoded.path in ("", "$") else f"{decoded.path}: "
            raise ValidationError({"attributes": f"{path}{decoded.message}"})
        cleaned["trigger"] = decoded
        return cleaned

    def _event(self, text: str, journey: str) -> dict[str, Any]:
        try:
            given = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValidationError({"attributes": _("This is not JSON: %(problem)s") % {"problem": error}}) from None
        if not isinstance(given, dict):
            raise ValidationError({"attributes": _("This must be a JSON object, as {…}.")})
        whole = isinstance(given.get("contact_attributes"), dict)
        known = given.get("correlation_id") if whole else None
        return {
            "journey_name": journey,
            "correlation_id": known or str(uuid.uuid4()),
            "triggered_at": given.get("triggered_at") if whole else None,
            "contact_attributes": given["contact_attributes"] if whole else given,
            "_known_id": known if isinstance(known, str) else "",
        }

    def _decoded(self, event: dict[str, Any]) -> Trigger | Fault:
        record = Record(
            topic=settings.KAFKA_TRIGGERS_TOPIC,
            partition=0,
            offset=0,
            value=json.dumps(event).encode(errors="surrogatepass"),
            headers=[],
            record_at=None,
            received_at=self._now,
        )
        return decode(record, self._tenant_id, settings.TRIGGER_MAX_BYTES)
