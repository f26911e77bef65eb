"""The API's addresses of this room, under /api/."""

from __future__ import annotations

from ingestion.views import RejectedTriggerViewSet
from tenants.api.routing import Router

router = Router()
router.register("rejected-triggers", RejectedTriggerViewSet, basename="rejected-trigger")

urlpatterns = router.urls
