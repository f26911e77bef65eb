"""What was found, as answers in sentences, newest first, each with the gates it went through."""

from __future__ import annotations

import datetime as dt

import msgspec
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from dispatching.gates import Draft, Refusal
from dispatching.models import Dispatch
from dispatching.statuses import Status
from dispatching.steps import GATE_OF, Gate, Mark, Step, mark_of, path_of, path_to
from dispatching.telling import label_of, page_of
from dispatching.wording import TONES, moment_text, reason_text, sentence_of
from ingestion import reasons
from ingestion.models import RejectedState, RejectedTrigger
from prism.operations.searching import Found, Kind, Receipt

GATE_OF_REJECTED = {
    **GATE_OF,
    reasons.STALE: Gate.LEDGER,
    reasons.SKIPPED_IN_RECOVERY: Gate.LEDGER,
}


class Answer(msgspec.Struct, frozen=True):
    """One thing that happened, or would. `more` says what to do next or what it was about."""

    tone: str
    label: str | Promise
    sentence: str
    steps: list[Step]
    at: dt.datetime | None = None
    about: str = ""
    more: str = ""
    url: str = ""
    content: str = ""
    subject: str = ""
    is_mail: bool = False


def answers_of(found: Found, now: dt.datetime) -> list[Answer]:
    answers = [_of_dispatch(dispatch, now) for dispatch in found.dispatches]
    answers += [of_rejected(rejected) for rejected in found.rejected]
    answers.sort(key=lambda answer: answer.at or now, reverse=True)
    if found.receipt and not found.rejected:
        answers.append(_of_receipt(found.receipt, has_dispatches=bool(found.dispatches)))
    return answers


def _of_dispatch(dispatch: Dispatch, now: dt.datetime) -> Answer:
    campaign = dispatch.campaign.name if dispatch.campaign else _("message without a campaign")
    return Answer(
        tone=TONES.get(dispatch.status, ""),
        label=dispatch.get_status_display(),
        sentence=sentence_of(dispatch, now),
        steps=path_of(dispatch.status, dispatch.reason, with_campaign=dispatch.campaign_id is not None),
        at=dispatch.created_at,
        about=f"{campaign} · {label_of(dispatch)}",
        url=page_of(dispatch),
    )


def of_rejected(rejected: RejectedTrigger) -> Answer:
    told = reasons.explanation(rejected.code) or rejected.code
    own = rejected.message and not rejected.message.startswith(rejected.code)
    place = f" ({rejected.path}: {rejected.message})" if own and rejected.path not in ("", "$") else ""
    more = reasons.what_to_do(rejected.code)
    if rejected.state == RejectedState.REPLAYED:
        more = _("A person had it decided again on %(when)s.") % {"when": moment_text(rejected.state_changed_at)}
    elif rejected.state == RejectedState.DISCARDED:
        more = _("%(who)s discarded it on %(when)s.") % {
            "who": rejected.state_changed_by or "—",
            "when": moment_text(rejected.state_changed_at),
        }
    return Answer(
        tone="warning",
        label=_("Event rejected"),
        sentence=_("Nothing was sent for this event. %(told)s") % {"told": told} + place,
        steps=path_to(GATE_OF_REJECTED.get(rejected.code, Gate.EVENT), Mark.STOPPED),
        at=rejected.created_at,
        about=f"{rejected.journey_name or '—'} · {rejected.topic}[{rejected.partition}]@{rejected.offset}",
        more=more,
        url=reverse("admin:ingestion_rejectedtrigger_change", args=[rejected.pk]),
    )


