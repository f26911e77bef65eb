"""Every address under /api/: one line per room."""

from __future__ import annotations

from django.urls import include, path

app_name = "api"

urlpatterns = [
    path("", include("tenants.urls")),
    path("", include("providers.urls")),
    path("", include("templates.urls")),
    path("", include("audiences.urls")),
    path("", include("campaigns.urls")),
    path("", include("dispatching.urls")),
]
