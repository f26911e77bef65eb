"""What a provider's page tells of its deliveries."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import ngettext

from dispatching.awaited import OverdueDelivery
from providers.models import Provider
from providers.outlook import Notice

COUNTED = 1000


def notices(provider: Provider) -> list[Notice]:
    """Counted up to 1,000, by an index."""
    rows = OverdueDelivery.objects.filter(provider=provider, tenant_id=provider.tenant_id)
    count = len(rows.order_by().values_list("pk")[:COUNTED])
    if not count:
        return []
    text = ngettext(
        "%(n)s delivery is overdue: the vendor took it and has not reported on it.",
        "%(n)s deliveries are overdue: the vendor took them and has not reported on them.",
        count,
    )
    page = f"{reverse('admin:dispatching_overduedelivery_changelist')}?provider__id__exact={provider.pk}&made=all"
    return [Notice(text % {"n": f"{count}+" if count == COUNTED else count}, page)]
