"""What waits longer than it should: due dispatches, facts, rejected facts."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from dispatching.statuses import LaneClass
from prism.doctor.findings import Finding
from prism.gauges import Gauge, read_gauges
from providers.models import Provider

STALLED_S = 120.0
OUTBOX_OLD_S = 60.0
MANY_UNKNOWN = 50


def queue_moves() -> Iterator[Finding]:
    """Rows that have been due for two minutes: nobody takes them, or their provider does not keep up."""
    gauges = read_gauges()
    waiting = {key(one): one.value for one in gauges if one.name == "lane_due"}
    for one in gauges:
        if one.name != "lane_oldest_seconds" or one.value < STALLED_S or not waiting.get(key(one)):
            continue
        provider_id, lane_class = key(one)
        name = Provider.objects.filter(pk=provider_id).values_list("provider_name", flat=True).first() or provider_id
        yield Finding(
            _("%(count)d dispatches of provider “%(name)s” (%(lane)s) are due, the first for %(minutes)d minutes.")
            % {
                "count": waiting[provider_id, lane_class],
                "name": name,
                "lane": LaneClass(lane_class).label,
                "minutes": one.value // 60,
            },
            _(
                "If no sender is alive, start one (manage.py run_sender). If one is, the provider is slow, paced"
                " (messages per minute) or unreachable: see the other lines, and its log."
            ),
        )


def outbox_moves() -> Iterator[Finding]:
    numbers = {one.name: one.value for one in read_gauges()}
    if numbers.get("outbox_oldest", 0) > OUTBOX_OLD_S:
        yield Finding(
            _("%(count)d facts wait for Kafka, the first for %(seconds)d seconds.")
            % {"count": numbers["outbox_depth"], "seconds": numbers["outbox_oldest"]},
            _("See that manage.py relay_outbox runs and that Kafka answers; the relay's log says what it waits for."),
        )
    if numbers.get("outbox_parked_facts"):
        yield Finding(
            _("Kafka refused %(count)d facts for good; they are parked.") % {"count": numbers["outbox_parked_facts"]},
            _("See why in the admin (Outbox events), mend it (often the topic's size limit), and retry them there."),
        )


def few_are_unknown() -> Iterator[Finding]:
    count = next((one.value for one in read_gauges() if one.name == "unknown"), 0)
    if count > MANY_UNKNOWN:
        yield Finding(
            _("%(count)d of the newest 20,000 dispatches are UNKNOWN: the provider may or may not have them.")
            % {"count": count},
            _("Compare with the provider's own list. In the admin, send again only what is not there."),
        )


def key(gauge: Gauge) -> tuple[str, int]:
    return gauge.labels["provider"], gauge.labels["class"]
