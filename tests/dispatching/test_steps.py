"""Where a dispatch stopped, as people see it; what they see of a contact; and how long things took."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatching import reasons
from dispatching.statuses import Status
from dispatching.steps import GATE_OF, Gate, Mark, path_of
from dispatching.timeline import lasting
from providers.masking import masked_destination, masked_tax_id


@pytest.mark.parametrize(
    ("status", "reason", "gate", "mark"),
    [
        ("SENT", "", Gate.SEND, Mark.PASSED),
        ("READ", "", Gate.SEND, Mark.PASSED),
        ("PENDING", "", Gate.SEND, Mark.WAITING),
        ("SCHEDULED", "", Gate.CALENDAR, Mark.WAITING),
        ("FAILED", "CONTENT_REJECTED", Gate.SEND, Mark.STOPPED),
        ("UNKNOWN", "TIMEOUT", Gate.SEND, Mark.UNSURE),
        ("CONTROL_GROUP", "CONTROL_GROUP", Gate.CONTROL, Mark.STOPPED),
        ("REFUSED", "NO_ADDRESS", Gate.ADDRESS, Mark.STOPPED),
        ("REFUSED", "MISSING_ATTRIBUTE", Gate.RENDER, Mark.STOPPED),
        ("REFUSED", "FREQUENCY_CAP", Gate.CAP, Mark.STOPPED),
        ("EXPIRED", "NOT_AFTER_PASSED", Gate.CALENDAR, Mark.STOPPED),
        ("CANCELLED", "CANCELLED_BY_OPERATOR", Gate.SEND, Mark.STOPPED),
    ],
)
def test_everything_before_the_gate_was_passed_and_nothing_after_it_reached(
    status: str, reason: str, gate: Gate, mark: Mark
) -> None:
    steps = path_of(status, reason)
    at = [step.gate for step in steps].index(gate)
    assert steps[at].mark is mark
    assert {step.mark for step in steps[:at]} <= {Mark.PASSED}
    assert {step.mark for step in steps[at + 1 :]} <= {Mark.AHEAD}


@pytest.mark.parametrize("status", list(Status))
def test_a_message_without_a_campaign_has_no_gates_of_one(status: Status) -> None:
    gates = {step.gate for step in path_of(status, "", with_campaign=False)}
    assert gates.isdisjoint({Gate.CAMPAIGN, Gate.CONTROL, Gate.CAP})


def test_every_reason_that_refuses_has_its_gate() -> None:
    """A new one has to say where people are to look."""
    of_sending = {
        reasons.ATTEMPTS_EXHAUSTED,
        reasons.WORKER_LOST,
        reasons.EARLIER_TRY_UNANSWERED,
        reasons.CANCELLED_BY_OPERATOR,
        reasons.RESOLVED_BY_OPERATOR,
        # Told by a receipt, long after the gates.
        "REPORTED_UNDELIVERED",
    }
    assert set(reasons.EXPLANATIONS) - of_sending == set(GATE_OF)


@pytest.mark.parametrize(
    ("destination", "shown"),
    [
        ("+5511999990803", "+55119••••0803"),
        ("joao.silva@example.com", "j•••@example.com"),
        ("ExponentPushToken[abcdefgh]", "Expo…fgh]"),
        ("", ""),
    ],
)
def test_a_list_shows_too_little_of_an_address_to_reach_anybody(destination: str, shown: str) -> None:
    assert masked_destination(destination) == shown


@pytest.mark.parametrize(
    ("tax_id", "shown"),
    [
        ("123.456.789-09", "123.•••.•••-09"),
        ("12345678000190", "12.•••.•••/••••-90"),
        ("FOREIGN77", "FOR•••77"),
        ("", ""),
    ],
)
def test_tax_ids_are_masked_in_their_own_form(tax_id: str, shown: str) -> None:
    assert masked_tax_id(tax_id) == shown


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0004, "0 ms"), (0.86, "860 ms"), (75, "1 min 15 s"), (7260, "2 h 1 min"), (7200, "2 h")],
)
def test_durations_are_told_as_people_say_them(seconds: float, told: str) -> None:
    assert lasting(dt.timedelta(seconds=seconds)) == told
