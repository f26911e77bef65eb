from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DispatchingConfig(AppConfig):
    name = "dispatching"
    verbose_name = _("Dispatches")

    def ready(self) -> None:
        from dispatching.provider_notices import notices
        from providers.outlook import register_notices

        register_notices(notices)
