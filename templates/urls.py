"""The API's addresses of this room, under /api/."""

from __future__ import annotations

from django.urls import path

from templates.views import TemplateViewSet, VersionViewSet
from tenants.api.routing import Router

router = Router()
router.register("templates", TemplateViewSet, basename="template")

urlpatterns = [
    path(
        "templates/<uuid:template_id>/versions", VersionViewSet.as_view({"get": "list"}), name="template-version-list"
    ),
    *router.urls,
]
