"""Actions over campaigns, asked twice: first how many and what it means, then the deed, written into the journal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from campaigns.control import change_rate
from campaigns.models import Campaign
from campaigns.operating import Switched, switch_campaigns
from tenants.identity import tenant_of


class Deed(msgspec.Struct, frozen=True):
    """`name` is the action's; `concerned` says whom it would change; `title` and `told` are lazy texts."""

    name: str
    title: Any
    concerned: Callable[[QuerySet[Campaign]], QuerySet[Campaign]]
    question: Callable[[int], str]
    told: Any
    done: Callable[[int], str]
    run: Callable[[int, list[Campaign]], Switched]


def _switch(active: bool) -> Callable[[int, list[Campaign]], Switched]:
    return lambda tenant_id, chosen: switch_campaigns(
        tenant_id=tenant_id, campaign_ids=[campaign.pk for campaign in chosen], active=active
    )


def _draw(tenant_id: int, chosen: list[Campaign]) -> Switched:
    for campaign in chosen:
        rate = campaign.control_group_rate
        change_rate(tenant_id=tenant_id, campaign_id=campaign.pk, rate=rate, rerandomise=True)
    return Switched([campaign.pk for campaign in chosen], {})


ACTIVATE = Deed(
    name="activate",
    title=_("Activate"),
    concerned=lambda queryset: queryset.filter(is_active=False),
    question=lambda count: ngettext("Activate %(n)d campaign?", "Activate %(n)d campaigns?", count) % {"n": count},
    told=_(
        "From then on, events for it are sent. One whose settings would be refused stays inactive, with the reason."
    ),
    done=lambda count: ngettext("%(n)d campaign activated.", "%(n)d campaigns activated.", count) % {"n": count},
    run=_switch(True),
)
DEACTIVATE = Deed(
    name="deactivate",
    title=_("Deactivate"),
    concerned=lambda queryset: queryset.filter(is_active=True),
    question=lambda count: ngettext("Deactivate %(n)d campaign?", "Deactivate %(n)d campaigns?", count) % {"n": count},
    told=_("Events that come while it is inactive are refused, and so are messages that wait for their time then."),
    done=lambda count: ngettext("%(n)d campaign deactivated.", "%(n)d campaigns deactivated.", count) % {"n": count},
    run=_switch(False),
)
RERANDOMISE = Deed(
    name="rerandomise",
    title=_("Draw the control group anew"),
    concerned=lambda queryset: queryset,
    question=lambda count: (
        ngettext(
            "Draw the control group of %(n)d campaign anew?", "Draw the control groups of %(n)d campaigns anew?", count
        )
        % {"n": count}
    ),
    told=_("Other people will be left out than until now, so results from before and after cannot be compared."),
    done=lambda count: (
        ngettext("%(count)d control group drawn anew.", "%(count)d control groups drawn anew.", count)
        % {"count": count}
    ),
    run=_draw,
)


def confirm(deed: Deed, model_admin: Any, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse | None:
    """The page that asks; None once it is done."""
    identity = tenant_of(request)
    if identity is None:
        raise PermissionDenied
    chosen = list(deed.concerned(queryset).order_by("name"))
    if not chosen:
        model_admin.message_user(request, _("Nothing to do: all of them are in that state."), messages.INFO)
        return None
    if request.POST.get("confirmed") == "yes":
        _carry_out(deed, model_admin, request, identity.id, chosen)
        return None
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": deed.title,
        "question": deed.question(len(chosen)),
        "told": deed.told,
        "chosen": chosen,
        "action": deed.name,
    }
    return TemplateResponse(request, "campaigns/confirm.html", context)


def _carry_out(deed: Deed, model_admin: Any, request: HttpRequest, tenant_id: int, chosen: list[Campaign]) -> None:
    result = deed.run(tenant_id, chosen)
    if result.changed:
        done = Campaign.objects.filter(pk__in=result.changed)
        LogEntry.objects.log_actions(str(request.user.pk), done, CHANGE, str(deed.title))
        model_admin.message_user(request, deed.done(len(result.changed)), messages.SUCCESS)
    for name, reasons in result.refused.items():
        told = _("“%(name)s” stays inactive: %(reasons)s") % {"name": name, "reasons": " ".join(reasons)}
        model_admin.message_user(request, told, messages.ERROR)
