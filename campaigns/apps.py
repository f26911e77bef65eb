from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        from campaigns.mappings import unmapped_notices
        from campaigns.outlook import CampaignOutlook
        from campaigns.provider_outlook import ProviderOutlook
        from providers.outlook import register as register_for_providers
        from templates.notices import add_source
        from templates.outlook import register

        add_source(unmapped_notices)
        register(CampaignOutlook())
        register_for_providers(ProviderOutlook())
