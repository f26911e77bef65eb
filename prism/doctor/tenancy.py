"""The tenants that settings name are there."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from prism.doctor.findings import Finding
from tenants.models import Tenant


def named_tenants_exist() -> Iterator[Finding]:
    named = {settings.DEFAULT_TENANT: "DEFAULT_TENANT"}
    named |= {
        slug: f"KAFKA_TRIGGER_TOPIC_TENANTS ({topic})" for topic, slug in settings.KAFKA_TRIGGER_TOPIC_TENANTS.items()
    }
    active = set(Tenant.objects.filter(slug__in=named, is_active=True).values_list("slug", flat=True))
    for slug, setting in sorted(named.items()):
        if slug not in active:
            yield Finding(
                _("%(setting)s names the organisation %(slug)s, which does not exist or is switched off.")
                % {"setting": setting, "slug": slug},
                _("Correct the setting, or run: manage.py create_tenant %(slug)s") % {"slug": slug},
            )
