"""The API's addresses of this room, under /api/."""

from __future__ import annotations

from django.urls import path

from tenants.api.routing import Router
from tenants.api_views import KeyViewSet, MemberViewSet, OrganisationViewSet

router = Router()
router.register("members", MemberViewSet, basename="member")
router.register("api-keys", KeyViewSet, basename="api-key")

organisation = OrganisationViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update"})

urlpatterns = [path("organisation", organisation, name="organisation"), *router.urls]
