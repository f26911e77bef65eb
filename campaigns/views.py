"""The API's endpoints for campaigns. Rules are `campaigns.authoring`'s and `campaigns.operating`'s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db.models import Prefetch, QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.authoring import save_campaign
from campaigns.filters import CampaignFilters
from campaigns.models import Campaign, CampaignProvider
from campaigns.operating import delete_campaign, duplicate_campaign, switch_campaigns
from campaigns.serializers import CampaignSerializer, row_of
from tenants.api.authentication import name_of
from tenants.api.views import Changed, Created, Deleted, Listed, Shown, take_no_body

SEED_PAYLOAD = {
    "journey_name": "black_friday_credit_2024",
    "audience_name": "Clientes Elegíveis",
    "channel": "WHATSAPP",
    "control_group_rate": 10.0,
    "dispatch_mode": "ASYNC",
    "trigger_time": "14:00:00",
    "week_days": [1, 2, 3, 4, 5],
    "providers": [
        {
            "type": "WHATSAPP",
            "provider_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
            "template_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "field_mappings": {
                "name": "first_name",
                "creditvalue": "max_offer_value_formatted",
                "credittax": "credit_tax",
            },
        }
    ],
}
WHOLE = "The campaign with its segments, providers, templates and mappings, in one transaction or not at all."


@extend_schema_view(
    create=extend_schema(examples=[OpenApiExample("seed", value=SEED_PAYLOAD, request_only=True)]),
    update=extend_schema(examples=[OpenApiExample("seed", value=SEED_PAYLOAD, request_only=True)]),
)
class CampaignViewSet(Listed, Created, Shown, Changed, Deleted):
    model = Campaign
    serializer_class = CampaignSerializer
    filterset_class = CampaignFilters
    renamed: ClassVar = {"name": "journey_name", "campaign_providers": "providers", "owner_id": "owner"}
    summaries: ClassVar = {
        "duplicate": "Copy a campaign",
        "activate": "Switch a campaign on",
        "deactivate": "Switch a campaign off",
    }
    descriptions: ClassVar = {
        "create": WHOLE,
        "update": f"{WHOLE} What is left out goes back to its default; providers and segments that are left out go.",
        "partial_update": "Only what is given changes; `providers` and `segments` are each replaced as a whole.",
        "destroy": "With what hangs on it. One that has sent something stays: switch it off (409).",
        "duplicate": "An inactive copy under a free name, with all that hangs on it and a control group of its own.",
        "activate": "Refused with every error where it could not be saved as it stands.",
        "deactivate": "Takes effect within one batch. Switching off what is off changes nothing.",
    }

    def get_queryset(self) -> QuerySet[Any]:
        links = CampaignProvider.objects.select_related("provider", "template_link").defer("provider__configuration")
        with_links = Prefetch("campaign_providers", links)
        return super().get_queryset().select_related("owner").prefetch_related("campaignsegment_set", with_links)

    def new(self) -> Any:
        campaign = super().new()
        campaign.timezone = self.identity.timezone
        return campaign

    def store(self, row: Any, values: Mapping[str, Any]) -> Any:
        fields = {**values}
        providers = fields.pop("campaign_providers", None)
        segments = fields.pop("segments", None)
        if "owner" in fields:
            owner = fields.pop("owner")
            fields["owner_id"] = owner.pk if owner else None
        saved = save_campaign(
            row,
            fields=fields,
            providers=None if providers is None else [row_of(one) for one in providers],
            segment_ids=segments,
        )
        return self.get_queryset().get(pk=saved.pk)

    def remove(self, row: Any) -> None:
        delete_campaign(tenant_id=self.identity.id, campaign_id=row.pk)

    @extend_schema(request=None, responses={201: CampaignSerializer})
    @action(detail=True, methods=["post"])
    def duplicate(self, request: Request, pk: Any = None) -> Response:
        take_no_body(request)
        try:
            copy = duplicate_campaign(
                tenant_id=self.identity.id, campaign_id=pk, by=name_of(request), owner_id=request.user.pk
            )
        except Campaign.DoesNotExist:
            raise Http404 from None
        place = request.path.removesuffix(f"{pk}/duplicate")
        return self.answer(self.get_queryset().get(pk=copy.pk), 201, {"Location": f"{place}{copy.pk}"})

    @extend_schema(request=None, responses={200: CampaignSerializer})
    @action(detail=True, methods=["post"])
    def activate(self, request: Request, pk: Any = None) -> Response:
        return self._switch(request, pk, active=True)

    @extend_schema(request=None, responses={200: CampaignSerializer})
    @action(detail=True, methods=["post"])
    def deactivate(self, request: Request, pk: Any = None) -> Response:
        return self._switch(request, pk, active=False)

    def _switch(self, request: Request, pk: Any, *, active: bool) -> Response:
        take_no_body(request)
        switched = switch_campaigns(tenant_id=self.identity.id, campaign_ids=[pk], active=active)
        if switched.refused:
            raise ValidationError([message for messages in switched.refused.values() for message in messages])
        return self.answer(self.get_object())