def _of_receipt(receipt: Receipt, *, has_dispatches: bool) -> Answer:
    """The ledger's line: why the same id a second time does nothing."""
    when = {"when": moment_text(receipt.received_at)}
    if receipt.rejected:
        text = _("An event with this id was refused on %(when)s, and its record has left since. A new one is taken.")
        return Answer("warning", _("Rejected before"), text % when, path_to(Gate.LEDGER, Mark.STOPPED))
    if has_dispatches:
        text = _(
            "The event with this id was taken on %(when)s. Any other one with the same id is a repeat and does nothing."
        )
        return Answer("", _("Taken once"), text % when, path_to(Gate.LEDGER, Mark.PASSED)[:2])
    text = _("The event with this id was decided on %(when)s; its dispatches are older than what is kept here.")
    return Answer("", _("Put away"), text % when, path_to(Gate.LEDGER, Mark.PASSED)[:2])


def of_draft(draft: Draft) -> Answer:
    """What would become of one provider's message."""
    name = draft.provider.name if draft.provider else draft.channel
    label = draft.plan.label if draft.plan and draft.plan.label != name else ""
    status = draft.status.value
    return Answer(
        tone=TONES.get(status, ""),
        label=_would(status),
        sentence=_would_sentence(draft, name),
        steps=path_of(status, draft.reason)
        if draft.status is not Status.PENDING
        else path_to(Gate.SEND, mark_of(status)),
        about=" · ".join(part for part in (name, label) if part),
        content=draft.body,
        subject=draft.subject,
        is_mail="MAIL" in draft.channel.upper(),
    )


def of_refusal(refusal: Refusal) -> Answer:
    return Answer(
        tone="warning",
        label=_("Would be rejected"),
        sentence=_("Nothing would be sent. %(told)s") % {"told": reason_text(refusal.code)},
        steps=path_to(GATE_OF.get(refusal.code, Gate.EVENT), Mark.STOPPED),
    )


def of_repeat(receipt: Receipt) -> Answer:
    text = _("Nothing would be sent: an event with this correlation id was taken on %(when)s, so this one is a repeat.")
    when = {"when": moment_text(receipt.received_at)}
    return Answer("warning", _("Would do nothing"), text % when, path_to(Gate.LEDGER, Mark.STOPPED))


def _would(status: str) -> str:
    words = {
        Status.PENDING.value: _("Would be sent"),
        Status.SCHEDULED.value: _("Would be scheduled"),
        Status.CONTROL_GROUP.value: _("Would be kept back"),
    }
    return words.get(status, _("Would not be sent"))


def _would_sentence(draft: Draft, name: str) -> str:
    about = {"provider": name, "when": moment_text(draft.due_at)}
    if draft.status is Status.PENDING:
        return _("It would be sent at once by %(provider)s.") % about
    if draft.status is Status.SCHEDULED:
        return (
            _("It would be sent by %(provider)s on %(when)s, the next day and time at which the campaign sends.")
            % about
        )
    if draft.status is Status.CONTROL_GROUP:
        return _("The contact would be kept back in the control group, to compare results with.")
    detail = draft.error.rpartition(" (")[2].removesuffix(")") if draft.error and draft.error.endswith(")") else ""
    told = f"{reason_text(draft.reason)} ({detail})" if detail else reason_text(draft.reason)
    return _("It would not be sent by %(provider)s. %(told)s") % {**about, "told": told}


def nothing(kind: Kind, *, topic: str) -> list[str]:
    """What it means that nothing was found, and what to check, in this order."""
    if kind is Kind.PERSON:
        return [
            _("No dispatch of the time that is kept has this tax id, in whatever form it was written."),
            _("Check the tax id, and that the events carry it as contact_attributes.tax_identification."),
            _("An event that was rejected is found by its correlation id: look for that, or in the rejected events."),
        ]
    if kind is Kind.ADDRESS:
        return [
            _("None of the newest dispatches went to this address."),
            _("Addresses have no index: look by tax id or correlation id for anything older."),
        ]
    wrote = _("Check that the producer wrote it to the topic %(topic)s, with exactly this correlation_id.")
    return [
        _("No event with this id arrived here, was refused here, or was decided here."),
        wrote % {"topic": topic},
        _("Check that it belongs to this organisation: the record's header or the topic decides that."),
        _("Check that the consumers keep up: a partition that stands still or lags has not read it yet."),
    ]
