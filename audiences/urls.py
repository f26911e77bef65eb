"""The API's addresses of this room, under /api/."""

from __future__ import annotations

from audiences.views import AttributeViewSet, SegmentViewSet
from tenants.api.routing import Router

router = Router()
router.register("segments", SegmentViewSet, basename="segment")
router.register("contact-attributes", AttributeViewSet, basename="contact-attribute")

urlpatterns = router.urls
