"""What people and programs do to a provider: save, switch, copy, delete. The admin and the API both call these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from providers import checking, registry
from providers.credentials import SECRET, Problem, hosts_of, references
from providers.models import Health, Provider, ProviderSecret
from tenants.usage import users_of

COPIED = ("provider_type", "max_messages_per_minute", "configuration")


def save_provider(provider: Provider, *, secrets: Mapping[str, str] | None = None, by: str) -> Provider:
    """Check everything, save, store the given secrets (name → value) for the hosts of the configuration, and ask for
    a check of the connection. Raises ValidationError: `configuration` errors carry their dotted path in
    `params["path"]`. A secret that is not given stays as it is stored."""
    given = dict(secrets or {})
    provider.full_clean()
    found = guard_problems(provider) + secret_problems(provider, given)
    if found:
        raise ValidationError({"configuration": errors_of(found)})
    store_provider(provider, secrets=given, by=by)
    return provider


@transaction.atomic
def store_provider(provider: Provider, *, secrets: Mapping[str, str], by: str) -> None:
    """Write what has been checked."""
    by = by[:150]
    if provider._state.adding:
        provider.created_by = provider.created_by or by
    elif secrets or provider.configuration != _stored(provider).configuration:
        # What was found out about the old configuration says nothing of the new one.
        provider.health, provider.health_checked_at, provider.health_message = Health.UNKNOWN, None, ""
    provider.save()
    hosts = sorted(hosts_of(provider.configuration))
    for name, value in secrets.items():
        _store_secret(provider, name, value, hosts, by)
    if provider.is_active:
        checking.request_check(provider, by=by)
        checking.request_registration(provider, by=by)


def delete_secret(provider: Provider, name: str) -> bool:
    """Forget a stored secret; whether there was one. Raises ValidationError while the configuration names it."""
    for reference in references(provider.configuration):
        if reference.kind == SECRET and reference.name == name:
            told = _("“%(row)s” cannot be deleted: it is used by %(users)s.")
            raise ValidationError(told % {"row": name, "users": reference.key_path}, code="in_use")
    deleted, _by_model = ProviderSecret.objects.filter(provider=provider, name=name).delete()
    return bool(deleted)


def switch_provider(provider: Provider, *, active: bool, by: str) -> None:
    """Switch on or off. What is off sends nothing: see `active_users` for whom that stops."""
    provider.is_active = active
    provider.save(update_fields=["is_active", "updated_at"])
    if active:
        checking.request_check(provider, by=by)
        checking.request_registration(provider, by=by)


def copy_of(provider: Provider) -> Provider:
    """A new one like it, not saved, under a free name. Secrets stay behind: nobody here can read them."""
    taken = set(
        Provider.objects.filter(tenant_id=provider.tenant_id, provider_type=provider.provider_type).values_list(
            "provider_name", flat=True
        )
    )
    wanted = [_("%(name)s (copy)"), *(f"{_('%(name)s (copy)')} {number}" for number in range(2, len(taken) + 3))]
    names = (pattern % {"name": provider.provider_name[:180]} for pattern in wanted)
    name = next(each for each in names if each not in taken)
    return Provider(provider_name=name, **{field: getattr(provider, field) for field in COPIED})


def guard_problems(provider: Provider) -> list[Problem]:
    """What must not change while campaigns send by this provider: its vendor and its type."""
    if provider._state.adding:
        return []
    stored = _stored(provider)
    users = ", ".join(users_of(provider)) if _is_another(provider, stored) else ""
    if not users:
        return []
    message = _("it is used by %(users)s: make a copy for the other vendor or type, and change the campaigns to it") % {
        "users": users
    }
    key = "provider_vendor" if _vendor(provider) != _vendor(stored) else "provider_type"
    return [(key, message)]


def secret_problems(provider: Provider, given: Iterable[str]) -> list[Problem]:
    """References to secrets that are not there, or were entered for other hosts. `given`: names of new values."""
    configuration = provider.configuration
    wanted = [one for one in references(configuration) if one.kind == SECRET and one.name not in set(given)]
    if not wanted:
        return []
    hosts = hosts_of(configuration)
    stored = {} if provider._state.adding else dict(provider.secrets.values_list("name", "hosts"))
    found: list[Problem] = []
    for reference in wanted:
        if reference.name not in stored:
            found.append((reference.key_path, _("this secret is not stored yet: enter its value")))
        elif new := hosts - set(stored[reference.name]):
            message = _("the address changed to %(hosts)s: enter the secret again, if it may be sent there")
            found.append((reference.key_path, message % {"hosts": ", ".join(sorted(new))}))
    return found


def errors_of(problems: Iterable[Problem]) -> list[ValidationError]:
    """Each as an error that carries its path, for whoever shows it beside the field."""
    return [
        ValidationError("%(path)s: %(text)s" if path else "%(text)s", code="configuration", params=_params(path, text))
        for path, text in problems
    ]


def _params(path: str, text: str) -> dict[str, Any]:
    return {"path": path, "text": text}


def _store_secret(provider: Provider, name: str, value: str, hosts: list[str], by: str) -> None:
    # In this order, and never by reading: the web role may not see the value.
    changed = {"value": value, "hosts": hosts, "created_at": Now(), "created_by": by}
    if not ProviderSecret.objects.filter(provider=provider, name=name).update(**changed):
        ProviderSecret.objects.create(
            tenant_id=provider.tenant_id, provider=provider, name=name, value=value, hosts=hosts, created_by=by
        )


def _stored(provider: Provider) -> Provider:
    return Provider.objects.only("provider_type", "configuration").get(pk=provider.pk)


def _is_another(provider: Provider, stored: Provider) -> bool:
    return _vendor(provider) != _vendor(stored) or provider.provider_type != stored.provider_type


def _vendor(provider: Provider) -> Any:
    configuration = provider.configuration
    return registry.vendor_of(provider.provider_type, configuration) if isinstance(configuration, dict) else None
