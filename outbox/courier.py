"""Hands facts to Kafka and takes the answers: what is acknowledged, what is refused, when to start anew."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import structlog

from outbox import metrics
from outbox.leases import boottime
from outbox.progress import Progress
from outbox.publishing import ProducerStoppedError, Publisher, Settled
from outbox.refusals import FOR_GOOD, RefusedError
from outbox.waiting import Fact

log = structlog.get_logger("prism.outbox")

SILENT_SECONDS = 10.0
LONGEST_PAUSE = 5.0


class Courier:
    """One relay's side towards Kafka. `progress` tells what the database is to be told."""

    def __init__(self, publisher: Publisher) -> None:
        self.progress = Progress()
        self._publisher = publisher
        self._send_at = 0.0
        self._stops = 0
        self._heard_at = self._told_at = boottime()

    def may_send(self) -> bool:
        """Not while it waits before another try."""
        return boottime() >= self._send_at

    def silent_for(self) -> float:
        """Seconds that Kafka has owed an answer; 0 while it owes none."""
        return boottime() - self._heard_at if self._is_owed() else 0.0

    def hand_over(self, facts: list[Fact], *, settled: int, is_held: Callable[[], bool]) -> None:
        """Hand over what was read of one shard, in order, as long as `is_held` says that the shard is ours.

        `settled`: up to which id nothing could appear any more when the shard was read (see outbox.horizon).
        """
        progress = self.progress.of(facts[0].shard)
        batch, alone = progress.next_batch(facts)
        progress.floor, progress.oldest_made_at = min(batch[-1].id, settled), batch[0].made_at
        send = self._publisher.send_alone if alone else self._publisher.send
        for fact in batch:
            # The last look before the fact leaves: a relay that was frozen and wakes up finds out here.
            if not is_held():
                progress.floor = 0
                return
            progress.open.add(fact.id)
            try:
                send(fact)
            except RefusedError as refused:
                self.progress.refuse(fact, refused.problem)
            except BufferError:
                # librdkafka's queue is full: the rest is read again once this has been acknowledged.
                progress.open.discard(fact.id)
                progress.floor = 0
                return
            except ProducerStoppedError as stopped:
                self.start_anew("stopped", error=str(stopped))
                return

    def listen(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for answers, and take them."""
        try:
            answers = self._publisher.poll(timeout)
        except ProducerStoppedError as stopped:
            self.start_anew("stopped", error=str(stopped))
        else:
            troubled = self._take(answers)
            if troubled:
                self.start_anew("undelivered", troubled=troubled)
        self._watch_broker()

    def start_anew(self, reason: str, *, error: str = "", troubled: list[Settled] | None = None) -> None:
        """Purge the producer and take a new one; what was not acknowledged is read and sent again, in order."""
        troubled = [*(troubled or []), *self._take(self._publisher.halt())]
        suspects = [answer.fact for answer in troubled if answer.error in FOR_GOOD]
        self.progress.suspect(suspects)
        self.progress.forget_open()
        if len(suspects) > 1:
            self._publisher.make_smaller_batches()
        self._publisher.resume()
        if not suspects and reason != "lease":
            self._stops += 1
            self._send_at = boottime() + pause_before(self._stops)
        metrics.RESETS.labels("refused" if suspects else reason).inc()
        codes = Counter(str(answer.error) for answer in troubled)
        log.warning("producer_restarted", reason=reason, error=error, suspects=len(suspects), codes=dict(codes))

    def finish(self) -> None:
        """No more to Kafka; the answers that are here are taken."""
        self._take(self._publisher.halt())
        self.progress.forget_open()

    def _take(self, answers: list[Settled]) -> list[Settled]:
        """Book the answers; returns those that are neither an acknowledgement nor the refusal of a fact sent alone."""
        troubled = []
        for answer in answers:
            fact, error = answer
            if error is None:
                self.progress.acknowledge(fact)
                self._stops = 0
            elif error in FOR_GOOD and fact.id in self.progress.of(fact.shard).suspects:
                self.progress.refuse(fact, FOR_GOOD[error])
            else:
                troubled.append(answer)
        if len(troubled) < len(answers):
            self._heard_at = boottime()
        return troubled

    def _is_owed(self) -> bool:
        """Something is under way, or was and has to be sent once more."""
        return bool(self.progress.under_way() or self._stops)

    def _watch_broker(self) -> None:
        """An outage is waited for; it is said aloud, once every while."""
        now = boottime()
        under_way = self.progress.under_way()
        if not self._is_owed():
            self._heard_at = now
        elif now - max(self._heard_at, self._told_at) > SILENT_SECONDS:
            log.error("broker_silent", under_way=under_way, seconds=round(now - self._heard_at))
            self._told_at = now


def pause_before(attempt: int) -> float:
    """Seconds before try number `attempt`: from 0.1 s, doubled each time, up to LONGEST_PAUSE, and spread."""
    seconds: float = min(LONGEST_PAUSE, 0.1 * 2 ** min(attempt - 1, 10))
    return seconds * random.uniform(0.7, 1.3)  # noqa: S311 - only to spread
