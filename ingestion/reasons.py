"""Every code of a rejected trigger, with what a person is told: what happened, and what to do."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dispatching import reasons as dispatching_reasons

# The record
NO_VALUE = "NO_VALUE"
TOO_LARGE = "TOO_LARGE"
STALE = "STALE"
UNKNOWN_TENANT = "UNKNOWN_TENANT"
TENANT_INACTIVE = "TENANT_INACTIVE"
# The text
INVALID_UTF8 = "INVALID_UTF8"
MALFORMED_JSON = "MALFORMED_JSON"
NOT_A_NUMBER = "NOT_A_NUMBER"
NUL_CHARACTER = "NUL_CHARACTER"
LONE_SURROGATE = "LONE_SURROGATE"
# The fields
NOT_AN_OBJECT = "NOT_AN_OBJECT"
MISSING_FIELD = "MISSING_FIELD"
WRONG_TYPE = "WRONG_TYPE"
EMPTY_TEXT = "EMPTY_TEXT"
TEXT_TOO_LONG = "TEXT_TOO_LONG"
INVALID_KEY = "INVALID_KEY"
INVALID_TIME = "INVALID_TIME"
NUMBER_OUT_OF_RANGE = "NUMBER_OUT_OF_RANGE"
TOO_MANY_ITEMS = "TOO_MANY_ITEMS"
TOO_DEEP = "TOO_DEEP"
# Afterwards
UNSTORABLE = "UNSTORABLE"
PLANNING_FAILED = "PLANNING_FAILED"
SKIPPED_IN_RECOVERY = "SKIPPED_IN_RECOVERY"

_RESEND = _("Correct the producer and send the event again; a replay of the same bytes fails in the same way.")
_EXPLANATIONS: dict[str, tuple[Promise, Promise]] = {
    NO_VALUE: (
        _("The record has no value, or an empty one (a tombstone)."),
        _("Nothing is lost. If an event was meant, correct the producer and send it again."),
    ),
    TOO_LARGE: (
        _("The record is larger than TRIGGER_MAX_BYTES."),
        _("Send less, or raise the setting and send the event again: only its beginning was kept."),
    ),
    STALE: (
        _("By Kafka's time the record is older than the ledger reaches: nobody can tell whether it was sent before."),
        _("If it must be sent, send it again as a new event."),
    ),
    UNKNOWN_TENANT: (
        _("The organisation that the header or the topic names does not exist."),
        _("Create it, or correct the header “tenant” or KAFKA_TRIGGER_TOPIC_TENANTS, then replay."),
    ),
    TENANT_INACTIVE: (_("The organisation is switched off."), _("Switch it on, then replay.")),
    INVALID_UTF8: (_("The value is not UTF-8 text."), _RESEND),
    MALFORMED_JSON: (_("The value is not JSON."), _RESEND),
    NOT_A_NUMBER: (
        _("NaN and Infinity are not JSON."),
        _("Let the producer write null, or leave the field out, and send the event again."),
    ),
    NUL_CHARACTER: (_("A text holds the character NUL, which PostgreSQL cannot store."), _RESEND),
    LONE_SURROGATE: (_("A text holds half of a surrogate pair: it was cut inside a character."), _RESEND),
    NOT_AN_OBJECT: (_("The value is JSON, but not an object."), _RESEND),
    MISSING_FIELD: (_("A required field is missing."), _RESEND),
    WRONG_TYPE: (_("A field has another type than its schema says."), _RESEND),
    EMPTY_TEXT: (_("A text that must not be empty is empty."), _RESEND),
    TEXT_TOO_LONG: (_("A text is longer than allowed."), _RESEND),
    INVALID_KEY: (_("The name of an attribute is empty or longer than allowed."), _RESEND),
    INVALID_TIME: (_("A time is not in RFC 3339 form, or out of range."), _RESEND),
    NUMBER_OUT_OF_RANGE: (_("A number is too large to be kept."), _RESEND),
    TOO_MANY_ITEMS: (_("An object or a list has more entries than allowed."), _RESEND),
    TOO_DEEP: (_("Objects or lists are nested deeper than allowed."), _RESEND),
    UNSTORABLE: (
        _("The database refused this event alone; the others of its batch were taken."),
        _("Report the message to the developers; after a correction, replay."),
    ),
    PLANNING_FAILED: (
        _("Prism failed on this event alone; the others of its batch were taken."),
        _("Report the message to the developers; after a correction, replay."),
    ),
    SKIPPED_IN_RECOVERY: (
        _(
            "The database was restored to a state before this event. It may have been sent before that, and was marked "
            "unknown instead of being sent again."
        ),
        _("Replay it only if you know that the message was not sent."),
    ),
    dispatching_reasons.UNKNOWN_JOURNEY: (
        dispatching_reasons.EXPLANATIONS[dispatching_reasons.UNKNOWN_JOURNEY],
        _("Create the campaign under exactly this name, then replay."),
    ),
    dispatching_reasons.CAMPAIGN_INACTIVE: (
        dispatching_reasons.EXPLANATIONS[dispatching_reasons.CAMPAIGN_INACTIVE],
        _("Switch the campaign on, then replay; or discard."),
    ),
    dispatching_reasons.CAMPAIGN_WITHOUT_PROVIDER: (
        dispatching_reasons.EXPLANATIONS[dispatching_reasons.CAMPAIGN_WITHOUT_PROVIDER],
        _("Give the campaign a provider with a template, then replay."),
    ),
}


_OF_PLANNING = (
    dispatching_reasons.CAMPAIGN_NOT_STARTED,
    dispatching_reasons.CAMPAIGN_ENDED,
    dispatching_reasons.DUPLICATE_OTHER_PAYLOAD,
)
"""What planning refuses beside those above, where nothing more is to be said than what happened."""


def explanation(code: str) -> str:
    """What the code means, in the reader's language; empty for a code that neither room knows."""
    known = _EXPLANATIONS.get(code)
    return str(known[0] if known else dispatching_reasons.EXPLANATIONS.get(code, ""))


def what_to_do(code: str) -> str:
    known = _EXPLANATIONS.get(code)
    return str(known[1]) if known else ""


def codes() -> list[str]:
    """Every code that an event may be rejected with."""
    return [*_EXPLANATIONS, *(code for code in _OF_PLANNING if code not in _EXPLANATIONS)]
