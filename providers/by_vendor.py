"""Providers of a vendor, as a question to the database: what `registry.vendor_of` says of one row, of all of them."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from providers.registry import DEFAULT_VENDORS, KEYED_VENDORS


def of_vendor(vendor: str) -> Q:
    """Named in the configuration (containment, which the GIN index answers), or implied by the type."""
    wanted = Q(configuration__contains={"provider_vendor": vendor})
    unnamed = ~Q(configuration__has_key="provider_vendor")
    for implied in _implied(vendor):
        wanted |= unnamed & implied
    return wanted


def _implied(vendor: str) -> Iterator[Q]:
    for kind, default in DEFAULT_VENDORS.items():
        if default == vendor:
            yield Q(provider_type__iexact=kind)
    for kind, (key, with_key, without) in KEYED_VENDORS.items():
        if vendor == with_key:
            yield Q(provider_type__iexact=kind, configuration__has_key=key)
        if vendor == without:
            yield Q(provider_type__iexact=kind) & ~Q(configuration__has_key=key)
