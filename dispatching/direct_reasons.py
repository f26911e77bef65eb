"""Why a message without a campaign is refused at the door, beside the reasons that all dispatches share."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dispatching import reasons

PROVIDER_NOT_FOUND = "PROVIDER_NOT_FOUND"
PROVIDER_AMBIGUOUS = "PROVIDER_AMBIGUOUS"
TEMPLATE_NOT_FOUND = "TEMPLATE_NOT_FOUND"
TEMPLATE_AMBIGUOUS = "TEMPLATE_AMBIGUOUS"
TEMPLATE_OF_OTHER_CHANNEL = "TEMPLATE_OF_OTHER_CHANNEL"
TEMPLATE_REQUIRED = "TEMPLATE_REQUIRED"
SCHEDULED_TOO_LATE = "SCHEDULED_TOO_LATE"
SCHEDULED_TOO_FAR = "SCHEDULED_TOO_FAR"

EXPLANATIONS: dict[str, Promise] = {
    PROVIDER_NOT_FOUND: _("There is no such provider."),
    PROVIDER_AMBIGUOUS: _("Several active providers are of this type. Name one by its id."),
    TEMPLATE_NOT_FOUND: _("There is no such template."),
    TEMPLATE_AMBIGUOUS: _("This template exists in several languages. Name one of them."),
    TEMPLATE_OF_OTHER_CHANNEL: _("The template is for another channel than the provider's."),
    TEMPLATE_REQUIRED: _("This channel takes approved templates only, no free text."),
    SCHEDULED_TOO_LATE: _("The latest moment is before the moment it is scheduled for."),
    SCHEDULED_TOO_FAR: _("The moment is further ahead than dispatches are kept."),
    reasons.PROVIDER_REMOVED: _("The provider was deleted."),
    reasons.PROVIDER_MISCONFIGURED: _("The provider's configuration cannot be used."),
    reasons.MISSING_ATTRIBUTE: _("The message needs values that were not given, or are neither text nor number."),
    reasons.DUPLICATE_OTHER_PAYLOAD: _(
        "This correlation id was already used for another message. The first one counts; send changes under a new id."
    ),
}


def told(code: str, detail: str = "") -> str:
    """What the caller reads: the meaning, and what it is about."""
    text = str(EXPLANATIONS.get(code) or reasons.EXPLANATIONS[code])
    return f"{text} ({detail})" if detail else text
