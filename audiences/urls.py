"""The API's addresses of this room, under /api/."""

from __future__ import annotations

from audiences.views import SegmentViewSet
from tenants.api.routing import Router

router = Router()
router.register("segments", SegmentViewSet, basename="segment")

urlpatterns = router.urls
