"""Every door for people. What machines probe (`/healthz`, `/readyz`, `/metrics`) is answered by prism.health, what
vendors call (`/webhooks/…`) by ingestion.webhooks."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from prism.operations import views
from tenants.views import choose_tenant

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("organisation/", choose_tenant, name="choose-tenant"),
    path("language/", include("django.conf.urls.i18n")),
    path("second-step/", include("tenants.signin.urls")),
    # Before the admin's own: the first looks like a page of one dispatch.
    path("admin/dispatching/dispatch/why/", admin.site.admin_view(views.why), name="why"),
    path("admin/operations/", admin.site.admin_view(views.operations), name="operations"),
    path("admin/", admin.site.urls),
    path("api/", include("prism.api", namespace="api")),
]
