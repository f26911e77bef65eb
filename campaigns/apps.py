from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        from audiences import uses
        from campaigns.mappings import unmapped_notices
        from campaigns.outlook import CampaignOutlook, uses_of
        from campaigns.provider_outlook import ProviderOutlook
        from providers.outlook import register as register_for_providers
        from templates.notices import add_source
        from templates.outlook import register

        add_source(unmapped_notices)
        register(CampaignOutlook())
        uses.add_source(uses_of)
        register_for_providers(ProviderOutlook())
