"""Cells that the lists of this room share: a status in its colour, a contact masked, a reason in words."""

from __future__ import annotations

import datetime as dt

from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from dispatching.models import Dispatch
from dispatching.statuses import Status
from dispatching.wording import TONES, reason_text
from providers.masking import masked_destination, masked_tax_id

LABELS: dict[str, Promise | str] = {status.value: status.label for status in Status}
QUEUE: dict[str, tuple[str, Promise]] = {
    "PENDING": ("info", _("Waits")),
    "PROCESSING": ("info", _("Being sent")),
    "COMPLETED": ("success", _("Done")),
    "CANCELLED": ("none", _("Cancelled")),
    "FAILED": ("danger", _("Not sent")),
}
"""The statuses of seed 000 §9."""


def chip(text: object, tone: str) -> SafeString:
    return format_html('<span class="ops-chip ops-{}">{}</span>', tone or "none", text)


def status_chip(status: str) -> SafeString:
    return chip(LABELS.get(status, status), TONES.get(status, ""))


def queue_chip(status: str) -> SafeString:
    tone, label = QUEUE.get(status, ("none", status))
    return chip(label, tone)


def moment(when: dt.datetime | None) -> str:
    """Day, month and time to the second: lists span days, seldom years."""
    if when is None:
        return "—"
    local = timezone.localtime(when)
    return f"{formats.date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M:%S}"


def contact(dispatch: Dispatch | None) -> SafeString:
    if dispatch is None:
        return SafeString("—")
    to, tax_id = masked_destination(dispatch.destination), masked_tax_id(dispatch.contact_tax_id)
    if to and tax_id:
        return format_html(
            '<span class="ops-cell ops-contact" title="{}">{}<span class="ops-under">{}</span></span>', to, to, tax_id
        )
    return format_html('<span class="ops-cell ops-contact">{}</span>', to or tax_id or "—")


def sender(dispatch: Dispatch) -> SafeString:
    """The provider; under it the channel, and the label in the campaign where that says more."""
    name = dispatch.provider.provider_name if dispatch.provider else "—"
    label = dispatch.campaign_provider.label if dispatch.campaign_provider else ""
    under = f"{dispatch.channel} · {label}" if label and label != name else dispatch.channel
    return format_html('<span class="ops-cell">{}<span class="ops-under">{}</span></span>', name, under)


def reason(code: str, detail: str = "") -> SafeString:
    """In words, and what it is about; the code stands in the title, for who knows it."""
    if not code:
        return SafeString("—")
    told = reason_text(code)
    if told == code and detail:
        told, detail = detail, code
    return format_html(
        '<span class="ops-cell ops-two-lines" title="{}">{}<span class="ops-under">{}</span></span>',
        code,
        told[:160],
        (detail or code if told != code else "")[:120],
    )
