"""Providers that could not send: variables unset, secrets unreadable, hosts that do not answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from prism.doctor.findings import Finding
from providers.circuit_words import told_of
from providers.circuits import UNAVAILABLE, ProviderCircuit
from providers.credentials import Secret, hosts_of
from providers.fields import UNREADABLE
from providers.models import Provider, ProviderSecret
from providers.registry import TRANSPORTS
from providers.settings import ProviderSettings, resolve
from providers.transports import Hearing, Transport
from providers.wire import guard

LIMIT_S = 3.0
AT_ONCE = 8


def secrets_can_be_read() -> Iterator[Finding]:
    lost = [
        f"{secret.provider.provider_name}: {secret.name}"
        for secret in ProviderSecret.objects.select_related("provider").iterator()
        if secret.value == UNREADABLE
    ]
    if lost:
        yield Finding(
            ngettext(
                "%(count)d secret cannot be decrypted with FERNET_KEYS: %(names)s.",
                "%(count)d secrets cannot be decrypted with FERNET_KEYS: %(names)s.",
                len(lost),
            )
            % {"count": len(lost), "names": ", ".join(lost)},
            _("Put the old key back behind the new one in FERNET_KEYS, or enter the secrets again in the admin."),
        )


def providers_can_be_used() -> Iterator[Finding]:
    for name, resolved in _active():
        if resolved.problem:
            yield Finding(
                _("The provider “%(name)s” cannot be used: %(problem)s") % {"name": name, "problem": resolved.problem},
                _("Set the variable for every worker process, or correct the provider's configuration in the admin."),
            )


def providers_are_in_use() -> Iterator[Finding]:
    """Providers that workers leave alone at this moment, and why."""
    now = timezone.now()
    rows = ProviderCircuit.objects.filter(state__in=UNAVAILABLE, provider__is_active=True).select_related("provider")
    for row in rows.order_by("since"):
        told = told_of(row, now)
        if told is not None:
            yield Finding(
                _("The provider “%(name)s” is not used since %(since)s: %(why)s. %(meaning)s")
                % {
                    "name": row.provider.provider_name,
                    "since": timezone.localtime(row.since).isoformat(timespec="seconds"),
                    "why": told.why,
                    "meaning": told.meaning,
                },
                _("%(then)s An operator may resume it on the provider's page.") % {"then": told.then},
            )


def vendors_can_report() -> Iterator[Finding]:
    """Providers whose vendor calls us and has no address to call. A hint where they are not set up to be heard."""
    deaf = {} if settings.PUBLIC_URL else _deaf()
    for is_hint, what in _DEAF.items():
        names = ", ".join(f"“{name}”" for name in deaf.get(is_hint, ()))
        if names:
            yield Finding(str(what) % {"names": names}, _("Set PUBLIC_URL for web and workers alike."), is_hint)


_DEAF = {
    False: gettext_lazy("What becomes of messages by %(names)s stays unknown: the vendor has no address to report to."),
    True: gettext_lazy("Should the vendor of %(names)s report anything, it has no address to report to."),
}


def _deaf() -> dict[bool, list[str]]:
    """Names of those without an address, by whether that is only a hint."""
    found: dict[bool, list[str]] = {}
    for name, resolved in _active():
        transport: Transport | None = TRANSPORTS.get(resolved.vendor)
        if resolved.problem or resolved.webhook_url or transport is None or not isinstance(transport, Hearing):
            continue
        found.setdefault(not transport.may_report(resolved.configuration), []).append(name)
    return found


def providers_can_be_reached() -> Iterator[Finding]:
    """A TCP connection to each host of each usable provider, as far as the wire's own guard lets it go."""
    wanted: dict[str, list[str]] = {}
    for name, resolved in _active():
        for host in () if resolved.problem else hosts_of(resolved.configuration):
            wanted.setdefault(host, []).append(name)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        look = partial(problem_of_host, allow_private=settings.OUTBOUND_ALLOW_PRIVATE)
        for (host, names), problem in zip(wanted.items(), pool.map(look, wanted), strict=True):
            if problem:
                yield Finding(
                    _("%(host)s, host of %(names)s, cannot be reached: %(problem)s")
                    % {"host": host, "names": ", ".join(f"“{name}”" for name in names), "problem": problem},
                    _("Check the address, DNS and the firewall. Messages wait meanwhile and count no attempts."),
                )


def problem_of_host(place: str, *, allow_private: bool) -> str:
    """Why no TCP connection to "host:port" comes about, "" where one does."""
    host, _colon, port = place.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port or 443), type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        return "dns"
    problem = "no address"
    for family, kind, protocol, _name, address in found:
        if not allow_private and (refused := guard.refusal(str(address[0]))):
            problem = f"{address[0]} {refused} (OUTBOUND_ALLOW_PRIVATE)"
            continue
        try:
            with socket.socket(family, kind, protocol) as attempt:
                attempt.settimeout(LIMIT_S)
                attempt.connect(address)
        except OSError as error:
            problem = error.strerror or "timeout"
        else:
            return ""
    return problem


def _active() -> list[tuple[str, ProviderSettings]]:
    """(name, settings) of every provider that is switched on, resolved as workers resolve it."""
    rows = Provider.objects.filter(is_active=True).prefetch_related("secrets").order_by("tenant_id", "provider_name")
    return [(row.provider_name, _resolved(row)) for row in rows]


def _resolved(row: Provider) -> ProviderSettings:
    readable = {
        secret.name: Secret(secret.value, frozenset(secret.hosts))
        for secret in row.secrets.all()
        if secret.value != UNREADABLE
    }
    return resolve(
        provider_id=str(row.pk),
        tenant_id=row.tenant_id,
        provider_type=row.provider_type,
        configuration=row.configuration,
        secrets=readable,
        allow_list=settings.PROVIDER_ENV_ALLOW_LIST,
    )
