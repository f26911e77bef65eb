"""Which vendors there are: one line each, nothing else to touch but the vendor's own file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from providers.transports import (
    Transport,
    aws_sns,
    blip,
    console,
    evolution,
    expo,
    fcm,
    gateway,
    http,
    meta,
    sendgrid,
    smtp,
    telegram,
    twilio,
)

TRANSPORTS: dict[str, Transport] = {
    transport.vendor: transport
    for transport in (
        aws_sns.transport,
        blip.transport,
        console.transport,
        evolution.transport,
        expo.transport,
        fcm.transport,
        gateway.transport,
        http.transport,
        meta.transport,
        sendgrid.transport,
        smtp.transport,
        telegram.transport,
        twilio.transport,
    )
}


DEFAULT_VENDORS = {"WHATSAPP": "blip", "AI_AGENT": "blip", "TELEGRAM": "telegram"}
# Type: a key of the configuration, the vendor where it is there, and where it is not.
KEYED_VENDORS = {"EMAIL": ("smtp", "smtp", "sendgrid"), "PUSH": ("fcm_url", "fcm", "expo")}


class UnknownVendor(LookupError):  # noqa: N818 - reads as what it says; an Error suffix adds nothing
    """The configuration names no vendor that is known here, or one that does not serve this type."""


def vendor_of(provider_type: str, configuration: Mapping[str, Any]) -> Any:
    """What `provider_vendor` says, else the default of the type (contract.md, Campaigns); None where there is none."""
    if "provider_vendor" in configuration:
        return configuration["provider_vendor"]
    kind = provider_type.upper()
    if kind in KEYED_VENDORS:
        key, vendor, other = KEYED_VENDORS[kind]
        return vendor if key in configuration else other
    return DEFAULT_VENDORS.get(kind)


def transport_for(provider_type: str, configuration: Mapping[str, Any]) -> Transport:
    """The transport of a configuration. Raises UnknownVendor with the list of known ones."""
    vendor = vendor_of(provider_type, configuration)
    known = ", ".join(sorted(TRANSPORTS))
    if vendor is None:
        raise UnknownVendor(gettext("provider_vendor is missing; known vendors: %(known)s") % {"known": known})
    transport = TRANSPORTS.get(vendor) if isinstance(vendor, str) else None
    if transport is None:
        raise UnknownVendor(gettext("this vendor is not known; known vendors: %(known)s") % {"known": known})
    if transport.provider_types is not None and provider_type not in transport.provider_types:
        types = ", ".join(sorted(transport.provider_types))
        raise UnknownVendor(
            gettext("%(vendor)s serves %(types)s, not %(type)s")
            % {"vendor": vendor, "types": types, "type": provider_type}
        )
    return transport
