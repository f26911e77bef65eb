"""Whether a position can be trusted, judged by what Kafka knows: its committed offset, and what the topic holds."""

from __future__ import annotations

import msgspec
from django.utils.translation import gettext as _

from ingestion.positions import Position


class KafkaView(msgspec.Struct, frozen=True):
    """Of one partition: the offset committed by this group (None: never), and the topic's first and next offsets."""

    committed: int | None
    low: int
    high: int


def problem_of(position: Position, view: KafkaView) -> str:
    """Why nobody may go on from this position, in words, or "" where all is well."""
    if position.stopped_reason:
        return position.stopped_reason
    if lead_of(position, view):
        message = _(
            "Kafka's committed offset %(committed)d is ahead of the database's %(ours)d: the database was restored to"
            " an earlier state, or the consumer group was used elsewhere. Run manage.py recover_position with"
            " --mark-unknown (send nothing of what is between) or --resend (messages may be sent twice)."
        )
        return message % {"committed": view.committed, "ours": position.next_offset}
    if position.next_offset < view.low:
        message = _(
            "The topic no longer holds offset %(ours)d; it begins at %(low)d: %(lost)d records left it before they were"
            " consumed. Run manage.py recover_position --resend to go on with the first one that is left."
        )
        return message % {"ours": position.next_offset, "low": view.low, "lost": view.low - position.next_offset}
    if position.next_offset > view.high:
        message = _(
            "The topic ends at %(high)d, before the database's %(ours)d: it was made anew, or lost its end. Run"
            " manage.py recover_position --resend to process what it holds now, or --mark-unknown to pass over it."
        )
        return message % {"ours": position.next_offset, "high": view.high}
    return ""


def lead_of(position: Position, view: KafkaView) -> int:
    """How many offsets Kafka's witness is ahead of our row; 0 where it is not, or where an operator accepted it."""
    if view.committed is None or view.committed == position.accepted_lead:
        return 0
    return max(0, view.committed - position.next_offset)
