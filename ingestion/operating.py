"""What an operator does about dead letters and calls: ask for another try, or set them aside. Shared by admin and API.

Each is one statement over the rows that are given; the state is asked for again in it, so that two people cannot undo
each other. Workers find what was asked for within seconds.
"""

from __future__ import annotations

from typing import Any

import structlog
from django.db.models import Q, QuerySet
from django.db.models.functions import Length, Now

from ingestion import reasons
from ingestion.models import CallState, RejectedState, RejectedTrigger, WebhookCall

log = structlog.get_logger("prism.ingestion")


def request_replay(chosen: QuerySet[RejectedTrigger], *, by: str, skipped: bool = False) -> int:
    """Ask for it where the event is open and was kept whole. How many were.

    `skipped`: those that a recovery passed over, which may have been sent, and only those; otherwise all others.
    """
    of_recovery = Q(code=reasons.SKIPPED_IN_RECOVERY)
    wanted = chosen.filter(of_recovery if skipped else ~of_recovery, state=RejectedState.OPEN, raw_size=Length("raw"))
    return _change(wanted, RejectedState.REPLAY_REQUESTED, by)


def discard(chosen: QuerySet[RejectedTrigger], *, by: str) -> int:
    """Set aside what is open or waits to be replayed. How many were."""
    waiting = chosen.filter(state__in=[RejectedState.OPEN, RejectedState.REPLAY_REQUESTED])
    return _change(waiting, RejectedState.DISCARDED, by)


def _change(rows: QuerySet[Any], state: RejectedState, by: str) -> int:
    done = rows.order_by().update(state=state, state_changed_at=Now(), state_changed_by=by[:150])
    log.info("rejected_triggers_changed", result="success", metadata={"state": str(state), "count": done})
    return done


def process_again(chosen: QuerySet[WebhookCall]) -> int:
    """Have calls of vendors read once more. How many will be; what waits already is left alone.

    What was applied is not applied twice: reports are told apart by what they say.
    """
    ended = chosen.exclude(state=CallState.WAITING).order_by()
    done = ended.update(state=CallState.WAITING, tries=0, look_at=Now(), error="")
    log.info("webhook_calls_asked_again", result="success", metadata={"count": done})
    return done
