"""Saving a template: derived placeholders, and a version of every change that a message could show (seed 000 §6)."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from templates.models import MessageTemplate, TemplateVersion
from templates.rendering import is_storable, placeholders_of
from tenants.usage import users_of
from tenants.validation import violated_constraint

MAX_TEXT = 100_000
MAX_VARIANTS = 20
_CONTENT = ("subject", "body", "variants", "media_url", "placeholders")


def save_template(template: MessageTemplate, by: str) -> TemplateVersion:
    """Write the template and, where its content changed, its next version; return the current version.

    Raises ValidationError with messages by field; then nothing was written.
    """
    try:
        with transaction.atomic():
            stored = MessageTemplate.objects.select_for_update().filter(pk=template.pk).first()
            errors = template_errors(template, stored)
            if errors:
                raise ValidationError(errors)
            template.placeholders = placeholders_of(template.subject, template.body, *template.variants)
            if stored is None:
                template.created_by = by
            template.save()
            return _current_version(template, by)
    except IntegrityError as error:
        if violated_constraint(error) != "template_code_once":
            raise
        raise ValidationError({"template_code": [_taken()]}) from error


def template_errors(template: MessageTemplate, stored: MessageTemplate | None) -> dict[str, list[str]]:
    """Everything that is wrong with it, by field. `stored` is what the database has of it, None for a new one."""
    errors: dict[str, list[str]] = {}
    try:
        template.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        errors.update(error.message_dict)
    for field in ("subject", "body"):
        _add(errors, field, text_errors(getattr(template, field)))
    _add(errors, "variants", variant_errors(template.variants))
    same = MessageTemplate.objects.filter(
        tenant_id=template.tenant_id, template_code=template.template_code, locale=template.locale
    ).exclude(pk=template.pk)
    if same.exists():
        _add(errors, "template_code", [_taken()])
    if stored is not None and stored.channel != template.channel and (users := users_of(stored, TemplateVersion)):
        message = _("The channel cannot change while campaigns use the template: %(users)s.")
        _add(errors, "channel", [message % {"users": ", ".join(users)}])
    return errors


def variant_errors(variants: object) -> list[str]:
    """What is wrong with `variants`, which is a list of texts."""
    if not isinstance(variants, list) or any(not isinstance(variant, str) for variant in variants):
        return [_('Variants are a list of texts, as ["Oi {{nome}}!", "Olá {{nome}}!"].')]
    if len(variants) > MAX_VARIANTS:
        return [_("At most %(limit)d variants.") % {"limit": MAX_VARIANTS}]
    if any(not variant.strip() for variant in variants):
        return [_("A variant is empty.")]
    return list(dict.fromkeys(message for variant in variants for message in text_errors(variant)))


def text_errors(text: object) -> list[str]:
    if not isinstance(text, str):
        return []
    if not is_storable(text):
        return [_("It holds a character that cannot be stored (NUL or half of a surrogate pair).")]
    if len(text) > MAX_TEXT:
        return [_("At most %(limit)d characters.") % {"limit": MAX_TEXT}]
    return []


def _taken() -> str:
    return _("There is already a template with this code and language.")


def _add(errors: dict[str, list[str]], field: str, messages: list[str]) -> None:
    if messages:
        errors.setdefault(field, []).extend(messages)


def _current_version(template: MessageTemplate, by: str) -> TemplateVersion:
    """The newest version if it tells the same, else the next one. The row lock above keeps numbers in line."""
    content: dict[str, Any] = {name: getattr(template, name) for name in _CONTENT}
    newest = template.versions.order_by("-number").first()
    if newest is not None and all(getattr(newest, name) == value for name, value in content.items()):
        return newest
    return TemplateVersion.objects.create(
        tenant_id=template.tenant_id,
        template=template,
        number=1 if newest is None else newest.number + 1,
        created_by=by,
        **content,
    )
