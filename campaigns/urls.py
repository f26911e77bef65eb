"""The API's addresses of this room, under /api/."""

from __future__ import annotations

from django.urls import path

from campaigns.cap_views import FrequencyCapViewSet
from campaigns.mapping_views import PreviewMappingView, ValidateMappingView
from campaigns.views import CampaignViewSet
from tenants.api.routing import Router

router = Router()
router.register("campaigns", CampaignViewSet, basename="campaign")
router.register("frequency-caps", FrequencyCapViewSet, basename="frequency-cap")

urlpatterns = [
    path("mappings/validate", ValidateMappingView.as_view(), name="mapping-validate"),
    path("mappings/preview", PreviewMappingView.as_view(), name="mapping-preview"),
    *router.urls,
]
