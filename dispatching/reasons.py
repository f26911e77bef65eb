"""Every reason this room gives for not sending, with what a person is told (decision 8)."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Codes of rejected triggers: the event became no dispatch.
UNKNOWN_JOURNEY = "UNKNOWN_JOURNEY"
CAMPAIGN_INACTIVE = "CAMPAIGN_INACTIVE"
CAMPAIGN_NOT_STARTED = "CAMPAIGN_NOT_STARTED"
CAMPAIGN_ENDED = "CAMPAIGN_ENDED"
CAMPAIGN_WITHOUT_PROVIDER = "CAMPAIGN_WITHOUT_PROVIDER"
DUPLICATE_OTHER_PAYLOAD = "DUPLICATE_OTHER_PAYLOAD"

# Codes of dispatches: a gate refused, or the sending ended without delivery.
PROVIDER_INACTIVE = "PROVIDER_INACTIVE"
PROVIDER_REMOVED = "PROVIDER_REMOVED"
PROVIDER_MISCONFIGURED = "PROVIDER_MISCONFIGURED"
PROVIDER_UNAVAILABLE = "PROVIDER_UNAVAILABLE"
TEMPLATE_INACTIVE = "TEMPLATE_INACTIVE"
NO_ADDRESS = "NO_ADDRESS"
INVALID_ADDRESS = "INVALID_ADDRESS"
MISSING_ATTRIBUTE = "MISSING_ATTRIBUTE"
NO_PERSON_KEY = "NO_PERSON_KEY"
CONTROL_GROUP = "CONTROL_GROUP"
FREQUENCY_CAP = "FREQUENCY_CAP"
NOT_AFTER_PASSED = "NOT_AFTER_PASSED"
ATTEMPTS_EXHAUSTED = "ATTEMPTS_EXHAUSTED"
WORKER_LOST = "WORKER_LOST"
EARLIER_TRY_UNANSWERED = "EARLIER_TRY_UNANSWERED"
CANCELLED_BY_OPERATOR = "CANCELLED_BY_OPERATOR"
RESOLVED_BY_OPERATOR = "RESOLVED_BY_OPERATOR"
REPORTED_UNDELIVERED = "REPORTED_UNDELIVERED"

EXPLANATIONS: dict[str, Promise] = {
    UNKNOWN_JOURNEY: _("No campaign has this journey name. Create it, or correct the trigger, then replay."),
    CAMPAIGN_INACTIVE: _("The campaign is switched off."),
    CAMPAIGN_NOT_STARTED: _("The campaign's start date is still ahead."),
    CAMPAIGN_ENDED: _("The campaign's end date has passed."),
    CAMPAIGN_WITHOUT_PROVIDER: _("The campaign has no provider with a template."),
    DUPLICATE_OTHER_PAYLOAD: _(
        "This correlation id was already taken with other content. The first one counts; send changes under a new id."
    ),
    PROVIDER_INACTIVE: _("The provider is switched off."),
    PROVIDER_REMOVED: _("The provider was taken out of the campaign after this was planned."),
    PROVIDER_MISCONFIGURED: _("The provider's configuration cannot be used. See the provider's page."),
    PROVIDER_UNAVAILABLE: _("The provider was in trouble at that moment, and the campaign's next one took over."),
    TEMPLATE_INACTIVE: _("The template is switched off."),
    NO_ADDRESS: _("The contact has no address for this channel."),
    INVALID_ADDRESS: _("The contact's address for this channel is not a valid one."),
    MISSING_ATTRIBUTE: _("The message needs contact attributes that the trigger did not bring."),
    NO_PERSON_KEY: _("The campaign has a control group, and the contact has no tax id to be told apart by."),
    CONTROL_GROUP: _("The contact is in the control group and receives nothing, on purpose."),
    FREQUENCY_CAP: _("The person has had as many messages in this period as the frequency cap allows."),
    NOT_AFTER_PASSED: _("The latest moment for this message has passed."),
    ATTEMPTS_EXHAUSTED: _("The provider did not take it in any of the attempts allowed."),
    WORKER_LOST: _("The process that was sending it was lost; the provider may or may not have it."),
    EARLIER_TRY_UNANSWERED: _("The provider never answered an earlier try and may have it; no later try settled that."),
    CANCELLED_BY_OPERATOR: _("A person cancelled it."),
    RESOLVED_BY_OPERATOR: _("The provider never answered; a person settled how it ended."),
    REPORTED_UNDELIVERED: _("The provider took it, and reported later that it could not be delivered."),
}
