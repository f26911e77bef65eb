from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PrismConfig(AppConfig):
    name = "prism"
    verbose_name = _("Prism")

    def ready(self) -> None:
        from prism import access

        access.connect()
