"""Saving a template: derived placeholders, and a version of every change that a message could show (seed 000 §6)."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from templates.checks import code_taken
from templates.models import MessageTemplate, TemplateVersion
from templates.rendering import placeholders_of
from tenants.validation import violated_constraint

_CONTENT = ("subject", "body", "variants", "media_url", "placeholders")


def save_template(template: MessageTemplate, by: str) -> TemplateVersion:
    """Write the template and, where its content changed, its next version; return the current version.

    Raises ValidationError with messages by field; then nothing was written.
    """
    try:
        with transaction.atomic():
            stored = MessageTemplate.objects.select_for_update().filter(pk=template.pk).exists()
            template.full_clean(validate_unique=False, validate_constraints=False)
            template.placeholders = placeholders_of(template.subject, template.body, *template.variants)
            if not stored:
                template.created_by = by
            template.save()
            return _current_version(template, by)
    except IntegrityError as error:
        if violated_constraint(error) != "template_code_once":
            raise
        raise ValidationError({"template_code": [code_taken()]}) from error


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
