"""The providers and templates that a batch of messages names: two queries, whatever its size."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from django.db import connection
from django.db.models import Q

from dispatching import direct_reasons
from dispatching.gates import Refusal
from dispatching.wanted import Sender, Wanted
from providers import registry
from providers.models import Provider
from providers.settings import resolve
from providers.transports import Transport
from templates.rendering import Compiled, compile_text, placeholders_of

# The newest version of each template that is named.
_TEMPLATES = """
SELECT t.id, v.id, t.template_code, t.locale, t.channel, t.is_active, v.subject, v.body, v.variants, v.media_url
FROM templates t
JOIN LATERAL (SELECT * FROM template_versions WHERE template_id = t.id ORDER BY number DESC LIMIT 1) v ON true
WHERE t.tenant_id = %s AND (t.id = ANY(%s) OR t.template_code = ANY(%s))
"""


class Way(msgspec.Struct, frozen=True):
    """A provider as this door sees it: without its secrets, which only workers can read."""

    id: uuid.UUID
    type: str
    is_active: bool
    transport: Transport | None
    max_attempts: int
    address_attribute: str


class Wording(msgspec.Struct, frozen=True):
    """What is said: a template's newest version, or (without ids) a free text."""

    subject: Compiled
    body: Compiled
    placeholders: list[str]
    variants: tuple[Compiled, ...] = ()
    media_url: str = ""
    template_id: uuid.UUID | None = None
    version_id: uuid.UUID | None = None
    locale: str = ""
    channel: str = ""
    is_active: bool = True


class Choices(msgspec.Struct):
    """What there is to choose from. Free texts are compiled once per wording."""

    sender: Sender
    ways: dict[uuid.UUID, Way]
    by_type: dict[str, list[Way]]
    templates: dict[uuid.UUID, Wording]
    by_code: dict[str, list[Wording]]
    free: dict[tuple[str, str], Wording]

    def way_of(self, wanted: Wanted) -> Way | Refusal:
        """The provider: the named one, else the only active one of the type."""
        if wanted.provider_id is not None:
            way = self.ways.get(wanted.provider_id)
            return way or refusal(direct_reasons.PROVIDER_NOT_FOUND, "/provider_id")
        active = self.by_type.get(wanted.provider_type, [])
        if not active:
            return refusal(direct_reasons.PROVIDER_NOT_FOUND, "/provider_type", wanted.provider_type)
        if len(active) > 1:
            return refusal(direct_reasons.PROVIDER_AMBIGUOUS, "/provider_type", wanted.provider_type)
        return active[0]

    def wording_of(self, wanted: Wanted) -> Wording | Refusal:
        """The template: by id, by code and language, or by code in the tenant's language or the only one there is."""
        if wanted.template_id is not None:
            return self.templates.get(wanted.template_id) or refusal(direct_reasons.TEMPLATE_NOT_FOUND, "/template_id")
        if not wanted.template_code:
            return self._free_text(wanted.subject, wanted.body)
        found = self.by_code.get(wanted.template_code, [])
        if wanted.template_locale:
            found = [one for one in found if one.locale == wanted.template_locale.lower()]
        elif len(found) > 1:
            found = [one for one in found if one.locale == self.sender.locale.lower()]
            if not found:
                return refusal(direct_reasons.TEMPLATE_AMBIGUOUS, "/template_locale")
        return found[0] if found else refusal(direct_reasons.TEMPLATE_NOT_FOUND, "/template_code", wanted.template_code)

    def _free_text(self, subject: str, body: str) -> Wording:
        made = self.free.get((subject, body))
        if made is None:
            made = self.free[subject, body] = Wording(
                subject=compile_text(subject), body=compile_text(body), placeholders=placeholders_of(subject, body)
            )
        return made


def load_choices(messages: Sequence[Wanted], sender: Sender) -> Choices:
    """Everything that the messages name, of the sender's tenant."""
    ways = _ways(messages, sender)
    templates = _templates(messages, sender)
    by_type: dict[str, list[Way]] = {}
    for way in ways:
        if way.is_active:
            by_type.setdefault(way.type, []).append(way)
    by_code: dict[str, list[Wording]] = {}
    for code, wording in templates:
        by_code.setdefault(code, []).append(wording)
    return Choices(
        sender=sender,
        ways={way.id: way for way in ways},
        by_type=by_type,
        templates={wording.template_id: wording for _, wording in templates if wording.template_id},
        by_code=by_code,
        free={},
    )


def refusal(code: str, pointer: str, detail: str = "") -> Refusal:
    return Refusal(code, pointer, direct_reasons.told(code, detail))


def _ways(messages: Sequence[Wanted], sender: Sender) -> list[Way]:
    ids = {wanted.provider_id for wanted in messages if wanted.provider_id}
    types = {wanted.provider_type for wanted in messages if wanted.provider_type}
    rows = Provider.objects.filter(
        Q(pk__in=ids) | Q(provider_type__in=types, is_active=True), tenant_id=sender.tenant_id
    ).values_list("pk", "provider_type", "is_active", "configuration")
    return [_way(*row, tenant_id=sender.tenant_id) for row in rows]


def _way(pk: uuid.UUID, provider_type: str, is_active: bool, configuration: dict[str, Any], *, tenant_id: int) -> Way:
    try:
        transport = registry.transport_for(provider_type, configuration)
    except registry.UnknownVendor:
        transport = None
    settings = resolve(
        provider_id=str(pk),
        tenant_id=tenant_id,
        provider_type=provider_type,
        configuration=configuration,
        secrets={},
        allow_list=(),
        environment={},
    )
    return Way(pk, provider_type, is_active, transport, settings.max_attempts, settings.address_attribute)


def _templates(messages: Sequence[Wanted], sender: Sender) -> list[tuple[str, Wording]]:
    ids = {wanted.template_id for wanted in messages if wanted.template_id}
    codes = {wanted.template_code for wanted in messages if wanted.template_code}
    if not ids and not codes:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_TEMPLATES, [sender.tenant_id, list(ids), list(codes)])
        return [(row[2], _wording(row)) for row in cursor.fetchall()]


def _wording(row: tuple[Any, ...]) -> Wording:
    template_id, version_id, _code, locale, channel, is_active, subject, body, variants, media_url = row
    # Django's cursor hands out JSON as text.
    texts: list[str] = msgspec.json.decode(variants) if isinstance(variants, str) else variants
    return Wording(
        subject=compile_text(subject),
        body=compile_text(body),
        placeholders=placeholders_of(subject, body, *texts),
        variants=tuple(compile_text(text) for text in texts),
        media_url=media_url,
        template_id=template_id,
        version_id=version_id,
        locale=locale.lower(),
        channel=channel,
        is_active=is_active,
    )
