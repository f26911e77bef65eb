"""The API's addresses of this room, under /api/."""

from __future__ import annotations

from django.urls import path

from providers.views import ProviderViewSet, VendorsView
from tenants.api.routing import Router

router = Router()
router.register("providers", ProviderViewSet, basename="provider")

urlpatterns = [path("provider-vendors", VendorsView.as_view(), name="provider-vendors"), *router.urls]
