"""The only encrypted fields of the project, on the lowest floor: every room may need one.

The stock field encrypts the *representation of an SQL expression* in `bulk_update` and `update(F())`, mixing the
secrets of all rows of a batch, and one row whose key is gone kills a whole queryset. Both are mended here.
"""

from __future__ import annotations

from typing import Any

from cryptography.fernet import InvalidToken
from django.db import models
from fernet_fields import EncryptedField

UNREADABLE = "\x00unreadable"
"""Stands for a value whose key is no longer among FERNET_KEYS."""


class EncryptedTextField(EncryptedField, models.TextField):  # type: ignore[misc, type-arg]  # the library has no types
    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if hasattr(value, "as_sql"):
            return value
        return super().get_db_prep_save(value, connection)

    def from_db_value(self, value: Any, expression: Any, connection: Any, *args: Any) -> Any:
        try:
            return super().from_db_value(value, expression, connection, *args)
        except InvalidToken:
            return UNREADABLE
