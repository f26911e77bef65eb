"""The API's addresses of this room, under /api/."""

from __future__ import annotations

from django.urls import path

from dispatching.views import ContactDispatchViewSet, DispatchViewSet, ScheduledDispatchViewSet
from tenants.api.routing import Router

router = Router()
router.register("dispatches", DispatchViewSet, basename="dispatch")
router.register("scheduled-dispatches", ScheduledDispatchViewSet, basename="scheduled-dispatch")

urlpatterns = [
    *router.urls,
    # A CNPJ may be written with a slash.
    path(
        "contacts/<path:tax_id>/dispatches", ContactDispatchViewSet.as_view({"get": "list"}), name="contact-dispatches"
    ),
]
