"""Who uses a row: what is in use cannot be deleted, and the message names the users (contract.md)."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

SHOWN = 5


def users_of(row: models.Model, *besides: type[models.Model]) -> list[str]:
    """Rows that point at this one and forbid its deletion, as text, at most a handful. `besides`: models left out."""
    names: list[str] = []
    for relation in row._meta.related_objects:
        model = relation.related_model
        if relation.on_delete not in (models.RESTRICT, models.PROTECT) or not isinstance(model, type):
            continue
        if not issubclass(model, besides):
            users = model._base_manager.filter(**{relation.field.name: row})[: SHOWN + 1]
            names.extend(str(user) for user in users)
    return [*names[:SHOWN], "…"] if len(names) > SHOWN else names


def delete_unused(row: models.Model) -> None:
    """Delete the row, or raise a ValidationError that names what uses it."""
    try:
        with transaction.atomic():
            row.delete()
    except (models.RestrictedError, models.ProtectedError, IntegrityError) as error:
        users = users_of(row)
        if not users:
            raise
        message = _("“%(row)s” cannot be deleted: it is used by %(users)s.") % {"row": row, "users": ", ".join(users)}
        raise ValidationError(message, code="in_use") from error
