"""Every address under /api/: one line per room."""

from __future__ import annotations

from django.urls import include, path

from prism.api_docs import DocsView, DocumentView, ProblemsView
from prism.history.api import ChangeViewSet

app_name = "api"

urlpatterns = [
    path("schema", DocumentView.as_view(), name="schema"),
    path("docs", DocsView.as_view(), name="docs"),
    path("changes", ChangeViewSet.as_view({"get": "list"}), name="changes"),
    path("problems", ProblemsView.as_view(), name="problems"),
    path("", include("tenants.urls")),
    path("", include("providers.urls")),
    path("", include("templates.urls")),
    path("", include("audiences.urls")),
    path("", include("campaigns.urls")),
    path("", include("dispatching.urls")),
    path("", include("ingestion.urls")),
]
