"""What is wrong with a template beyond its single fields; `MessageTemplate.clean` asks, so every door does."""

from __future__ import annotations

from django.utils.translation import gettext as _

from templates.models import MessageTemplate, TemplateVersion
from templates.rendering import is_storable
from tenants.usage import users_of
from tenants.validation import Coded

MAX_TEXT = 100_000
MAX_VARIANTS = 20


def template_errors(template: MessageTemplate) -> dict[str, list[str]]:
    """Messages by field; empty where all is well."""
    errors = {
        "subject": text_errors(template.subject),
        "body": text_errors(template.body),
        "variants": variant_errors(template.variants),
        "template_code": _code_errors(template),
        "channel": _channel_errors(template),
    }
    return {field: messages for field, messages in errors.items() if messages}


def variant_errors(variants: object) -> list[str]:
    """What is wrong with `variants`, which is a list of texts."""
    if not isinstance(variants, list) or any(not isinstance(variant, str) for variant in variants):
        return [Coded(_('Variants are a list of texts, as ["Oi {{nome}}!", "Olá {{nome}}!"].'), "invalid_type")]
    if len(variants) > MAX_VARIANTS:
        return [Coded(_("At most %(limit)d variants.") % {"limit": MAX_VARIANTS}, "max_length")]
    if any(not variant.strip() for variant in variants):
        return [Coded(_("A variant is empty."), "blank")]
    return list(dict.fromkeys(message for variant in variants for message in text_errors(variant)))


def text_errors(text: object) -> list[str]:
    if not isinstance(text, str):
        return []
    if not is_storable(text):
        return [_("It holds a character that cannot be stored (NUL or half of a surrogate pair).")]
    if len(text) > MAX_TEXT:
        return [Coded(_("At most %(limit)d characters.") % {"limit": MAX_TEXT}, "max_length")]
    return []


def code_taken() -> str:
    return Coded(_("There is already a template with this code and language."), "unique")


def _code_errors(template: MessageTemplate) -> list[str]:
    same = MessageTemplate.objects.filter(
        tenant_id=template.tenant_id, template_code=template.template_code, locale=template.locale
    )
    return [code_taken()] if same.exclude(pk=template.pk).exists() else []


def _channel_errors(template: MessageTemplate) -> list[str]:
    stored = MessageTemplate.objects.filter(pk=template.pk).first()
    if stored is None or stored.channel == template.channel:
        return []
    users = users_of(stored, TemplateVersion)
    message = _("The channel cannot change while campaigns use the template: %(users)s.")
    return [Coded(message % {"users": ", ".join(users)}, "in_use")] if users else []
