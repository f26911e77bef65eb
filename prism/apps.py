from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class PrismConfig(AppConfig):
    name = "prism"
    verbose_name = _("Prism")
    default = True

    def ready(self) -> None:
        from prism import access, metrics
        from prism.history import triggers
        from tenants import residents

        # Triggers first: what access declares covers their functions too.
        triggers.connect()
        access.connect()
        residents.on_start(metrics.start_metrics_server)


class PrismAdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site in place of its own; every room registers with `admin.site` as usual."""

    default = False
    default_site = "prism.site.PrismSite"
